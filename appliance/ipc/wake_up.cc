#include "appliance/ipc/wake_up.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace sigillo::ipc {

WakeUp::WakeUp() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!fd_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void WakeUp::signal() const {
    constexpr std::uint64_t kOne = 1;
    // Fails only when the counter is full: then the sleeper is awake already.
    [[maybe_unused]] const auto written = ::write(fd_.get(), &kOne, sizeof kOne);
}

void WakeUp::clear() const {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(fd_.get(), &count, sizeof count);
}

}  // namespace sigillo::ipc
