#include "appliance/signing/outcome.h"

#include "appliance/base/digest.h"
#include "appliance/signing/credential_log.h"

namespace sigillo::signing {
namespace {

std::string_view result_name(UseResult result) {
    switch (result) {
        case UseResult::kSigned:
            return "signed";
        case UseResult::kFailed:
            return "failed";
        case UseResult::kUnknown:
            return "unknown";
    }
    return "unknown";
}

record::CallState call_state(UseResult result) {
    switch (result) {
        case UseResult::kSigned:
            return record::CALL_SIGNED;
        case UseResult::kFailed:
            return record::CALL_FAILED;
        case UseResult::kUnknown:
            return record::CALL_UNKNOWN;
    }
    return record::CALL_UNKNOWN;
}

}  // namespace

Task<Status> write_outcome(audit::Ledger& ledger, const activation::Sads& sads, const Outcome& outcome,
                           std::chrono::hours retry_window) {
    std::vector<Bytes> signature_digests;
    for (const Bytes& signature : outcome.signatures)
        signature_digests.push_back(to_bytes(ByteView(sha256(signature))));

    co_return co_await ledger.commit(outcome.client, [&](audit::Recorder& recorder) -> Status {
        const std::uint64_t epoch = outcome.intent_epoch == 0 ? recorder.epoch() : outcome.intent_epoch;
        const Bytes intent_key = key_of(outcome.credential.str(), epoch, outcome.intent_index);
        SIGILLO_ASSIGN(const auto open, recorder.load(tables::kOpenIntents, intent_key));
        if (!open) return {};  // settled already: an outcome is written once

        audit::Event event = recorder.event("signing.outcome");
        event.set("intent", outcome.intent_index).set("result", result_name(outcome.result));
        if (outcome.result == UseResult::kSigned) event.set_base64_list("signatures", signature_digests);
        if (!outcome.error.empty()) event.set("error", outcome.error);
        if (epoch != recorder.epoch()) event.set("intent_epoch", epoch);  // the Intent stands in that log
        if (outcome.made > 0) event.set("made", outcome.made);
        SIGILLO_ASSIGN(const std::uint64_t index,
                       append_to_credential(recorder, outcome.credential, std::move(event)));

        SIGILLO_TRY(recorder.erase(tables::kOpenIntents, intent_key));

        SIGILLO_ASSIGN(auto call, recorder.require(tables::kCalls, outcome.call_key, "call"));
        call.value.set_state(call_state(outcome.result));
        call.value.set_outcome_index(index);
        for (const Bytes& signature : outcome.signatures)
            call.value.add_signatures(signature.data(), signature.size());
        for (const Bytes& attributes : outcome.signed_attributes)
            call.value.add_signed_attributes(attributes.data(), attributes.size());
        if (call.value.expires_ms() != 0)  // of an attempt that failed
            SIGILLO_TRY(recorder.keep_beyond(from_unix_millis(call.value.expires_ms()), tables::kCalls,
                                             outcome.call_key));
        const WallTime expires = recorder.clock().now() + retry_window;
        call.value.set_expires_ms(unix_millis(expires));
        SIGILLO_TRY(recorder.save(tables::kCalls, outcome.call_key, call));
        SIGILLO_TRY(recorder.expire_at(expires, tables::kCalls, outcome.call_key));

        record::Use use = open->value.use();
        use.set_outcome(call_state(outcome.result));
        use.set_outcome_index(index);
        for (const Bytes& digest : signature_digests) use.add_signature_digests(digest.data(), digest.size());
        SIGILLO_TRY(recorder.create(tables::kUses, intent_key, use));
        SIGILLO_TRY(
            recorder.expire_at(from_unix_millis(open->value.use_expires_ms()), tables::kUses, intent_key));

        if (outcome.result == UseResult::kFailed)
            SIGILLO_TRY(sads.give_back(recorder, outcome.sad, outcome.hashes));
        return {};
    });
}

}  // namespace sigillo::signing
