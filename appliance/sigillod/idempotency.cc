#include "appliance/sigillod/idempotency.h"

#include "appliance/base/aead.h"
#include "appliance/base/digest.h"

namespace sigillo {
namespace {

constexpr std::chrono::hours kKept{24};  // the contract of /v1

}  // namespace

Idempotency::Idempotency(audit::Ledger& ledger, Random& random, const ClientId& client,
                         const std::string& key, ByteView request)
    : ledger_(ledger), random_(random) {
    if (key.empty()) return;
    row_ = concat(as_bytes(client.str()), ByteView(sha256(as_bytes(key))));
    // Keyed: the request may hold a PIN, and a plain digest of six digits is the six digits.
    request_digest_ = ledger.codec().keyed_digest("idempotency request", request);
    Bytes key_bytes = ledger.codec().keyed_digest("idempotency sealing key", {});
    sealing_key_ = SecretBytes::copy_of(key_bytes);
    cleanse(key_bytes);
}

Result<std::optional<SecretBytes>> Idempotency::earlier_answer() {
    if (row_.empty()) return std::optional<SecretBytes>();
    SIGILLO_ASSIGN(const auto stored, ledger_.view([&](ReadTransaction& txn) {
        return load(txn, ledger_.codec(), tables::kIdempotency, row_);
    }));
    if (!stored || stored->value.expires_ms() < unix_millis(ledger_.clock().now()))
        return std::optional<SecretBytes>();
    if (!equal(as_bytes(stored->value.request_digest()), request_digest_))
        return fail(Errc::kConflict, "this Idempotency-Key was used for another request", "Idempotency-Key");
    const ByteView sealed = as_bytes(stored->value.sealed_response());
    if (sealed.size() < kAeadNonceSize) return fail(Errc::kCorrupt, "idempotency: sealed answer too short");
    SIGILLO_ASSIGN(SecretBytes answer, aead_open(sealing_key_.expose(), sealed.first(kAeadNonceSize),
                                                 sealed.subspan(kAeadNonceSize), row_));
    return std::optional<SecretBytes>(std::move(answer));
}

Status Idempotency::remember(audit::Recorder& recorder, ByteView answer) {
    if (row_.empty()) return {};
    SIGILLO_ASSIGN(const auto expired, recorder.load(tables::kIdempotency, row_));
    const WallTime now = recorder.clock().now();
    if (expired && expired->value.expires_ms() < unix_millis(now)) {
        SIGILLO_TRY(recorder.erase(tables::kIdempotency, row_));
        SIGILLO_TRY(
            recorder.keep_beyond(from_unix_millis(expired->value.expires_ms()), tables::kIdempotency, row_));
    }
    const Bytes nonce = random_.bytes(kAeadNonceSize);
    SIGILLO_ASSIGN(const Bytes sealed, aead_seal(sealing_key_.expose(), nonce, answer, row_));
    record::Idempotency record;
    record.set_request_digest(request_digest_.data(), request_digest_.size());
    const Bytes stored = concat(nonce, sealed);
    record.set_sealed_response(stored.data(), stored.size());
    record.set_expires_ms(unix_millis(now + kKept));
    SIGILLO_TRY(recorder.create(tables::kIdempotency, row_, record));
    return recorder.expire_at(now + kKept, tables::kIdempotency, row_);
}

}  // namespace sigillo
