#include "api/fetch/fetch_client.h"

#include "api/fetch/fetch.pb.h"

namespace sigillo::fetch {
namespace {

Error error_of(const wire::Error& error) {
    const bool known = error.code() >= 1 && error.code() <= static_cast<unsigned>(Errc::kInternal);
    return {known ? static_cast<Errc>(error.code()) : Errc::kInternal, error.detail(), error.field()};
}

using Answer = std::function<void(Result<wire::Response>)>;

void call(ipc::Client& client, wire::Request request, wire::Response::BodyCase expected, Answer answer_to) {
    const auto id = client.next_id();
    request.set_id(id);
    Bytes payload(request.ByteSizeLong());
    request.SerializeToArray(payload.data(), static_cast<int>(payload.size()));
    client.call(id, payload, [expected, answer_to = std::move(answer_to)](Result<Bytes> answer) {
        if (!answer) {
            Error error = std::move(answer).error();
            error.detail = "sigillo-fetch: " + error.detail;
            answer_to(std::unexpected(std::move(error)));
            return;
        }
        wire::Response response;
        if (!response.ParseFromArray(answer->data(), static_cast<int>(answer->size())))
            answer_to(fail(Errc::kInternal, "sigillo-fetch's answer cannot be read"));
        else if (response.body_case() == wire::Response::kError)
            answer_to(std::unexpected(error_of(response.error())));
        else if (response.body_case() != expected)
            answer_to(fail(Errc::kInternal, "sigillo-fetch's answer is of another kind than the question"));
        else
            answer_to(std::move(response));
    });
}

Answer to_fetched(Callback<Fetched> callback) {
    return [callback = std::move(callback)](Result<wire::Response> answer) {
        if (!answer) {
            callback(std::unexpected(std::move(answer).error()));
            return;
        }
        callback(Fetched{.body = to_bytes(as_bytes(answer->fetched().body())),
                         .cached = answer->fetched().cached(),
                         .fetched_at = from_unix_millis(answer->fetched().fetched_ms())});
    };
}

Answer to_status(std::function<void(Status)> callback) {
    return [callback = std::move(callback)](const Result<wire::Response>& answer) {
        callback(answer ? Status() : std::unexpected(answer.error()));
    };
}

std::unique_ptr<ipc::Client> connect(const FetchClientConfig& config, std::chrono::milliseconds deadline) {
    ipc::ClientConfig client;
    client.path = config.socket;
    client.frame_limit = config.frame_limit;
    client.in_flight_limit = config.in_flight_limit;
    client.deadline = deadline;
    return ipc::Client::create(std::move(client));
}

}  // namespace

FetchClient::FetchClient(const FetchClientConfig& config)
    : client_(connect(config, config.deadline)), health_client_(connect(config, config.health_deadline)) {}

void FetchClient::get(const std::string& url, Kind kind, bool fresh, Callback<Fetched> callback) {
    wire::Request request;
    request.mutable_get_url()->set_url(url);
    request.mutable_get_url()->set_kind(static_cast<wire::Kind>(kind));
    request.mutable_get_url()->set_fresh(fresh);
    call(*client_, std::move(request), wire::Response::kFetched, to_fetched(std::move(callback)));
}

void FetchClient::post_ocsp(const std::string& url, ByteView ocsp_request, Callback<Fetched> callback) {
    wire::Request request;
    request.mutable_post_ocsp()->set_url(url);
    request.mutable_post_ocsp()->set_request(ocsp_request.data(), ocsp_request.size());
    call(*client_, std::move(request), wire::Response::kFetched, to_fetched(std::move(callback)));
}

void FetchClient::keep_until(const std::string& url, Kind kind, ByteView sha256, WallTime until) {
    wire::Request request;
    request.mutable_keep_until()->set_url(url);
    request.mutable_keep_until()->set_kind(static_cast<wire::Kind>(kind));
    request.mutable_keep_until()->set_sha256(sha256.data(), sha256.size());
    request.mutable_keep_until()->set_until_ms(unix_millis(until));
    // A hint: what is not kept is fetched again.
    call(*client_, std::move(request), wire::Response::kDone, [](const Result<wire::Response>&) {});
}

void FetchClient::post_callback(const std::string& url, ByteView json, const std::string& id,
                                std::function<void(Status)> callback) {
    wire::Request request;
    request.mutable_post_callback()->set_url(url);
    request.mutable_post_callback()->set_body(json.data(), json.size());
    request.mutable_post_callback()->set_id(id);
    call(*client_, std::move(request), wire::Response::kDone, to_status(std::move(callback)));
}

void FetchClient::check_callback(const std::string& url, std::function<void(Status)> callback) {
    wire::Request request;
    request.mutable_check_callback()->set_url(url);
    call(*client_, std::move(request), wire::Response::kDone, to_status(std::move(callback)));
}

void FetchClient::health(Callback<HealthReport> callback) {
    wire::Request request;
    request.mutable_get_health();
    call(*health_client_, std::move(request), wire::Response::kHealth,
         [callback = std::move(callback)](const Result<wire::Response>& answer) {
             if (!answer) {
                 callback(std::unexpected(answer.error()));
                 return;
             }
             HealthReport report;
             for (const wire::HealthItem& item : answer->health().items())
                 report.items.push_back({item.name(), item.state(), item.reason()});
             for (const auto& [name, value] : answer->health().metrics())
                 report.metrics.emplace_back(name, value);
             callback(std::move(report));
         });
}

}  // namespace sigillo::fetch
