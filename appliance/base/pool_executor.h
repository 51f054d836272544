// Suspended work goes on on the threads of a pool of its own, whose queue has no bound: what is suspended was
// admitted before, and must end.
#pragma once

#include <limits>

#include "appliance/base/task.h"
#include "appliance/base/worker_pool.h"

namespace sigillo {

class PoolExecutor final : public Executor {
 public:
    // As WorkerPool.
    PoolExecutor(std::size_t threads, std::size_t share)
        : pool_(threads, std::numeric_limits<std::size_t>::max(), share) {}

    void resume(std::coroutine_handle<> work, std::string_view name) override {
        // A pool refuses only while it is destroyed, when nothing is suspended any more.
        if (!pool_.submit([work] { work.resume(); }, name)) work.resume();
    }
    std::size_t waiting() const { return pool_.waiting(); }

 private:
    WorkerPool pool_;
};

}  // namespace sigillo
