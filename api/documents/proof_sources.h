// Where proofs come from: sigillod for our own CA, sigillo-fetch for the others. Answers are bytes that
// nobody here reads. Thread-safe; what it is given outlives it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/fetch/fetch_client.h"
#include "api/sam.h"
#include "appliance/base/callback_awaiter.h"
#include "appliance/base/clock.h"

namespace sigillo::api::documents {

struct Got {
    std::shared_ptr<const Bytes> der;
    WallTime asked_at{};  // what it says is of then or later
};

class ProofSources {
 public:
    using Answer = Result<Got>;

    // `fetcher`: null where there is none; then get() and post_ocsp() must not be called.
    ProofSources(SigningSam& sam, fetch::Fetcher* fetcher, Executor& executor, const Clock& clock)
        : sam_(sam), fetcher_(fetcher), executor_(executor), clock_(clock) {}

    bool reaches_others() const { return fetcher_ != nullptr; }

    // A document or an OCSP answer; kUnavailable when the responder refuses.
    Awaited<Answer> ask_sam(sam::SigningRequest question, sam::SigningResponse::BodyCase expected);
    Awaited<Answer> get(const std::string& url, fetch::Kind kind, bool fresh);
    // An answer that was asked for at `since` or later.
    Awaited<Answer> post_ocsp(const std::string& url, const Bytes& request, WallTime since);
    void keep_until(const std::string& url, fetch::Kind kind, ByteView sha256, WallTime until) {
        fetcher_->keep_until(url, kind, sha256, until);
    }

 private:
    using Callback = std::function<void(Answer)>;
    struct Flight {
        WallTime asked_at{};
        std::vector<Callback> waiting;
    };

    // One exchange for all who ask for `key` meanwhile; one that was begun before `since` is not waited for.
    Awaited<Answer> once(std::string key, WallTime since, std::function<void(Callback)> ask);
    void join_or_begin(const std::string& key, WallTime since, const std::function<void(Callback)>& ask,
                       Callback done);
    void land(const std::string& key, const Answer& answer);
    fetch::Callback<fetch::Fetched> hand_on(Callback done);

    SigningSam& sam_;
    fetch::Fetcher* const fetcher_;
    Executor& executor_;
    const Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Flight> flights_;  // guarded by mutex_
};

}  // namespace sigillo::api::documents
