#include "api/sam.h"

#include <algorithm>

namespace sigillo::api {
namespace {

Error error_of(const sam::Error& error) {
    const auto code = error.code() >= 1 && error.code() <= static_cast<unsigned>(Errc::kInternal)
                          ? static_cast<Errc>(error.code())
                          : Errc::kInternal;
    return {code, error.detail(), error.field()};
}

// SigningResponse and PublicResponse differ in what they may say, not in how.
template <class Response, class Request>
void call_sam(ipc::Client& client, Request& request, typename Response::BodyCase expected,
              std::function<void(Result<Response>)> callback) {
    const auto id = client.next_id();
    request.set_id(id);
    std::string payload;
    if (!request.SerializeToString(&payload)) {
        callback(fail(Errc::kInternal, "the request could not be serialised"));
        return;
    }
    client.call(id, as_bytes(payload), [expected, callback = std::move(callback)](Result<Bytes> answer) {
        if (!answer) {
            callback(std::unexpected(std::move(answer).error()));
            return;
        }
        Response response;
        if (!response.ParseFromArray(answer->data(), static_cast<int>(answer->size())))
            callback(fail(Errc::kInternal, "sigillod's answer cannot be read"));
        else if (response.body_case() == Response::kError)
            callback(std::unexpected(error_of(response.error())));
        else if (response.body_case() != expected)
            callback(fail(Errc::kInternal, "sigillod's answer is of another kind than the question"));
        else
            callback(std::move(response));
    });
}

}  // namespace

void ReactorClients::call(std::uint64_t id, ByteView payload, Callback callback) {
    // Few: one a reactor thread.
    const auto own = std::ranges::find_if(clients_, [](const auto& client) { return client->on_loop(); });
    const auto& client = own != clients_.end() ? *own : clients_.front();
    client->call(id, payload, std::move(callback));
}

bool ReactorClients::connected() const {
    return std::ranges::any_of(clients_, [](const auto& client) { return client->connected(); });
}

void SigningSam::call(sam::SigningRequest request, sam::SigningResponse::BodyCase expected,
                      Callback callback) {
    call_sam<sam::SigningResponse>(*client_, request, expected, std::move(callback));
}

void PublicSam::call(sam::PublicRequest request, sam::PublicResponse::BodyCase expected, Callback callback) {
    call_sam<sam::PublicResponse>(*client_, request, expected, std::move(callback));
}

}  // namespace sigillo::api
