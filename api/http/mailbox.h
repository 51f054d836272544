// What other threads hand to a reactor thread: accepted sockets, finished answers, orders. Thread-safe;
// outlives its reactor in the hands of late Responders, and then drops what it is given.
#pragma once

#include <cstdint>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "api/http/exchange.h"
#include "appliance/base/file.h"

namespace sigillo::api {

struct Answer {
    std::uint64_t exchange = 0;
    Response response;
};
enum class Order : std::uint8_t {
    kSweep,  // close connections whose request has been arriving for too long
    kDrain,  // finish what is in flight, close the rest
};
using Mail = std::variant<UniqueFd, Answer, Order>;

class Mailbox final : public AnswerSink {
 public:
    Mailbox();  // throws std::system_error without an eventfd: start-up only
    void deliver(std::uint64_t exchange, Response response) noexcept override;
    void post(Mail mail);
    // Readable while there is mail of other threads than the reader's, which takes what it posts itself
    // before it sleeps again.
    int event_fd() const { return event_.get(); }
    // All that is there, in place of what `mail` held. Whoever calls this is the reader.
    void take(std::vector<Mail>& mail);
    // The reader comes round again, mail or not. By the reader alone.
    void wake();
    // What is in it and what still comes is dropped.
    void close();

 private:
    void tell();  // with mutex_ held
    UniqueFd event_;
    std::mutex mutex_;
    // Guarded by mutex_:
    std::vector<Mail> mail_;
    std::thread::id reader_;
    bool told_ = false;  // event_ is readable
    bool closed_ = false;
};

}  // namespace sigillo::api
