// The embedded CA with its memory: its certificate, what it revoked, and the list that says so.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "appliance/audit/recorder.h"
#include "appliance/base/ids.h"
#include "appliance/issuance/x509/certificate_authority.h"
#include "keystore/key_store.h"

namespace sigillo::issuance {

struct AuthorityConfig {
    CertificateAuthorityConfig ca;
    // A new list at least this often, changed or not: well inside ca.crl_validity, so that a missed one is no
    // outage.
    std::chrono::seconds crl_interval{6 * 3600};
};

struct UnitRevocation {
    std::string unit;  // its id
    std::int64_t time_ms = 0;
    std::int64_t not_after_ms = 0;  // of the certificate
};

// Thread-safe.
class Authority {
 public:
    struct Parts {
        audit::Ledger& ledger;
        KeyStore& keys;
        const HsmProvider& provider;
        Random& random;
    };

    // Makes the CA certificate, stores it, and logs "ca.created". kAlreadyExists when there is one.
    static Status establish(const Parts& parts, const AuthorityConfig& config);
    // kNotFound before establish(): the ceremony has not been held.
    static Result<std::unique_ptr<Authority>> open(const Parts& parts, AuthorityConfig config);

    CertificateAuthority& ca() { return *ca_; }
    const Bytes& certificate() const { return ca_->certificate(); }  // DER

    // The current list, DER: made anew when something was revoked, resumed or expired since, or when it is
    // due.
    Result<Bytes> crl();

    // Inside the caller's transaction, which logs: puts a certificate on the list, or takes a hold off it.
    static Status revoke(audit::Recorder& recorder, ByteView serial, RevocationReason reason,
                         const CredentialId& credential, std::int64_t not_after_ms);
    // The same for a time-stamping unit's: for good, with the time that the list will say. One that is on the
    // list stays as it is; true if it was not.
    static Result<bool> revoke_unit(audit::Recorder& recorder, ByteView serial, RevocationReason reason,
                                    const UnitRevocation& unit);
    // Whether the certificate is on the list, and why.
    static Result<std::optional<RevocationReason>> revocation_of(ReadTransaction& txn,
                                                                 const RecordCodec& codec, ByteView serial);
    static Status lift_hold(audit::Recorder& recorder, ByteView serial);
    // To be called after such a transaction is durable.
    void changed();
    // Grows with each changed(): what was read before it is out of date.
    std::uint64_t standings() const { return standings_; }

 private:
    Authority(const Parts& parts, AuthorityConfig config, std::unique_ptr<CertificateAuthority> ca)
        : parts_(parts), config_(std::move(config)), ca_(std::move(ca)) {}
    Result<std::vector<RevokedCertificate>> revoked();
    Result<Bytes> make_crl();

    const Parts parts_;
    const AuthorityConfig config_;
    const std::unique_ptr<CertificateAuthority> ca_;
    std::mutex mutex_;  // one list is made at a time
    Bytes crl_;         // guarded by mutex_, as is what follows but stale_
    WallTime crl_made_{};
    BootTime next_try_{0};
    // Set without the mutex: a revocation must not wait for an HSM that hangs.
    std::atomic<bool> stale_{true};
    std::atomic<std::uint64_t> standings_{0};
};

}  // namespace sigillo::issuance
