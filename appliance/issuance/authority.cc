#include "appliance/issuance/authority.h"

#include <algorithm>

#include "appliance/base/encoding.h"

namespace sigillo::issuance {
namespace {

constexpr std::string_view kAuthorityKey = "ca";
// Between two attempts after one failed: each costs a log entry, and anonymous requests ask for the list.
constexpr BootTime kRetryPause{60'000};

std::string serial_text(ByteView serial) {
    std::string text = hex_encode(serial);
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

}  // namespace

Status Authority::establish(const Parts& parts, const AuthorityConfig& config) {
    SIGILLO_ASSIGN(auto key, parts.keys.role_key(KeyRole::kCa));
    SIGILLO_ASSIGN(const Bytes certificate,
                   CertificateAuthority::make_ca_certificate(parts.provider, std::move(key), config.ca,
                                                             parts.ledger.clock(), parts.random));
    return parts.ledger.update([&](audit::Recorder& recorder) -> Status {
        record::Authority authority;
        authority.set_certificate(certificate.data(), certificate.size());
        authority.set_issued_listed(true);
        SIGILLO_TRY(recorder.create(tables::kAuthority, key_of(kAuthorityKey), authority));
        audit::Event event = recorder.event("ca.created");
        event.set_base64("certificate_sha256", ByteView(sha256(certificate)));
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    });
}

Result<std::unique_ptr<Authority>> Authority::open(const Parts& parts, AuthorityConfig config) {
    SIGILLO_ASSIGN(const auto stored, parts.ledger.view([&](ReadTransaction& txn) {
        return load(txn, parts.ledger.codec(), tables::kAuthority, key_of(kAuthorityKey));
    }));
    if (!stored)
        return fail(Errc::kNotFound, "no CA certificate in the store: run `sigillod ceremony` first");
    SIGILLO_ASSIGN(auto key, parts.keys.role_key(KeyRole::kCa));
    SIGILLO_ASSIGN(auto ca, CertificateAuthority::create(parts.provider, std::move(key),
                                                         as_bytes(stored->value.certificate()), config.ca,
                                                         parts.ledger.clock(), parts.random));
    return std::unique_ptr<Authority>(new Authority(parts, std::move(config), std::move(ca)));
}

Result<Bytes> Authority::crl() {
    const std::lock_guard lock(mutex_);
    const WallTime now = parts_.ledger.clock().now();
    const BootTime boot_now = parts_.ledger.clock().boot_now();
    const bool due = now < crl_made_ || now - crl_made_ >= config_.crl_interval;
    if (!stale_ && !due) return crl_;
    // Anonymous requests end here: after a failure the list of before serves, and trying again waits.
    const bool usable = !crl_.empty() && now >= crl_made_ && now - crl_made_ < config_.ca.crl_validity;
    if (boot_now < next_try_) {
        if (usable) return crl_;
        return fail(Errc::kUnavailable,
                    "the last attempt to make a list failed; the next is due within a minute");
    }
    stale_ = false;  // before reading: what changes meanwhile sets it again
    auto made = make_crl();
    if (!made) {
        stale_ = true;
        next_try_ = boot_now + kRetryPause;
        if (usable) return crl_;
        return made;
    }
    crl_ = *made;
    crl_made_ = now;
    return crl_;
}

Result<std::vector<RevokedCertificate>> Authority::revoked() {
    const std::int64_t now_ms = unix_millis(parts_.ledger.clock().now());
    return parts_.ledger.view([&](ReadTransaction& txn) -> Result<std::vector<RevokedCertificate>> {
        std::vector<Bytes> serials;
        SIGILLO_TRY(txn.scan(tables::kRevocations.space, {}, {}, [&](ByteView key, ByteView) -> Result<bool> {
            serials.push_back(to_bytes(key));
            return true;
        }));
        std::vector<RevokedCertificate> entries;
        for (const Bytes& serial : serials) {
            SIGILLO_ASSIGN(const auto revocation,
                           require(txn, parts_.ledger.codec(), tables::kRevocations, serial, "serial"));
            // RFC 5280 §3.3: an entry stays until one list after the certificate's end has carried it; ours a
            // day.
            constexpr std::int64_t kGraceMs = 24LL * 3600 * 1000;
            if (revocation.value.lifted() || revocation.value.not_after_ms() + kGraceMs < now_ms) continue;
            entries.push_back({serial_text(serial), from_unix_millis(revocation.value.time_ms()),
                               static_cast<RevocationReason>(revocation.value.reason())});
        }
        return entries;
    });
}

Result<Bytes> Authority::make_crl() {
    SIGILLO_ASSIGN(const auto entries, revoked());
    if (entries.size() > config_.ca.max_crl_entries)
        return fail(Errc::kLimitExceeded, "more revoked certificates than issuance.max_crl_entries");
    // The number is durable before the list exists, so that no two lists ever share one.
    SIGILLO_ASSIGN(const std::uint64_t number,
                   parts_.ledger.update([&](audit::Recorder& recorder) -> Result<std::uint64_t> {
                       SIGILLO_ASSIGN(auto authority,
                                      recorder.require(tables::kAuthority, key_of(kAuthorityKey), "ca"));
                       authority.value.set_crl_number(authority.value.crl_number() + 1);
                       SIGILLO_TRY(recorder.save(tables::kAuthority, key_of(kAuthorityKey), authority));
                       audit::Event event = recorder.event("ca.crl");
                       event.set("number", authority.value.crl_number());
                       SIGILLO_TRY(recorder.log(std::move(event)));
                       return authority.value.crl_number();
                   }));
    return ca_->make_crl(entries, number);
}

Status Authority::revoke(audit::Recorder& recorder, ByteView serial, RevocationReason reason,
                         const CredentialId& credential, std::int64_t not_after_ms) {
    SIGILLO_ASSIGN(auto existing, recorder.load(tables::kRevocations, serial));
    Record<record::Revocation> revocation = existing ? *std::move(existing) : Record<record::Revocation>();
    // RFC 5280 §5.3.1: a hold that becomes final keeps the time at which it began to matter only if it was
    // not lifted.
    if (revocation.version == 0 || revocation.value.lifted())
        revocation.value.set_time_ms(unix_millis(recorder.clock().now()));
    revocation.value.set_reason(static_cast<std::uint32_t>(reason));
    revocation.value.set_credential_id(credential.str());
    revocation.value.set_not_after_ms(not_after_ms);
    revocation.value.set_lifted(false);
    return recorder.save(tables::kRevocations, serial, revocation);
}

Result<bool> Authority::revoke_unit(audit::Recorder& recorder, ByteView serial, RevocationReason reason,
                                    const UnitRevocation& unit) {
    SIGILLO_ASSIGN(const auto existing, recorder.load(tables::kRevocations, serial));
    if (existing) return false;
    Record<record::Revocation> revocation;
    revocation.value.set_time_ms(unit.time_ms);
    revocation.value.set_reason(static_cast<std::uint32_t>(reason));
    revocation.value.set_unit_id(unit.unit);
    revocation.value.set_not_after_ms(unit.not_after_ms);
    SIGILLO_TRY(recorder.save(tables::kRevocations, serial, revocation));
    return true;
}

Result<std::optional<RevocationReason>> Authority::revocation_of(ReadTransaction& txn,
                                                                 const RecordCodec& codec, ByteView serial) {
    SIGILLO_ASSIGN(const auto row, load(txn, codec, tables::kRevocations, serial));
    if (!row || row->value.lifted()) return std::optional<RevocationReason>();
    return std::optional(static_cast<RevocationReason>(row->value.reason()));
}

Status Authority::lift_hold(audit::Recorder& recorder, ByteView serial) {
    SIGILLO_ASSIGN(auto revocation, recorder.require(tables::kRevocations, serial, "serial"));
    if (revocation.value.reason() != static_cast<std::uint32_t>(RevocationReason::kCertificateHold))
        return fail(Errc::kConflict, "a revocation is final", "status");
    revocation.value.set_lifted(true);
    return recorder.save(tables::kRevocations, serial, revocation);
}

void Authority::changed() {
    stale_ = true;
    ++standings_;
}

}  // namespace sigillo::issuance
