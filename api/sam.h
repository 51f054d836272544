// sigillod, as handlers see it: a message in, a message or an Error out, later, on the IPC client's thread.
#pragma once

#include <functional>
#include <memory>

#include "appliance/base/result.h"
#include "appliance/ipc/client.h"
#include "appliance/ipc/sam.pb.h"

namespace sigillo::api {

// Thread-safe.
class SigningSam {
 public:
    using Callback = std::function<void(Result<sam::SigningResponse>)>;

    explicit SigningSam(std::unique_ptr<ipc::Client> client) : client_(std::move(client)) {}
    // Fills in the request's id. Errors: sigillod's own, kUnavailable and kInternal of ipc::Client, kInternal
    // for an answer whose body is not `expected` (two programs of different versions).
    void call(sam::SigningRequest request, sam::SigningResponse::BodyCase expected, Callback callback);
    bool connected() const { return client_->connected(); }

 private:
    const std::unique_ptr<ipc::Client> client_;
};

// Thread-safe.
class PublicSam {
 public:
    using Callback = std::function<void(Result<sam::PublicResponse>)>;

    explicit PublicSam(std::unique_ptr<ipc::Client> client) : client_(std::move(client)) {}
    void call(sam::PublicRequest request, sam::PublicResponse::BodyCase expected, Callback callback);
    bool connected() const { return client_->connected(); }

 private:
    const std::unique_ptr<ipc::Client> client_;
};

}  // namespace sigillo::api
