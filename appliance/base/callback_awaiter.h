// A function that answers through a callback, awaited by a coroutine.
//
//   Result<int> answer = co_await Awaited<Result<int>>(executor, [&](auto callback) {
//   ask(std::move(callback)); });
//
// The function must call the callback exactly once, from any thread, also before it returns. The coroutine
// goes on through the executor, so that the callback's thread is free at once.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "appliance/base/task.h"

namespace sigillo {

template <class T>
class [[nodiscard]] Awaited {
 public:
    using Callback = std::function<void(T)>;
    using Start = std::function<void(Callback)>;

    Awaited(Executor& executor, Start start) : executor_(executor), start_(std::move(start)) {}
    Awaited(const Awaited&) = delete;
    Awaited& operator=(const Awaited&) = delete;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        // The answer may be here, and the coroutine with this object over, before start() returns.
        const Start start = std::move(start_);
        start([this, waiting](T value) {
            value_.emplace(std::move(value));
            executor_.resume(waiting, {});
        });
    }
    T await_resume() { return *std::move(value_); }

 private:
    Executor& executor_;
    Start start_;
    std::optional<T> value_;
};

// Runs all of them at once, and ends with the last. An exception of one is `failed(exception)`.
template <class T, class Failed>
Awaited<std::vector<T>> all_of(Executor& executor, std::vector<Task<T>> tasks, Failed failed) {
    struct Joint {
        std::mutex mutex;
        std::vector<std::optional<T>> values;
        std::size_t left;
        typename Awaited<std::vector<T>>::Callback done;
    };
    auto shared = std::make_shared<std::vector<Task<T>>>(std::move(tasks));
    return Awaited<std::vector<T>>(executor, [shared, failed](auto done) {
        if (shared->empty()) {
            done({});
            return;
        }
        auto joint = std::make_shared<Joint>();
        joint->values.resize(shared->size());
        joint->left = shared->size();
        joint->done = std::move(done);
        const auto settle = [joint](std::size_t place, T value) {
            {
                const std::lock_guard lock(joint->mutex);
                joint->values[place].emplace(std::move(value));
                if (--joint->left != 0) return;
            }
            std::vector<T> values;
            for (auto& one : joint->values) values.push_back(*std::move(one));
            joint->done(std::move(values));
        };
        for (std::size_t i = 0; i < shared->size(); ++i)
            start(
                std::move((*shared)[i]), [settle, i](T value) { settle(i, std::move(value)); },
                [settle, failed, i](const std::exception_ptr& thrown) { settle(i, failed(thrown)); });
    });
}

}  // namespace sigillo
