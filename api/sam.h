// sigillod, as handlers see it: a message in, a message or an Error out, later, on the IPC client's thread,
// which is a reactor thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "appliance/base/result.h"
#include "appliance/ipc/client.h"
#include "appliance/ipc/loop_client.h"
#include "appliance/ipc/sam.pb.h"

namespace sigillo::api {

// Connections to sigillod, one for each reactor thread: what is asked on a reactor thread is answered there,
// without a change of threads. Thread-safe; next_id() is of no connection in particular.
class ReactorClients final : public ipc::Client {
 public:
    // At least one.
    explicit ReactorClients(std::vector<std::unique_ptr<ipc::LoopClient>> clients)
        : clients_(std::move(clients)) {}
    void call(std::uint64_t id, ByteView payload, Callback callback) override;
    std::uint64_t next_id() override { return clients_.front()->next_id(); }
    bool connected() const override;

 private:
    const std::vector<std::unique_ptr<ipc::LoopClient>> clients_;
};

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
