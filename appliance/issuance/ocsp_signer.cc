#include "appliance/issuance/ocsp_signer.h"

#include "appliance/base/digest.h"
#include "appliance/issuance/credentials.h"
#include "appliance/issuance/issued_certificates.h"
#include "appliance/issuance/x509/issuer_hashes.h"

namespace sigillo::issuance {
namespace {

constexpr std::string_view kResponderKey = "responder";

// RFC 5758 §3.2: ecdsa-with-SHA256 and -SHA384, without parameters.
constexpr std::uint8_t kEcdsaSha256[] = {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86,
                                         0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};
constexpr std::uint8_t kEcdsaSha384[] = {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86,
                                         0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03};

}  // namespace

Result<Bytes> OcspKey::sign(ByteView message) const {
    const Digest digest = digest_of(scheme.hash, message);
    SIGILLO_ASSIGN(Bytes signature, key->sign(scheme, digest));
    SIGILLO_ASSIGN(const bool holds, verifier.verify(scheme, digest, signature));
    if (!holds) return fail(Errc::kHsmFailed, "the HSM's signature of an OCSP answer does not hold");
    return signature;
}

Result<std::shared_ptr<const OcspKey>> OcspSigner::key() {
    if (Key key = in_use(); serves(key)) return key;
    return provide(false);
}

void OcspSigner::renew_if_due() {
    const Key key = in_use();
    if (serves(key) && !is_due(key)) return;
    if (const auto provided = provide(true); !provided)
        parts_.logger.warning("ocsp_responder_key", {{"error", provided.error()}});
}

OcspSigner::Health OcspSigner::health() const {
    const Key key = in_use();
    Health health{.usable = serves(key), .not_after = key ? key->not_after : WallTime{}};
    const std::lock_guard lock(mutex_);
    health.trouble = trouble_;
    return health;
}

OcspSigner::Key OcspSigner::in_use() const {
    const std::lock_guard lock(mutex_);
    return key_;
}

bool OcspSigner::serves(const Key& key) const {
    const WallTime now = parts_.ledger.clock().now();
    return key != nullptr && key->generation == parts_.keys.generation() && key->not_before <= now &&
           now < key->not_after;
}

bool OcspSigner::is_due(const Key& key) const {
    return parts_.ledger.clock().now() > key->not_before + (key->not_after - key->not_before) * 2 / 3;
}

Result<OcspSigner::Key> OcspSigner::provide(bool replace_when_due) {
    const std::lock_guard only_one(making_);
    const Key earlier = in_use();
    if (serves(earlier) && !(replace_when_due && is_due(earlier)))
        return earlier;  // somebody else was faster
    const BootTime now = parts_.ledger.clock().boot_now();
    {
        const std::lock_guard lock(mutex_);
        if (now < next_try_) return fail(Errc::kUnavailable, "the OCSP responder has no key: " + trouble_);
    }
    auto provided = open_or_make(replace_when_due);
    const std::lock_guard lock(mutex_);
    if (provided) {
        key_ = *provided;
        trouble_.clear();
        next_try_ = BootTime{0};
    } else {
        trouble_ = provided.error().detail;
        next_try_ = now + retry_pause_;
    }
    return provided;
}

Result<OcspSigner::Key> OcspSigner::open_or_make(bool replace_when_due) {
    SIGILLO_ASSIGN(const auto stored, parts_.ledger.view([&](ReadTransaction& txn) {
        return load(txn, parts_.ledger.codec(), tables::kOcspResponder, key_of(kResponderKey));
    }));
    if (stored) {
        // A key that does not unwrap any more (a KEK restored from elsewhere) is replaced: it protects
        // nothing but its own answers.
        auto opened = open(stored->value);
        if (!opened && opened.error().code != Errc::kCorrupt) return opened;
        if (opened && serves(*opened) && !(replace_when_due && is_due(*opened))) return opened;
        if (!opened) parts_.logger.error("ocsp_responder_key_lost", {{"error", opened.error()}});
    }
    SIGILLO_ASSIGN(const record::OcspResponder made, make());
    return open(made);
}

Result<record::OcspResponder> OcspSigner::make() {
    // As strong as the CA's own; that is on P-256 or P-384 (the ceremony's choice).
    const auto algorithm = parts_.authority.ca().facts().key_algorithm == KeyAlgorithm::kEcP384
                               ? KeyAlgorithm::kEcP384
                               : KeyAlgorithm::kEcP256;
    SIGILLO_ASSIGN(const GeneratedKey key, parts_.keys.generate(algorithm));
    SIGILLO_ASSIGN(const IssuedCertificate issued, parts_.authority.ca().issue_for_ocsp(key.public_key));
    SIGILLO_ASSIGN(const Bytes serial, serial_bytes(issued.serial_hex));
    record::OcspResponder record;
    record.set_key_algorithm(std::string(key_algorithm_name(algorithm)));
    record.set_spki(key.public_key.spki.data(), key.public_key.spki.size());
    record.set_wrap_scheme(key.wrapped.scheme);
    record.set_wrapped_key(key.wrapped.blob.data(), key.wrapped.blob.size());
    record.set_certificate(issued.der.data(), issued.der.size());
    record.set_not_before_ms(unix_millis(issued.not_before));
    record.set_not_after_ms(unix_millis(issued.not_after));
    SIGILLO_TRY(parts_.ledger.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(auto row, recorder.load(tables::kOcspResponder, key_of(kResponderKey)));
        Record<record::OcspResponder> next;
        if (row) next.version = row->version;
        next.value = record;
        SIGILLO_TRY(recorder.save(tables::kOcspResponder, key_of(kResponderKey), next));
        SIGILLO_TRY(note_issued(recorder, serial, kIssuedToResponder, "", record.not_after_ms()));
        audit::Event event = recorder.event("ca.ocsp_responder");
        event.set("serial", issued.serial_hex)
            .set("not_after", rfc3339(issued.not_after))
            .set_base64("certificate_sha256", ByteView(sha256(issued.der)));
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    }));
    parts_.logger.notice("ocsp_responder_certified",
                         {{"serial", issued.serial_hex}, {"not_after", rfc3339(issued.not_after)}});
    return record;
}

