#include "api/json/writer.h"
#include "api/v1/answer.h"
#include "api/v1/handlers.h"
#include "api/v1/use_position.h"
#include "appliance/base/clock.h"
#include "appliance/base/digest.h"

namespace sigillo::api::v1 {

using json::Writer;

void list_uses(Call& call) {
    const auto id = value_or_refuse(call, path_id(call.parameters[0], "credentialID"));
    if (!id) return;
    auto request = value_or_refuse(call, decode_list_uses(call.request, *id));
    if (!request) return;
    const auto limit = static_cast<int>(request->limit());
    auto question = call.ask();
    *question.mutable_list_uses() = std::move(*request);
    ask(call, std::move(question), sam::SigningResponse::kUses, [limit](const sam::SigningResponse& answer) {
        const auto& uses = answer.uses().uses();
        Writer out;
        out.begin_object().key("uses").begin_array();
        std::uint64_t last = 0;
        for (const auto& use : uses) {
            const auto number = number_of(UsePosition{use.epoch(), use.index()});
            if (!number) return to_response(from_error({Errc::kInternal, "a use beyond every epoch", {}}));
            last = *number;
            out.begin_object();
            out.key("index").integer(static_cast<std::int64_t>(last));
            out.key("epoch").integer(static_cast<std::int64_t>(use.epoch()));
            out.key("logIndex").integer(static_cast<std::int64_t>(use.index()));
            out.member("time", rfc3339(from_unix_millis(use.time_ms())));
            out.key("hash").base64(as_bytes(use.hash()));
            out.member("hashAlgorithmOID", hash_oid(static_cast<HashAlgorithm>(use.hash_algorithm())));
            if (!use.document_digest().empty()) {
                out.key("documentDigest").base64(as_bytes(use.document_digest()));
                out.key("messageDigest").base64(as_bytes(use.message_digest()));
                out.member("format", use.format());
            }
            if (!use.signature_sha256().empty())
                out.key("signatureSHA256").base64(as_bytes(use.signature_sha256()));
            out.member("outcome", use.outcome());
            out.end_object();
        }
        out.end_array();
        if (uses.size() >= limit) out.key("next").integer(static_cast<std::int64_t>(last));
        out.end_object();
        return json_response(200, out.take());
    });
}

}  // namespace sigillo::api::v1
