// sigillod's answers as something that a coroutine waits for.
#pragma once

#include <coroutine>
#include <optional>
#include <string>

#include "api/sam.h"
#include "appliance/base/task.h"

namespace sigillo::api::documents {

// co_await Asked(sam, executor, request, kind, name): Result<sam::SigningResponse>. It goes on on `executor`,
// in the name of whom the work is for.
class Asked {
 public:
    Asked(SigningSam& sam, Executor& executor, sam::SigningRequest request,
          sam::SigningResponse::BodyCase expected, std::string name)
        : sam_(sam),
          executor_(executor),
          request_(std::move(request)),
          expected_(expected),
          name_(std::move(name)) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        // The answer may come, and the coroutine go on and take this object with it, before call() returns:
        // nothing here is touched after it.
        sam_.call(std::move(request_), expected_, [this, waiting](Result<sam::SigningResponse> answer) {
            answer_.emplace(std::move(answer));
            executor_.resume(waiting, name_);
        });
    }
    Result<sam::SigningResponse> await_resume() { return std::move(*answer_); }

 private:
    SigningSam& sam_;
    Executor& executor_;
    sam::SigningRequest request_;
    const sam::SigningResponse::BodyCase expected_;
    const std::string name_;
    std::optional<Result<sam::SigningResponse>> answer_;
};

}  // namespace sigillo::api::documents