Result<OcspSigner::Key> OcspSigner::open(const record::OcspResponder& stored) {
    const auto algorithm = key_algorithm_from_name(stored.key_algorithm());
    if (!algorithm || !is_ec(*algorithm))
        return fail(Errc::kCorrupt, "the OCSP responder's key is of an unknown kind");
    const PublicKey public_key{*algorithm, to_bytes(as_bytes(stored.spki()))};
    const std::uint64_t generation = parts_.keys.generation();
    SIGILLO_ASSIGN(
        auto key,
        parts_.keys.unwrap({stored.wrap_scheme(), to_bytes(as_bytes(stored.wrapped_key()))}, public_key));
    SIGILLO_ASSIGN(Verifier verifier, Verifier::create(public_key));
    SIGILLO_ASSIGN(Bytes key_hash, responder_key_hash(public_key.spki));
    const bool large = *algorithm == KeyAlgorithm::kEcP384;
    return std::make_shared<const OcspKey>(
        OcspKey{.key = std::move(key),
                .verifier = std::move(verifier),
                .scheme = {SignaturePadding::kNone, large ? HashAlgorithm::kSha384 : HashAlgorithm::kSha256},
                .algorithm = large ? ByteView(kEcdsaSha384) : ByteView(kEcdsaSha256),
                .certificate = to_bytes(as_bytes(stored.certificate())),
                .key_hash = std::move(key_hash),
                .not_before = from_unix_millis(stored.not_before_ms()),
                .not_after = from_unix_millis(stored.not_after_ms()),
                .generation = generation});
}

}  // namespace sigillo::issuance
