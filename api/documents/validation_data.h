// Gathering what a signature needs to stay valid: OCSP answers, CRLs and CA certificates for every
// certificate of signers, time-stamping units and responders (EN 319 122-1 §5.4, EN 319 142-1 §5.4).
//
// sigillo-api reads none of it. What must be proved comes from a document worker (cms_inspect) with the OCSP
// request ready-made; what was fetched goes back to one (validation_check), which says whether it is a
// well-formed, signed and timely answer for that certificate, and what it needs in turn. Answers about
// certificates of our own embedded CA come from sigillod, without a network between; foreign ones through
// sigillo-fetch, from configured hosts alone, OCSP first and CRL second.
//
// Bounded: certificates, rounds, bytes. What two callers want at the same time is fetched once, and answers
// are kept as long as their nextUpdate and the bound of the cache allow.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/fetch/fetch_client.h"
#include "api/sam.h"
#include "appliance/base/bytes.h"
#include "appliance/base/clock.h"
#include "appliance/base/logger.h"
#include "appliance/base/result.h"
#include "appliance/base/task.h"

namespace sigillo::api::documents {

// A certificate whose standing must be proved, as a document worker read it.
struct NeededProof {
    Bytes certificate;    // DER
    Bytes issuer;         // DER; empty: not at hand, to be fetched from issuer_urls
    Bytes ocsp_request;   // DER OCSPRequest with one CertID and no nonce; empty while there is no issuer
    std::string subject;  // for people: RFC 4514, shortened
    std::vector<std::string> ocsp_urls;    // AIA id-ad-ocsp
    std::vector<std::string> crl_urls;     // CDP, http and https only
    std::vector<std::string> issuer_urls;  // AIA id-ad-caIssuers
};

enum class ProofKind : std::uint8_t { kOcsp = 1, kCrl = 2, kCertificate = 3 };

// What a worker says of an answer.
struct CheckedProof {
    // The answer holds at least until then: nextUpdate, or thisUpdate where there is none.
    WallTime next_update{};
    // What must be proved besides: the responder's certificate unless it has nocheck, the chain of a CRL's
    // issuer; for kCertificate the same certificate again, now with its issuer and OCSP request, and the
    // issuer itself unless it is an anchor.
    std::vector<NeededProof> further;
    // Certificates that belong into the document with it: responders', CRL issuers'.
    std::vector<Bytes> certificates;
};

// The document worker's side.
class ProofChecker {
 public:
    virtual ~ProofChecker() = default;
    // kInvalidArgument: not an answer that proves anything of `needed` (malformed, another certificate's, a
    // signature that does not hold, out of date): the next source is tried. kConflict: it proves that the
    // certificate is revoked or on hold; `detail` says since when. Others: the worker failed, and so does the
    // whole.
    virtual Task<Result<CheckedProof>> check(const NeededProof& needed, ProofKind kind,
                                             const Bytes& answer) = 0;
};

struct ValidationData {
    // DER, each once, in the order in which they were needed.
    std::vector<Bytes> certificates;
    std::vector<Bytes> crls;
    std::vector<Bytes> ocsps;  // OCSPResponse
};

struct ValidationConfig {
    // Certificates in one gathering, those that answers bring along included: two chains of four with their
    // responders, ten signatures over.
    std::size_t max_certificates = 64;
    // Rounds of answers that need answers: a responder without nocheck whose CA has another one is two.
    std::size_t max_rounds = 4;
    // Octets of all that is gathered: goes into the document, whole.
    std::size_t max_bytes = std::size_t{32} << 20;
    // Checked answers in memory, and octets of theirs.
    std::size_t cache_entries = 2'048;
    std::size_t cache_bytes = std::size_t{64} << 20;
    // However far nextUpdate lies ahead: a revocation must show in what we gather.
    std::chrono::seconds cache_life{600};
    // An OCSP answer out of the cache may be older by so much than the signature that it is for. Zero:
    // verifiers that want to know the standing after the signature (EN 319 102-1 §5.2.5) find it. CRLs are as
    // old as their issuers make them.
    std::chrono::seconds ocsp_age{0};
};

// Thread-safe. Everything that it is given outlives it.
class ValidationGatherer {
 public:
    struct Parts {
        SigningSam& sam;          // for certificates of our own CA
        fetch::Fetcher* fetcher;  // for the others; null: there is no sigillo-fetch
        ProofChecker& checker;
        Executor& executor;  // where a gathering goes on when an answer has come
        const Clock& clock;
        Logger& logger;
    };
    ValidationGatherer(ValidationConfig config, Parts parts);
    ~ValidationGatherer();
    ValidationGatherer(const ValidationGatherer&) = delete;
    ValidationGatherer& operator=(const ValidationGatherer&) = delete;

    // Everything that proves `needed`, and what that needs in turn. `client`: in whose name sigillod is
    // asked; `since`: when the youngest of the signatures was made (its time stamp). Certificates of issuers
    // are part of it. Errors: kUnavailable, `detail` names the certificate, each source that was tried and
    // what came of it; kConflict: a certificate is revoked or on hold; kLimitExceeded: one of the bounds; the
    // checker's own.
    Task<Result<ValidationData>> gather(sam::ClientContext client, std::vector<NeededProof> needed,
                                        WallTime since);

 private:
    struct State;
    const std::unique_ptr<State> state_;
};

}  // namespace sigillo::api::documents
