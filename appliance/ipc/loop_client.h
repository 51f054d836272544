// A Client without a thread: an event loop that turns anyway drives it, so that an answer costs no change of
// threads.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "appliance/base/file.h"
#include "appliance/ipc/client.h"
#include "appliance/ipc/frame_writer.h"
#include "appliance/ipc/in_flight.h"
#include "appliance/ipc/wake_up.h"

namespace sigillo::ipc {

// call() and what else Client has are thread-safe. The rest is for the loop's thread, the one that calls
// turn(), alone; callbacks run on it, within turn() or close().
class LoopClient final : public Client {
 public:
    // As Client::create(). Without descriptors left there is no IPC: throws std::system_error.
    explicit LoopClient(ClientConfig config);
    ~LoopClient() override;
    LoopClient(const LoopClient&) = delete;
    LoopClient& operator=(const LoopClient&) = delete;

    // Readable when there is something to do: to be watched level-triggered.
    int fd() const { return epoll_.get(); }
    // Does it, without waiting: takes answers, enforces deadlines, reconnects.
    void turn();
    // To be called at the end of each round of the loop: what was asked for on its thread leaves together.
    void flush();
    // Answers what is in flight with kUnavailable; connects no more. The destructor does it too.
    void close();
    // Whether this is the loop's thread. Thread-safe.
    bool on_loop() const { return loop_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

    void call(std::uint64_t id, ByteView payload, Callback callback) override;
    std::uint64_t next_id() override { return ++last_id_; }
    bool connected() const override;

 private:
    struct Link;
    struct Refusal {
        Callback callback;
        Error error;
    };

    void connect();
    void disconnect(const Error& reason);
    void serve(Link& link, std::uint32_t events);
    void receive(Link& link);
    void settle(Link& link);
    void refuse(Callback callback, Error error);
    void answer_refused_and_expired();
    void tick_every(std::chrono::milliseconds interval);
    void watch(int operation, int fd, std::uint32_t events) const;

    const ClientConfig config_;
    const WakeUp wake_up_;
    const UniqueFd timer_;
    const UniqueFd epoll_;
    std::atomic<std::uint64_t> last_id_{0};
    std::atomic<std::thread::id> loop_{};

    mutable std::mutex mutex_;
    // guarded by mutex_:
    std::shared_ptr<Link> link_;  // null while not connected; set and cleared by the loop's thread
    Error why_not_connected_;
    InFlight in_flight_;
    std::vector<Refusal> refused_;  // to be answered on the loop's thread
};

}  // namespace sigillo::ipc
