#include "api/documents/validation_data.h"

#include <mutex>
#include <set>

#include "api/documents/proof_cache.h"
#include "api/documents/proof_sources.h"
#include "api/ocsp.h"
#include "appliance/base/digest.h"

namespace sigillo::api::documents {
namespace {

using Answer = ProofSources::Answer;

// What was tried for one certificate, for whoever asks why there is no proof.
class Attempts {
 public:
    void add(const std::string& what, const Error& error) {
        text_ += (text_.empty() ? "" : "; ") + what + ": " + error.detail;
    }
    std::unexpected<Error> failure(const NeededProof& needed) const {
        return fail(Errc::kUnavailable,
                    "no revocation data for " + needed.subject + ": " +
                        (text_.empty() ? "it names neither an OCSP responder nor a CRL" : text_));
    }

 private:
    std::string text_;
};

// Whether the next source may do better.
bool may_go_on(const Error& error) {
    return error.code == Errc::kInvalidArgument;
}

}  // namespace

struct ValidationGatherer::State {
    const ValidationConfig config;
    const Parts parts;
    ProofCache cache;
    ProofSources sources;
    std::mutex mutex;
    std::shared_ptr<const Bytes> own_ca;  // guarded by mutex

    State(ValidationConfig with, const Parts& of)
        : config(with),
          parts(of),
          cache({with.cache_entries, with.cache_bytes, with.cache_life}, of.clock),
          sources(of.sam, of.fetcher, of.executor, of.clock) {}

