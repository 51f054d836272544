#include "appliance/ipc/client.h"

#include <poll.h>

#include <atomic>
#include <thread>
#include <utility>

#include "appliance/ipc/loop_client.h"

namespace sigillo::ipc {
namespace {

// A loop of its own around a LoopClient.
class ThreadedClient final : public Client {
 public:
    explicit ThreadedClient(ClientConfig config) : client_(std::move(config)) {
        thread_ = std::thread([this] { run(); });
    }
    ~ThreadedClient() override {
        stopping_ = true;
        stop_.signal();
        thread_.join();
    }
    ThreadedClient(const ThreadedClient&) = delete;
    ThreadedClient& operator=(const ThreadedClient&) = delete;

    void call(std::uint64_t id, ByteView payload, Callback callback) override {
        client_.call(id, payload, std::move(callback));
    }
    std::uint64_t next_id() override { return client_.next_id(); }
    bool connected() const override { return client_.connected(); }

 private:
    void run() {
        pollfd polled[2] = {{client_.fd(), POLLIN, 0}, {stop_.fd(), POLLIN, 0}};
        while (!stopping_) {
            ::poll(polled, 2, -1);
            client_.turn();
            client_.flush();
        }
        client_.close();
    }

    const WakeUp stop_;
    std::atomic<bool> stopping_{false};
    LoopClient client_;
    std::thread thread_;
};

}  // namespace

std::unique_ptr<Client> Client::create(ClientConfig config) {
    return std::make_unique<ThreadedClient>(std::move(config));
}

}  // namespace sigillo::ipc
