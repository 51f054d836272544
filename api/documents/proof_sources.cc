#include "api/documents/proof_sources.h"

namespace sigillo::api::documents {
namespace {

ProofSources::Answer of_sam(const sam::SigningResponse& answer, WallTime asked_at) {
    if (!answer.has_ocsp_answer())
        return Got{std::make_shared<const Bytes>(to_bytes(as_bytes(answer.document().der()))), asked_at};
    const sam::OcspAnswer& ocsp = answer.ocsp_answer();
    if (!ocsp.failure().empty()) return fail(Errc::kUnavailable, "the responder answers " + ocsp.failure());
    return Got{std::make_shared<const Bytes>(to_bytes(as_bytes(ocsp.response()))), asked_at};
}

}  // namespace

Awaited<ProofSources::Answer> ProofSources::ask_sam(sam::SigningRequest question,
                                                    sam::SigningResponse::BodyCase expected) {
    return Awaited<Answer>(executor_, [this, question = std::move(question), expected](Callback done) {
        sam_.call(question, expected, [done, now = clock_.now()](Result<sam::SigningResponse> answer) {
            done(answer ? of_sam(*answer, now) : std::unexpected(std::move(answer).error()));
        });
    });
}

Awaited<ProofSources::Answer> ProofSources::get(const std::string& url, fetch::Kind kind, bool fresh) {
    return once((fresh ? "fresh " : "get ") + url, WallTime::min(), [this, url, kind, fresh](Callback done) {
        fetcher_->get(url, kind, fresh, hand_on(std::move(done)));
    });
}

Awaited<ProofSources::Answer> ProofSources::post_ocsp(const std::string& url, const Bytes& request,
                                                      WallTime since) {
    return once(
        "post " + url + " " + std::string(as_text(request)), since,
        [this, url, request](Callback done) { fetcher_->post_ocsp(url, request, hand_on(std::move(done))); });
}

Awaited<ProofSources::Answer> ProofSources::once(std::string key, WallTime since,
                                                 std::function<void(Callback)> ask) {
    return Awaited<Answer>(executor_,
                           [this, key = std::move(key), since, ask = std::move(ask)](Callback done) {
                               join_or_begin(key, since, ask, std::move(done));
                           });
}

void ProofSources::join_or_begin(const std::string& key, WallTime since,
                                 const std::function<void(Callback)>& ask, Callback done) {
    const WallTime now = clock_.now();
    bool alone = false;
    {
        const std::lock_guard lock(mutex_);
        const auto found = flights_.find(key);
        if (found != flights_.end() && found->second.asked_at >= since) {
            found->second.waiting.push_back(std::move(done));
            return;
        }
        alone = found != flights_.end();
        if (!alone) flights_[key] = {now, {done}};
    }
    if (alone)
        ask(std::move(done));
    else
        ask([this, key](const Answer& answer) { land(key, answer); });
}

void ProofSources::land(const std::string& key, const Answer& answer) {
    std::vector<Callback> waiting;
    {
        const std::lock_guard lock(mutex_);
        const auto found = flights_.find(key);
        waiting.swap(found->second.waiting);
        flights_.erase(found);
    }
    for (const Callback& callback : waiting) callback(answer);
}

fetch::Callback<fetch::Fetched> ProofSources::hand_on(Callback done) {
    return [done = std::move(done), now = clock_.now()](Result<fetch::Fetched> fetched) {
        if (!fetched) {
            done(std::unexpected(std::move(fetched).error()));
            return;
        }
        done(Got{std::make_shared<const Bytes>(std::move(fetched->body)), now});
    };
}

}  // namespace sigillo::api::documents
