// What the tests of api/ share: a sigillod that answers as told, answers to look at, raw sockets.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/dispatcher.h"
#include "api/http/client_certificate.h"
#include "api/metrics.h"
#include "api/sam.h"
#include "appliance/ipc/client.h"

namespace sigillo::api::testing {

// In place of the socket: answers at once, on the caller's thread, with what `script` makes of the request.
// Thread-safe: one script at a time.
template <class Request, class Response>
class ScriptedClient final : public ipc::Client {
 public:
    using Script = std::function<Response(const Request&)>;
    explicit ScriptedClient(Script script) : script_(std::move(script)) {}
    void call(std::uint64_t id, ByteView payload, Callback callback) override {
        Request request;
        if (!request.ParseFromArray(payload.data(), static_cast<int>(payload.size())) || request.id() != id) {
            callback(fail(Errc::kInternal, "the test cannot read the request"));
            return;
        }
        if (lost) {
            callback(fail(Errc::kUnavailable, "lost"));
            return;
        }
        Response response = play(request);
        response.set_id(id);
        callback(to_bytes(response.SerializeAsString()));
    }
    std::uint64_t next_id() override { return next_++; }
    bool connected() const override { return !lost; }
    std::atomic<bool> lost = false;

 private:
    Response play(const Request& request) {
        const std::lock_guard lock(mutex_);
        return script_(request);
    }
    std::mutex mutex_;
    const Script script_;
    std::atomic<std::uint64_t> next_ = 1;
};

// Keeps the one answer.
class Answers final : public AnswerSink {
 public:
    void deliver(std::uint64_t, Response response) noexcept override {
        const std::lock_guard lock(mutex_);
        responses.push_back(std::move(response));
    }
    std::vector<Response> responses;

 private:
    std::mutex mutex_;
};

// A dispatcher over one face's routes, with a scripted sigillod behind.
class Face {
 public:
    using SigningScript = ScriptedClient<sam::SigningRequest, sam::SigningResponse>::Script;
    using PublicScript = ScriptedClient<sam::PublicRequest, sam::PublicResponse>::Script;

    explicit Face(SigningScript script);
    static Face public_face(PublicScript script) { return Face(std::move(script), 0); }
    Response ask(Request request);
    Response post(const std::string& path, const std::string& body);
    Response get(const std::string& path) { return ask(request(Method::kGet, path)); }
    // With the demo certificate.
    static Request request(Method method, const std::string& path, const std::string& body = {});
    // What sigillod was asked, in order.
    std::vector<sam::SigningRequest> asked;
    std::atomic<bool>* lost = nullptr;

 private:
    Face(PublicScript script, int);
    void start(std::span<const Route> routes);
    Logger logger_{"test", 2, Severity::kError};
    ClientCertificates certificates_{16};
    std::unique_ptr<Metrics> metrics_;
    ServiceInfo info_;
    std::unique_ptr<SigningSam> signing_;
    std::unique_ptr<PublicSam> anonymous_;
    std::unique_ptr<Services> services_;
    std::unique_ptr<Dispatcher> dispatcher_;
};

// A self-signed P-256 certificate, made once a process.
const std::string& demo_certificate_pem();
// As nginx's $ssl_client_escaped_cert has it.
std::string url_escape(std::string_view text);

// A client's end of a unix socket. Every wait ends after ten seconds.
class RawClient {
 public:
    explicit RawClient(const std::string& path);
    ~RawClient();
    RawClient(RawClient&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;
    bool connected() const { return fd_ >= 0; }
    bool send(std::string_view bytes);
    // One whole answer, head and body; nothing at the end of the stream.
    struct Reply {
        int status = 0;
        std::string head;
        std::string body;
    };
    std::optional<Reply> read_reply();
    bool at_end();  // the server has hung up, and nothing more came
    void hang_up();

 private:
    bool fill();
    int fd_ = -1;
    std::string buffer_;
};

}  // namespace sigillo::api::testing
