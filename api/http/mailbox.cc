#include "api/http/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace sigillo::api {

Mailbox::Mailbox() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void Mailbox::deliver(std::uint64_t exchange, Response response) noexcept {
    post(Answer{exchange, std::move(response)});
}

void Mailbox::post(Mail mail) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    mail_.push_back(std::move(mail));
    if (!told_ && std::this_thread::get_id() != reader_) tell();
}

void Mailbox::wake() {
    const std::lock_guard lock(mutex_);
    if (!told_) tell();
}

void Mailbox::tell() {
    told_ = true;
    const std::uint64_t one = 1;
    // Cannot fail: the counter is far from full and the descriptor is ours.
    if (::write(event_.get(), &one, sizeof one) != sizeof one) std::abort();
}

void Mailbox::take(std::vector<Mail>& mail) {
    mail.clear();
    const std::lock_guard lock(mutex_);
    reader_ = std::this_thread::get_id();
    if (told_) {
        told_ = false;
        std::uint64_t count = 0;
        if (::read(event_.get(), &count, sizeof count) < 0 && errno != EAGAIN) std::abort();
    }
    mail.swap(mail_);
}

void Mailbox::close() {
    std::vector<Mail> mail;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    mail.swap(mail_);
}

}  // namespace sigillo::api