    Task<Result<Proof>> prove(const sam::ClientContext& client, const NeededProof& needed, WallTime since);
    Task<Result<Proof>> find_issuer(const sam::ClientContext& client, const NeededProof& needed);
    Task<Result<std::shared_ptr<const Bytes>>> own_ca_certificate(const sam::ClientContext& client);
    Task<Result<Proof>> prove_own(const sam::ClientContext& client, const NeededProof& needed);
    Task<Result<Proof>> prove_foreign(const NeededProof& needed, WallTime since);
    Task<Result<bool>> is_own(const sam::ClientContext& client, const NeededProof& needed);
    Task<Result<Proof>> judged(const NeededProof& needed, ProofKind kind, Got got);
};

ValidationGatherer::ValidationGatherer(ValidationConfig config, Parts parts)
    : state_(std::make_unique<State>(config, parts)) {}
ValidationGatherer::~ValidationGatherer() = default;

Task<Result<Proof>> ValidationGatherer::State::judged(const NeededProof& needed, ProofKind kind, Got got) {
    SIGILLO_CO_ASSIGN(CheckedProof checked, co_await parts.checker.check(needed, kind, *got.der));
    co_return Proof{kind, std::move(got.der), std::move(checked), got.asked_at};
}

Task<Result<Proof>> ValidationGatherer::State::prove(const sam::ClientContext& client,
                                                     const NeededProof& needed, WallTime since) {
    const Bytes key = ProofCache::key_of(needed.certificate, needed.issuer);
    if (auto kept = cache.find(key))
        if (kept->kind != ProofKind::kOcsp || kept->fetched_at + config.ocsp_age >= since)
            co_return *std::move(kept);
    // Asked for one by one: co_await inside a conditional expression keeps GCC 12 from compiling it right.
    Result<Proof> proof = fail(Errc::kInternal, "");
    if (needed.issuer.empty() || needed.ocsp_request.empty()) {
        proof = co_await find_issuer(client, needed);
    } else {
        SIGILLO_CO_ASSIGN(const bool own, co_await is_own(client, needed));
        if (own)
            proof = co_await prove_own(client, needed);
        else
            proof = co_await prove_foreign(needed, since);
    }
    if (proof) cache.keep(key, *proof);
    co_return proof;
}

Task<Result<std::shared_ptr<const Bytes>>> ValidationGatherer::State::own_ca_certificate(
    const sam::ClientContext& client) {
    std::shared_ptr<const Bytes> certificate;
    {
        const std::lock_guard lock(mutex);
        certificate = own_ca;
    }
    if (certificate == nullptr) {
        sam::SigningRequest question;
        *question.mutable_client() = client;
        question.mutable_get_ca_certificate();
        SIGILLO_CO_ASSIGN(Got got,
                          co_await sources.ask_sam(std::move(question), sam::SigningResponse::kDocument));
        certificate = std::move(got.der);
        const std::lock_guard lock(mutex);
        own_ca = certificate;
    }
    co_return certificate;
}

Task<Result<bool>> ValidationGatherer::State::is_own(const sam::ClientContext& client,
                                                     const NeededProof& needed) {
    SIGILLO_CO_ASSIGN(const auto certificate, co_await own_ca_certificate(client));
    co_return *certificate == needed.issuer;
}

// Answers of now, straight from the one who knows.
Task<Result<Proof>> ValidationGatherer::State::prove_own(const sam::ClientContext& client,
                                                         const NeededProof& needed) {
    Attempts attempts;
    if (const auto request = ocsp::OcspRequest::parse(needed.ocsp_request)) {
        sam::SigningRequest question;
        *question.mutable_client() = client;
        *question.mutable_ocsp() = to_message(*request);
        question.mutable_ocsp()->set_fresh(true);
        Answer answer = co_await sources.ask_sam(std::move(question), sam::SigningResponse::kOcspAnswer);
        if (answer) {
            auto proof = co_await judged(needed, ProofKind::kOcsp, *std::move(answer));
            if (proof || !may_go_on(proof.error())) co_return proof;
            attempts.add("our own OCSP responder", proof.error());
        } else {
            attempts.add("our own OCSP responder", answer.error());
        }
    } else {
        attempts.add("our own OCSP responder", Error{Errc::kInvalidArgument, request.error().text});
    }
    sam::SigningRequest question;
    *question.mutable_client() = client;
    question.mutable_get_crl();
    Answer answer = co_await sources.ask_sam(std::move(question), sam::SigningResponse::kDocument);
    if (answer) {
        auto proof = co_await judged(needed, ProofKind::kCrl, *std::move(answer));
        if (proof || !may_go_on(proof.error())) co_return proof;
        attempts.add("our own CRL", proof.error());
    } else {
        attempts.add("our own CRL", answer.error());
    }
    co_return attempts.failure(needed);
}

Task<Result<Proof>> ValidationGatherer::State::prove_foreign(const NeededProof& needed, WallTime since) {
    Attempts attempts;
    if (!sources.reaches_others())
        co_return fail(Errc::kUnavailable, "no revocation data for " + needed.subject +
                                               ": it is of another CA, and no sigillo-fetch is configured");
    for (const std::string& url : needed.ocsp_urls) {
        Answer answer = co_await sources.post_ocsp(url, needed.ocsp_request, since);
        if (!answer) {
            attempts.add("OCSP " + url, answer.error());
            continue;
        }
        auto proof = co_await judged(needed, ProofKind::kOcsp, *std::move(answer));
        if (proof || !may_go_on(proof.error())) co_return proof;
        attempts.add("OCSP " + url, proof.error());
    }
    for (const std::string& url : needed.crl_urls) {
        // A list in the cache may have ended, or be one that nobody has looked at: then the one of now
        // counts.
        for (int attempt = 0; attempt < 2; ++attempt) {
            const bool fresh = attempt == 1;
            Answer answer = co_await sources.get(url, fetch::Kind::kCrl, fresh);
            if (!answer) {
                attempts.add("CRL " + url, answer.error());
                break;
            }
            const Sha256Value digest = sha256(*answer->der);
            auto proof = co_await judged(needed, ProofKind::kCrl, *std::move(answer));
            if (proof) sources.keep_until(url, fetch::Kind::kCrl, digest, proof->checked.next_update);
            if (proof || !may_go_on(proof.error())) co_return proof;
            if (fresh) attempts.add("CRL " + url, proof.error());
        }
    }
    co_return attempts.failure(needed);
}

Task<Result<Proof>> ValidationGatherer::State::find_issuer(const sam::ClientContext& client,
                                                           const NeededProof& needed) {
    Attempts attempts;
    // Tokens of our own units need not bring our CA's certificate: we have it.
    // A named Got: GCC 12 destroys a temporary twice when it is made inside a co_await.
    Got own;
    SIGILLO_CO_ASSIGN(own.der, co_await own_ca_certificate(client));
    own.asked_at = parts.clock.now();
    auto ours = co_await judged(needed, ProofKind::kCertificate, std::move(own));
    if (ours || !may_go_on(ours.error())) co_return ours;
    for (const std::string& url : needed.issuer_urls) {
        if (!sources.reaches_others()) break;
        Answer answer = co_await sources.get(url, fetch::Kind::kCertificate, false);
        if (!answer) {
            attempts.add("issuer " + url, answer.error());
            continue;
        }
        auto proof = co_await judged(needed, ProofKind::kCertificate, *std::move(answer));
        if (proof || !may_go_on(proof.error())) co_return proof;
        attempts.add("issuer " + url, proof.error());
    }
    if (needed.issuer_urls.empty() || !sources.reaches_others())
        co_return fail(Errc::kUnavailable,
                       "the issuer of " + needed.subject + " is not at hand" +
                           (needed.issuer_urls.empty() ? ", and it does not say where to get it"
                                                       : ", and no sigillo-fetch is configured"));
    co_return attempts.failure(needed);
}

namespace {

// What has been gathered, each thing once.
class Gathered {
 public:
    explicit Gathered(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    Status add(std::vector<Bytes>& list, const Bytes& der) {
        if (der.empty() || !seen_.insert(sha256(der)).second) return {};
        bytes_ += der.size();
        if (bytes_ > max_bytes_)
            return fail(Errc::kLimitExceeded,
                        "the validation data is longer than " + std::to_string(max_bytes_) + " bytes",
                        "validation_bytes");
        list.push_back(der);
        return {};
    }
    Status add(const NeededProof& needed, const Proof& proof) {
        SIGILLO_TRY(add(data_.certificates, needed.issuer));
        for (const Bytes& certificate : proof.checked.certificates)
            SIGILLO_TRY(add(data_.certificates, certificate));
        if (proof.kind == ProofKind::kOcsp) SIGILLO_TRY(add(data_.ocsps, *proof.der));
        if (proof.kind == ProofKind::kCrl) SIGILLO_TRY(add(data_.crls, *proof.der));
        return {};
    }
    ValidationData take() { return std::move(data_); }

 private:
    const std::size_t max_bytes_;
    ValidationData data_;
    std::set<Sha256Value> seen_;
    std::size_t bytes_ = 0;
};

Result<Proof> broken(const std::exception_ptr&) {
    return fail(Errc::kInternal, "gathering validation data failed; the log says more");
}

}  // namespace

Task<Result<ValidationData>> ValidationGatherer::gather(sam::ClientContext client,
                                                        std::vector<NeededProof> needed, WallTime since) {
    State& state = *state_;
    Gathered gathered(state.config.max_bytes);
    std::set<Bytes> asked;
    for (std::size_t round = 0; !needed.empty(); ++round) {
        if (round == state.config.max_rounds)
            co_return fail(Errc::kLimitExceeded,
                           "the proof of " + needed.front().subject + " needs more than " +
                               std::to_string(state.config.max_rounds) + " rounds",
                           "validation_rounds");
        std::vector<NeededProof> fresh;
        for (NeededProof& one : needed)
            if (asked.insert(ProofCache::key_of(one.certificate, one.issuer)).second)
                fresh.push_back(std::move(one));
        if (asked.size() > state.config.max_certificates)
            co_return fail(
                Errc::kLimitExceeded,
                "more than " + std::to_string(state.config.max_certificates) + " certificates need a proof",
                "validation_certificates");
        std::vector<Task<Result<Proof>>> tasks;
        tasks.reserve(fresh.size());
        for (const NeededProof& one : fresh) tasks.push_back(state.prove(client, one, since));
        const std::vector<Result<Proof>> proofs =
            co_await all_of(state.parts.executor, std::move(tasks), &broken);
        needed.clear();
        for (std::size_t i = 0; i < proofs.size(); ++i) {
            if (!proofs[i]) co_return std::unexpected(proofs[i].error());
            SIGILLO_CO_TRY(gathered.add(fresh[i], *proofs[i]));
            for (const NeededProof& one : proofs[i]->checked.further) needed.push_back(one);
        }
    }
    co_return gathered.take();
}

}  // namespace sigillo::api::documents
