#include "api/documents/signer.h"

#include <chrono>

#include "api/documents/levels.h"
#include "api/documents/work.h"
#include "appliance/base/encoding.h"

namespace sigillo::api::documents {
namespace {

constexpr std::chrono::hours kBelievable{1};
constexpr std::size_t kTimeText = 8;  // of a SAD: six bytes of milliseconds in base64url

Error in_words_of_signing(Error error) {
    // What a document lacks for its level is not the fault of a parameter.
    if (error.field == "chain" || error.field == "signature") error.field = "document";
    return error;
}

}  // namespace

WallTime claimed_time(std::string_view sad, WallTime now) {
    const auto bytes = sad.size() > kTimeText ? base64url_decode(sad.substr(0, kTimeText))
                                              : Result<Bytes>(fail(Errc::kInvalidArgument, ""));
    if (!bytes) return now;
    std::int64_t millis = 0;
    for (const auto byte : *bytes) millis = millis << 8 | byte;
    const WallTime time = from_unix_millis(millis);
    return time <= now && now - time < kBelievable ? time : now;
}

Task<Result<SigningOutcome>> sign_documents(const Toolbox& tools, Caller caller, SigningOrder order) {
    auto asked = order.credential_id.empty() ? credential_of_sad(tools, caller, order.sad)
                                             : credential(tools, caller, order.credential_id);
    auto credential_answer = co_await std::move(asked);
    if (!credential_answer) co_return std::unexpected(std::move(credential_answer).error());
    if (!order.qualifier.empty() && credential_answer->signature_qualifier() != order.qualifier)
        co_return fail(Errc::kInvalidArgument, "the credential has another qualifier", "signatureQualifier");

    std::vector<Work> works;
    works.reserve(order.orders.size());
    for (auto& one : order.orders) works.push_back(Work{.order = std::move(one)});
    const WallTime time = claimed_time(order.sad, tools.clock.now());
    for (auto& work : works)
        if (auto prepared = prepare_work(tools, *credential_answer, time, work); !prepared)
            co_return std::unexpected(in_words_of_signing(std::move(prepared).error()));
    // Only once all are prepared: what waits at sigillod waits for a minute.
    for (auto& work : works)
        if (auto taken = deposit_work(tools, work); !taken)
            co_return std::unexpected(std::move(taken).error());

    std::vector<std::string> chain;
    if (auto made =
            co_await sign_works(tools, caller, credential_answer->credential_id(), order.sad, works, chain);
        !made)
        co_return std::unexpected(std::move(made).error());

    SigningOutcome outcome;
    for (auto& work : works) {
        auto file = co_await finish_work(tools, caller, work, chain, outcome.validation_info);
        if (!file) co_return std::unexpected(in_words_of_signing(std::move(file).error()));
        if (order.validation_info && work.order.level < Level::kLt) {
            const bool is_pdf = work.order.format == Format::kPades && work.order.document.has_value();
            std::vector<std::string> signers;
            if (!is_pdf) signers.push_back(signer_id(work));
            auto info = co_await validation_info(
                tools, caller, *file, is_pdf ? Format::kPades : Format::kCades, std::move(signers));
            if (!info) co_return std::unexpected(std::move(info).error());
            merge_validation_data(outcome.validation_info, *info);
        }
        outcome.documents.push_back({std::move(*file), is_enveloped(work.order)});
    }
    co_return outcome;
}

}  // namespace sigillo::api::documents
