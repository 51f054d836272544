// A computation that can be suspended: a coroutine that is waited for with co_await, without a thread that
// sleeps meanwhile.
//
// A Task does nothing until it is awaited, and is awaited once. What suspends it says where it goes on (an
// Executor); until then it runs on its caller's thread. An exception of the body is thrown to whoever awaits.
// Parameters by reference must outlive the Task: the caller that awaits it in the same full expression keeps
// them.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

namespace sigillo {

// Where suspended work goes on.
class Executor {
 public:
    virtual ~Executor() = default;
    // Resumes `work` on another thread, soon. `name`: in whose name it waits its turn. Thread-safe; never
    // refuses.
    virtual void resume(std::coroutine_handle<> work, std::string_view name) = 0;
};

template <class T>
class [[nodiscard]] Task {
 public:
    class promise_type;
    using Handle = std::coroutine_handle<promise_type>;

    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&&) = delete;
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task() {
        if (handle_) handle_.destroy();
    }

    auto operator co_await() && noexcept { return Awaiter{handle_}; }

 private:
    struct Awaiter {
        Handle handle;
        bool await_ready() const noexcept { return false; }
        Handle await_suspend(std::coroutine_handle<> caller) const noexcept {
            handle.promise().caller_ = caller;
            return handle;
        }
        T await_resume() const { return handle.promise().take(); }
    };

    explicit Task(Handle handle) : handle_(handle) {}
    Handle handle_;
};

template <class T>
class Task<T>::promise_type {
 public:
    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
        struct ToCaller {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(Handle self) noexcept { return self.promise().caller_; }
            void await_resume() noexcept {}
        };
        return ToCaller{};
    }
    template <class U>
    void return_value(U&& value) {
        value_.emplace(std::forward<U>(value));
    }
    void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

 private:
    friend struct Task<T>::Awaiter;
    T take() {
        if (thrown_) std::rethrow_exception(thrown_);
        return *std::move(value_);
    }
    std::coroutine_handle<> caller_;
    std::optional<T> value_;
    std::exception_ptr thrown_;
};

namespace detail {

// Runs from where it is called and cleans up after itself; what it awaits must not throw out of it.
struct Detached {
    struct promise_type {
        Detached get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
    };
};

template <class T, class Done, class Failed>
Detached drive(Task<T> task, Done done, Failed failed) {
    std::exception_ptr thrown;
    try {
        T value = co_await std::move(task);
        done(std::move(value));
    } catch (...) {
        thrown = std::current_exception();
    }
    if (thrown) failed(thrown);
}

template <class T>
struct Ending {
    std::mutex mutex;
    std::condition_variable ended;
    std::optional<T> value;
    std::exception_ptr thrown;
};

}  // namespace detail

// Starts `task` on this thread. On whatever thread it ends: done(its value); failed(exception) when the task
// or `done` throws. `failed` must not.
template <class T, class Done, class Failed>
void start(Task<T> task, Done done, Failed failed) {
    detail::drive(std::move(task), std::move(done), std::move(failed));
}

// Starts `task` on this thread, and waits for its end.
template <class T>
T run_to_end(Task<T> task) {
    const auto ending = std::make_shared<detail::Ending<T>>();
    start(
        std::move(task),
        [ending](T value) {
            const std::lock_guard lock(ending->mutex);
            ending->value.emplace(std::move(value));
            ending->ended.notify_all();
        },
        [ending](const std::exception_ptr& thrown) {
            const std::lock_guard lock(ending->mutex);
            ending->thrown = thrown;
            ending->ended.notify_all();
        });
    std::unique_lock lock(ending->mutex);
    ending->ended.wait(lock, [&] { return ending->value || ending->thrown; });
    if (ending->thrown) std::rethrow_exception(ending->thrown);
    return *std::move(ending->value);
}

}  // namespace sigillo

// SIGILLO_TRY and SIGILLO_ASSIGN of result.h inside a coroutine.
#define SIGILLO_CO_TRY(expr) SIGILLO_CO_TRY_(expr, SIGILLO_CONCAT(sigillo_status_, __COUNTER__))
#define SIGILLO_CO_TRY_(expr, tmp)                                                      \
    do {                                                                                \
        if (auto tmp = (expr); !tmp) co_return std::unexpected(std::move(tmp).error()); \
    } while (false)
#define SIGILLO_CO_ASSIGN(lhs, expr) \
    SIGILLO_CO_ASSIGN_(lhs, expr, SIGILLO_CONCAT(sigillo_result_, __COUNTER__))
#define SIGILLO_CO_ASSIGN_(lhs, expr, tmp)                       \
    auto tmp = (expr);                                           \
    if (!tmp) co_return std::unexpected(std::move(tmp).error()); \
    lhs = *std::move(tmp)
