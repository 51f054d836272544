// What other threads hand to a reactor thread: accepted sockets, finished answers, orders. Thread-safe;
// outlives its reactor in the hands of late Responders, and then drops what it is given.
#pragma once

#include <cstdint>
#include <mutex>
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
    // Readable while there is mail.
    int event_fd() const { return event_.get(); }
    std::vector<Mail> take();
    // What is in it and what still comes is dropped.
    void close();

 private:
    UniqueFd event_;
    std::mutex mutex_;
    std::vector<Mail> mail_;  // guarded by mutex_
    bool closed_ = false;     // guarded by mutex_
};

}  // namespace sigillo::api
