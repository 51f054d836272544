// The embedded CA's OCSP responder (RFC 6960): what is known of a certificate, signed by a key of its own.
//
// The responder is a delegated one (§4.2.2.2), whose key comes and goes by itself (ocsp_signer.h): an
// instance that was provisioned before there was a responder needs no ceremony to get one.
//
// Every answer is read from the store when it is made; those without a nonce are kept for a bounded time and
// die with the next change of any certificate's standing.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include "appliance/audit/recorder.h"
#include "appliance/base/logger.h"
#include "appliance/issuance/authority.h"
#include "appliance/issuance/ocsp/request.h"
#include "appliance/issuance/ocsp_cache.h"
#include "appliance/issuance/ocsp_signer.h"
#include "appliance/issuance/x509/issuer_hashes.h"
#include "keystore/key_store.h"

namespace sigillo::issuance {

struct OcspConfig {
    ocsp::RequestLimits requests;
    // From thisUpdate to nextUpdate. An hour: verifiers that keep an answer learn of a revocation within it,
    // and the responder may be away for as long without being missed.
    std::chrono::seconds validity{3'600};
    // An answer without a nonce is signed anew after this; a change of any standing ends it sooner.
    std::chrono::seconds cache_life{300};
    // Answers kept, about 1 KiB each.
    std::size_t cache_entries = 10'000;
    // Between two attempts to make or open the responder's key after one failed: anonymous requests ask for
    // it.
    std::chrono::milliseconds retry_pause{10'000};
};

// Thread-safe.
class OcspResponder {
 public:
    struct Parts {
        audit::Ledger& ledger;
        KeyStore& keys;
        Authority& authority;
        Logger& logger;
    };
    // `config` and the CA's certificate are looked at here, the HSM is not. kInternal: libcrypto has no
    // SHA-1.
    static Result<std::unique_ptr<OcspResponder>> create(const Parts& parts, OcspConfig config);

    struct Answer {
        Bytes der;  // OCSPResponse
        ocsp::ResponseStatus status = ocsp::ResponseStatus::kSuccessful;
        WallTime this_update{};  // kSuccessful only
        WallTime next_update{};
        bool cached = false;
    };
    // Never fails: what is wrong is an answer too. kUnauthorized: a certificate of another issuer is among
    // those asked for; kTryLater: HSM or store do not answer; kInternalError: records that do not hold.
    // `fresh`: not out of the cache.
    Answer answer(const ocsp::OcspRequest& request, bool fresh = false);

    // OcspSigner::renew_if_due().
    void renew_if_due() { signer_.renew_if_due(); }

    struct Health {
        OcspSigner::Health signer;
        std::uint64_t answers = 0;
        std::uint64_t answers_cached = 0;
        std::uint64_t refusals = 0;  // anything but kSuccessful
    };
    Health health() const;

 private:
    OcspResponder(const Parts& parts, OcspConfig config);
    Answer refuse(ocsp::ResponseStatus status);
    bool is_ours(const ocsp::CertId& id) const;
    Result<std::vector<ocsp::SingleStatus>> statuses(const ocsp::OcspRequest& request) const;
    Result<Answer> sign(const ocsp::OcspRequest& request, const std::vector<ocsp::SingleStatus>& statuses);

    const Parts parts_;
    const OcspConfig config_;
    OcspSigner signer_;
    OcspCache cache_;
    struct Named {
        ocsp::NameHash hash;
        IssuerHashes hashes;
    };
    std::vector<Named> names_;  // constant after create(), as is what follows
    Bytes ca_serial_;
    std::atomic<std::uint64_t> answers_{0};
    std::atomic<std::uint64_t> answers_cached_{0};
    std::atomic<std::uint64_t> refusals_{0};
};

}  // namespace sigillo::issuance
