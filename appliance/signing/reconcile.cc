#include "appliance/signing/reconcile.h"

#include "appliance/signing/outcome.h"

namespace sigillo::signing {
namespace {

constexpr std::size_t kIdLength = 32;

Result<std::vector<Outcome>> open_intents(audit::Ledger& ledger) {
    return ledger.view([&](ReadTransaction& txn) -> Result<std::vector<Outcome>> {
        std::vector<Bytes> keys;
        SIGILLO_TRY(txn.scan(tables::kOpenIntents.space, {}, {}, [&](ByteView key, ByteView) -> Result<bool> {
            keys.push_back(to_bytes(key));
            return true;
        }));
        std::vector<Outcome> outcomes;
        for (const Bytes& key : keys) {
            if (key.size() != kIdLength + 16)
                return fail(Errc::kCorrupt, "open_intents: key of impossible length");
            SIGILLO_ASSIGN(const auto open,
                           require(txn, ledger.codec(), tables::kOpenIntents, key, "open intent"));
            Outcome outcome;
            SIGILLO_ASSIGN(outcome.credential, CredentialId::parse(as_text(ByteView(key).first(kIdLength))));
            outcome.intent_epoch = read_u64(ByteView(key).subspan(kIdLength));
            outcome.intent_index = read_u64(ByteView(key).subspan(kIdLength + 8));
            outcome.call_key =
                concat(as_bytes(open.value.sad_digest()), as_bytes(open.value.request_digest()));
            outcome.result = UseResult::kUnknown;
            outcome.error = "interrupted";
            outcomes.push_back(std::move(outcome));
        }
        return outcomes;
    });
}

}  // namespace

Result<std::uint64_t> reconcile_open_intents(audit::Ledger& ledger, const activation::Sads& sads,
                                             std::chrono::hours retry_window) {
    SIGILLO_ASSIGN(const std::vector<Outcome> outcomes, open_intents(ledger));
    for (const Outcome& outcome : outcomes)
        SIGILLO_TRY(run_to_end(write_outcome(ledger, sads, outcome, retry_window)));
    return outcomes.size();
}

}  // namespace sigillo::signing
