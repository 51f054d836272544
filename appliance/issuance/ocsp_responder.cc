#include "appliance/issuance/ocsp_responder.h"

#include <algorithm>

#include "appliance/issuance/credentials.h"

namespace sigillo::issuance {
namespace {

using ocsp::NameHash;
using ocsp::ResponseStatus;
using ocsp::SingleStatus;
using ocsp::Standing;

// The number as the records' keys have it: big-endian, without leading zeroes. Nothing for one below 1.
std::optional<Bytes> serial_key(ByteView content) {
    if (content.empty() || (content[0] & 0x80U) != 0) return std::nullopt;
    const auto first = std::ranges::find_if(content, [](std::uint8_t octet) { return octet != 0; });
    if (first == content.end()) return std::nullopt;
    return Bytes(first, content.end());
}

Bytes question_of(const ocsp::OcspRequest& request) {
    Bytes question;
    for (const ocsp::CertId& id : request.certificates())
        for (const Bytes* part : {&id.algorithm, &id.issuer_name_hash, &id.issuer_key_hash, &id.serial}) {
            append_u16(question, static_cast<std::uint16_t>(part->size()));
            append(question, *part);
        }
    return question;
}

bool may_pass(const Error& error) {
    switch (error.code) {
        case Errc::kUnavailable:
        case Errc::kStorageFull:
        case Errc::kHsmRefused:
        case Errc::kHsmFailed:
        case Errc::kClockUntrusted:
        case Errc::kConflict:  // the CA's certificate is not valid now
            return true;
        default:
            return false;
    }
}

}  // namespace

Result<std::unique_ptr<OcspResponder>> OcspResponder::create(const Parts& parts, OcspConfig config) {
    std::unique_ptr<OcspResponder> made(new OcspResponder(parts, config));
    for (const auto& [hash, digest] :
         {std::pair(NameHash::kSha1, "SHA1"), std::pair(NameHash::kSha256, "SHA256"),
          std::pair(NameHash::kSha384, "SHA384"), std::pair(NameHash::kSha512, "SHA512")}) {
        SIGILLO_ASSIGN(IssuerHashes hashes, issuer_hashes(parts.authority.certificate(), digest));
        made->names_.push_back({hash, std::move(hashes)});
    }
    SIGILLO_ASSIGN(made->ca_serial_, serial_bytes(parts.authority.ca().facts().serial_hex));
    return made;
}

OcspResponder::OcspResponder(const Parts& parts, OcspConfig config)
    : parts_(parts),
      config_(config),
      signer_({parts.ledger, parts.keys, parts.authority, parts.logger}, config.retry_pause),
      cache_(config.cache_entries, std::chrono::duration_cast<BootTime>(config.cache_life)) {}

OcspResponder::Answer OcspResponder::refuse(ResponseStatus status) {
    ++refusals_;
    return {ocsp::encode_failure(status), status, {}, {}, false};
}

bool OcspResponder::is_ours(const ocsp::CertId& id) const {
    return std::ranges::any_of(names_, [&](const Named& name) {
        return name.hash == id.hash && name.hashes.name == id.issuer_name_hash &&
               name.hashes.key == id.issuer_key_hash;
    });
}

OcspResponder::Answer OcspResponder::answer(const ocsp::OcspRequest& request, bool fresh) {
    // RFC 6960 §2.3: "unauthorized" is also what a responder says that cannot speak for the issuer.
    if (!std::ranges::all_of(request.certificates(), [this](const auto& id) { return is_ours(id); }))
        return refuse(ResponseStatus::kUnauthorized);
    const bool may_keep = request.nonce().empty();
    // Before the standings are read: what changes meanwhile makes the answer one of before.
    const std::uint64_t state = parts_.authority.standings();
    const BootTime now = parts_.ledger.clock().boot_now();
    Bytes question;
    if (may_keep) {
        question = question_of(request);
        if (!fresh)
            if (auto kept = cache_.find(question, state, now);
                kept && kept->next_update > parts_.ledger.clock().now()) {
                ++answers_;
                ++answers_cached_;
                return {std::move(kept->der), ResponseStatus::kSuccessful, kept->this_update,
                        kept->next_update, true};
            }
    }
    const auto known = statuses(request);
    auto made = known ? sign(request, *known) : Result<Answer>(std::unexpected(known.error()));
    if (!made) {
        parts_.logger.warning("ocsp_refused", {{"error", made.error()}});
        return refuse(may_pass(made.error()) ? ResponseStatus::kTryLater : ResponseStatus::kInternalError);
    }
    ++answers_;
    // A serial that nobody has yet may be given out any time.
    const bool all_known =
        std::ranges::none_of(*known, [](const auto& s) { return s.standing == Standing::kUnknown; });
    if (may_keep && all_known)
        cache_.keep(std::move(question), state, now, {made->der, made->this_update, made->next_update});
    return *std::move(made);
}

Result<std::vector<SingleStatus>> OcspResponder::statuses(const ocsp::OcspRequest& request) const {
    const std::int64_t now_ms = unix_millis(parts_.ledger.clock().now());
    const WallTime ca_from = parts_.authority.ca().facts().not_before;
    return parts_.ledger.view([&](ReadTransaction& txn) -> Result<std::vector<SingleStatus>> {
        std::vector<SingleStatus> out;
        for (const ocsp::CertId& id : request.certificates()) {
            SingleStatus& status = out.emplace_back();
            const auto serial = serial_key(id.serial);
            if (!serial) continue;
            SIGILLO_ASSIGN(const auto revoked,
                           load(txn, parts_.ledger.codec(), tables::kRevocations, *serial));
            SIGILLO_ASSIGN(const auto issued, load(txn, parts_.ledger.codec(), tables::kIssued, *serial));
            std::int64_t not_after_ms = now_ms;
            if (revoked && !revoked->value.lifted()) {
                status.standing = Standing::kRevoked;
                status.revoked_at = from_unix_millis(revoked->value.time_ms());
                // RFC 5280 §5.3.1: rather no reason than "unspecified".
                if (revoked->value.reason() != 0) status.reason = revoked->value.reason();
                not_after_ms = revoked->value.not_after_ms();
            } else if (issued) {
                status.standing = Standing::kGood;
                not_after_ms = issued->value.not_after_ms();
            } else if (*serial == ca_serial_) {
                status.standing = Standing::kGood;
            }
            // Nothing is ever taken from `revocations`: what is said of an expired certificate still holds.
            if (status.standing != Standing::kUnknown && not_after_ms < now_ms)
                status.archive_cutoff = ca_from;
        }
        return out;
    });
}

Result<OcspResponder::Answer> OcspResponder::sign(const ocsp::OcspRequest& request,
                                                  const std::vector<SingleStatus>& statuses) {
    SIGILLO_ASSIGN(const auto key, signer_.key());
    const WallTime now = std::chrono::floor<std::chrono::seconds>(parts_.ledger.clock().now());
    Answer answer;
    answer.this_update = now;
    answer.next_update = std::min<WallTime>(now + config_.validity, key->not_after);
    const Bytes data = ocsp::encode_response_data({.responder_key_hash = key->key_hash,
                                                   .produced_at = now,
                                                   .this_update = answer.this_update,
                                                   .next_update = answer.next_update,
                                                   .certificates = request.certificates(),
                                                   .statuses = statuses,
                                                   .nonce = request.nonce()});
    SIGILLO_ASSIGN(const Bytes signature, key->sign(data));
    answer.der = ocsp::encode_response({.response_data = data,
                                        .signature_algorithm = key->algorithm,
                                        .signature = signature,
                                        .certificates = {&key->certificate, 1}});
    return answer;
}

OcspResponder::Health OcspResponder::health() const {
    return {signer_.health(), answers_, answers_cached_, refusals_};
}

}  // namespace sigillo::issuance
