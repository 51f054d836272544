// An eventfd: how any thread wakes a thread that sleeps in poll or epoll_wait.
#pragma once

#include "appliance/base/file.h"
#include "appliance/base/result.h"

namespace sigillo::ipc {

// Thread-safe. Signals that come before clear() count as one.
class WakeUp {
 public:
    WakeUp();  // without descriptors left there is no IPC: throws std::system_error
    int fd() const { return fd_.get(); }
    void signal() const;
    void clear() const;

 private:
    UniqueFd fd_;
};

}  // namespace sigillo::ipc
