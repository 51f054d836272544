// From a socket's frames to a service and back: parse, queue, carry out, answer.
//
// Requests wait in a bounded queue for a worker; when it is full the answer is "busy" at once. Which queue is
// said for each request: health has a lane of its own, so that it answers while all workers wait for an HSM
// that hangs.
#pragma once

#include <functional>
#include <memory>

#include "appliance/base/logger.h"
#include "appliance/base/task.h"
#include "appliance/base/worker_pool.h"
#include "appliance/ipc/server.h"
#include "appliance/sigillod/codec.h"

namespace sigillo {

// Where a request waits, and in whose name (WorkerPool). Without a pool it begins at once, on the socket's
// own thread: for what neither waits nor computes long before its first commit.
struct Lane {
    WorkerPool* pool;
    std::string name{};
};

namespace detail {
// Holds what the service was given as long as it runs.
template <class Request, class Response>
Task<Response> serve(std::function<Task<Response>(const ipc::Peer&, const Request&)> service, ipc::Peer peer,
                     std::shared_ptr<Request> request) {
    co_return co_await service(peer, *request);
}
}  // namespace detail

// `Request` and `Response` are the messages of one socket. service(peer, request) starts on a worker, and may
// give it back while the store works.
template <class Request, class Response>
ipc::Handler make_handler(Logger& logger,
                          std::function<Task<Response>(const ipc::Peer&, const Request&)> service,
                          std::function<Lane(const Request&)> choose) {
    return [&logger, service = std::move(service), choose = std::move(choose)](
               const ipc::Peer& peer, Bytes payload, ipc::Reply reply) {
        const auto send = [](const ipc::Reply& to, const Response& response) {
            Bytes bytes(response.ByteSizeLong());
            response.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
            to(std::move(bytes));
        };
        const auto refuse = [send](const ipc::Reply& to, std::uint64_t id, const Error& error) {
            Response response;
            response.set_id(id);
            *response.mutable_error() = to_message(error);
            send(to, response);
        };
        auto request = std::make_shared<Request>();
        const bool parsed = request->ParseFromArray(payload.data(), static_cast<int>(payload.size()));
        cleanse(payload);  // may hold a PIN or an OTP
        if (!parsed) {
            refuse(reply, 0, Error{Errc::kInvalidArgument, "not a message of this socket"});
            return;
        }
        auto work = [request, reply, peer, service, send, refuse, &logger]() {
            const auto failed = [request, reply, refuse, &logger](const std::exception_ptr& thrown) {
                // Nothing below throws on purpose: this is memory, or a broken libcrypto.
                try {
                    std::rethrow_exception(thrown);
                } catch (const std::exception& error) {
                    logger.error("request_threw", {{"what", error.what()}});
                } catch (...) {
                    logger.error("request_threw");
                }
                refuse(reply, request->id(), Error{Errc::kInternal, "internal error"});
            };
            start(
                detail::serve<Request, Response>(service, peer, request),
                [reply, send](const Response& response) { send(reply, response); }, failed);
        };
        const Lane lane = choose(*request);
        if (lane.pool == nullptr) return work();
        if (const Status queued = lane.pool->submit(std::move(work), lane.name); !queued)
            refuse(reply, request->id(), queued.error());
    };
}

}  // namespace sigillo
