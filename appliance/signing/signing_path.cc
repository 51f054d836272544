#include "appliance/signing/signing_path.h"

#include <algorithm>

#include "appliance/signing/spend_step.h"

namespace sigillo::signing {
namespace {

// Whether the HSM can have made a signature when it answered this. Only a definite no gives the hashes back.
bool definitely_not_signed(const Error& error) {
    switch (error.code) {
        case Errc::kHsmRefused:       // it said no
        case Errc::kUnavailable:      // it was not asked
        case Errc::kCorrupt:          // the key could not be unwrapped
        case Errc::kConflict:         // the grant was refused by the vault
        case Errc::kInvalidArgument:  // refused before the call
        case Errc::kUnsupported:
            return true;
        default:
            return false;
    }
}

// The chain belongs to the attributes: a retry after the certificate was renewed finds another one.
Result<Signed> with_chain(Signed stored, std::vector<Bytes> chain) {
    if (stored.signed_attributes.empty()) return stored;
    const Sha256Value certificate = chain.empty() ? Sha256Value{} : sha256(chain.front());
    for (const Bytes& attributes : stored.signed_attributes)
        if (std::ranges::search(attributes, certificate).empty())
            return fail(Errc::kConflict, "the credential's certificate was renewed since: authorise again",
                        "credentialID");
    stored.chain = std::move(chain);
    return stored;
}

}  // namespace

// What was found of the credential, in one snapshot.
struct SigningPath::Checked {
    std::optional<Signed> stored;  // an identical call was before
    std::optional<Error> refusal;  // of a credential that is the client's: goes into the log
    std::vector<Bytes> chain;      // for documents
};

Task<Result<Signed>> SigningPath::sign(const SignRequest& request) {
    // Step 1 is behind us: sigillo-api has decoded the request under limits, and the dispatcher has named the
    // client.
    const Bytes call_key = concat(activation::sad_key(request.sad), request_digest(request));

    // Identical calls take turns, so that a retry finds what the first call stored.
    SIGILLO_CO_ASSIGN(const auto turn, in_flight_.take_turn(call_key));
    // A call whose Outcome the store refused is a retry too: it can be answered once the store has taken it.
    SIGILLO_CO_TRY(settle_call(call_key));
    auto result = co_await sign_in_turn(request, call_key);
    if (!result && result.error().code != Errc::kNotFound) {
        const std::lock_guard lock(mutex_);
        ++counts_.refusals;
    }
    co_return result;
}

Result<SigningPath::Checked> SigningPath::check(const SignRequest& request, ByteView call_key) {
    return parts_.ledger.view([&](ReadTransaction& txn) -> Result<Checked> {
        Checked found;
        SIGILLO_ASSIGN(const auto credential, own_credential(txn, parts_.ledger.codec(), request));
        const auto fits = [&]() -> Status {
            SIGILLO_TRY(check_request(request, credential->value, parts_.limits));
            SIGILLO_ASSIGN(found.stored, stored_signatures(txn, parts_.ledger.codec(), call_key));
            if (!found.stored)
                SIGILLO_TRY(activation::check_usable(credential->value, parts_.ledger.clock().now()));
            return {};
        };
        if (auto status = fits(); !status) found.refusal = status.error();
        if (!request.documents.empty())
            for (const std::string& certificate : credential->value.chain())
                found.chain.push_back(to_bytes(certificate));
        return found;
    });
}

Task<Result<Signed>> SigningPath::sign_in_turn(const SignRequest& request, ByteView call_key) {
    // Step 2. Does the request fit the credential? Nothing changes yet, so a mistake costs the signer
    // nothing.
    SIGILLO_CO_ASSIGN(Checked checked, check(request, call_key));
    if (checked.stored) co_return with_chain(*std::move(checked.stored), std::move(checked.chain));
    if (checked.refusal) {
        parts_.refusals.record("signing.refused", request.credential, request.client, checked.refusal->code);
        co_return std::unexpected(*checked.refusal);
    }
    {
        const std::lock_guard lock(mutex_);
        if (unsettled_.size() >= parts_.limits.unsettled_limit)
            co_return fail(Errc::kStorageFull, "outcomes of earlier uses still wait for room in the store");
    }
    // What the key will sign: the hashes, or SignedAttributes around them, with our own clock's time.
    if (says_the_time(request) && parts_.clock_check) SIGILLO_CO_TRY(parts_.clock_check());
    SIGILLO_CO_ASSIGN(
        ToBeSigned to_be_signed,
        what_to_sign(request, checked.chain.empty() ? ByteView() : ByteView(checked.chain.front()),
                     parts_.ledger.clock().now()));
    reached(Step::kChecked);

    // Step 3. Before the key is used there is a durable record that it will be: after a power failure the log
    // says which uses were under way. The SAD is spent in the same transaction, so it can never be spent
    // twice.
    const SpendStep::Call call{request, call_key, parts_.limits.uses_retention, to_be_signed};
    auto spent = co_await SpendStep::run(parts_.ledger, parts_.sads, call);
    if (!spent) {
        parts_.refusals.record("signing.refused", request.credential, request.client, spent.error().code);
        co_return std::unexpected(spent.error());
    }
    if (!spent->grant) co_return with_chain(std::move(spent->stored), std::move(checked.chain));
    reached(Step::kIntentDurable);

    Outcome outcome;
    outcome.client = request.client.str();
    outcome.credential = request.credential;
    outcome.intent_index = spent->grant->intent_index();
    outcome.call_key = to_bytes(call_key);
    outcome.sad = std::move(spent->sad);
    outcome.hashes = request.hashes;
    outcome.signed_attributes = std::move(to_be_signed.signed_attributes);

    // Steps 4 and 5. No transaction is held while the HSM works; every signature is verified before it goes
    // on.
    KeyVault::Redeemed made = redeem(*std::move(spent->grant), request.scheme, to_be_signed.digests);
    if (!made.error) reached(Step::kSigned);

    // Step 6. What came of it is durable before anybody learns of it.
    SIGILLO_CO_ASSIGN(Signed made_durable, co_await conclude(std::move(outcome), std::move(made)));
    made_durable.chain = std::move(checked.chain);
    co_return made_durable;
}

KeyVault::Redeemed SigningPath::redeem(SigningGrant grant, SignatureScheme scheme,
                                       const std::vector<Digest>& digests) noexcept {
    try {
        return parts_.vault.redeem(std::move(grant), scheme, digests);
    } catch (const std::exception& error) {  // out of memory: the Intent still gets its Outcome
        return {{}, Error{Errc::kInternal, error.what()}};
    }
}

Task<Result<Signed>> SigningPath::conclude(Outcome outcome, KeyVault::Redeemed made) {
    if (!made.error) {
        outcome.result = UseResult::kSigned;
        outcome.signatures = made.signatures;
    } else {
        // What was signed before the failure is thrown away, and the log says that there was something.
        outcome.made = made.signatures.size();
        outcome.signed_attributes.clear();
        outcome.result = outcome.made == 0 && definitely_not_signed(*made.error) ? UseResult::kFailed
                                                                                 : UseResult::kUnknown;
        outcome.error = errc_name(made.error->code);
        parts_.logger.error("key_use_failed",
                            {{"credential", outcome.credential.str()}, {"error", *made.error}});
    }
    Signed result{std::move(made.signatures), outcome.signed_attributes, {}};
    const Status written =
        co_await write_outcome(parts_.ledger, parts_.sads, outcome, parts_.limits.retry_window);
    {
        const std::lock_guard lock(mutex_);
        if (made.error) {
            ++counts_.failures;
        } else {
            counts_.signatures += result.signatures.size();
        }
        // The signature exists but the log does not say so: it is not answered. It is kept until the store
        // takes the Outcome (settle), and the client's retry gets it then.
        if (!written) unsettled_.push_back(std::move(outcome));
    }
    if (!written) co_return std::unexpected(written.error());
    reached(Step::kOutcomeDurable);
    if (made.error) co_return std::unexpected(*std::move(made.error));
    co_return result;
}

Status SigningPath::settle_call(ByteView call_key) {
    const auto waits = [&] {
        const std::lock_guard lock(mutex_);
        return std::ranges::any_of(unsettled_,
                                   [&](const Outcome& outcome) { return equal(outcome.call_key, call_key); });
    };
    if (!waits()) return {};
    settle();
    if (waits())
        return fail(Errc::kStorageFull, "the outcome of this call still waits for room in the store");
    return {};
}

void SigningPath::settle() {
    // One at a time, and an Outcome stays in the list until it is durable: a retry that comes meanwhile waits
    // for it.
    const std::lock_guard one(settling_);
    std::vector<Outcome> waiting;
    {
        const std::lock_guard lock(mutex_);
        waiting = unsettled_;
    }
    for (const Outcome& outcome : waiting) {
        if (!run_to_end(write_outcome(parts_.ledger, parts_.sads, outcome, parts_.limits.retry_window)))
            continue;
        const std::lock_guard lock(mutex_);
        std::erase_if(unsettled_, [&](const Outcome& one_of) { return one_of.call_key == outcome.call_key; });
    }
}

SigningMetrics SigningPath::metrics() const {
    const std::lock_guard lock(mutex_);
    SigningMetrics metrics = counts_;
    metrics.unsettled = unsettled_.size();
    metrics.cached_keys = parts_.vault.cached();
    return metrics;
}

}  // namespace sigillo::signing
