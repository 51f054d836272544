#include "tsa/token_log.h"

#include "appliance/base/encoding.h"

namespace sigillo::tsa {

Task<Status> log_token(audit::Ledger& ledger, TokenEntry entry) {
    const std::string serial = hex_encode(entry.serial);
    co_return co_await ledger.commit("tsa", [&](audit::Recorder& recorder) -> Status {
        // In the committer's order: what retires a unit stands after the last of its tokens.
        if (entry.unit.closed.load(std::memory_order_relaxed))
            return fail(Errc::kConflict, "the unit has just gone out of service", "unitID");
        audit::Event event = recorder.event("tsa.token");
        event.set("serial", serial)
            .set("hash_alg", hash_oid(entry.imprint.algorithm()))
            .set_base64("imprint", entry.imprint.bytes())
            .set("policy", entry.policy)
            .set("gen_time", entry.gen_time)
            .set("unit", entry.unit.id.str());
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    });
}

Status log_time_change(audit::Ledger& ledger, const TimeChange& change) {
    return ledger.update([&](audit::Recorder& recorder) -> Status {
        audit::Event event = recorder.event("tsa.time");
        event.set("state", time_state_name(change.now.state))
            .set("before", time_state_name(change.before))
            .set("at", GenTime(change.at, 6).text())
            .set("error_us", static_cast<std::uint64_t>(change.now.error.count()))
            .set("sources", std::uint64_t{change.now.sources});
        if (!change.now.reason.empty()) event.set("reason", change.now.reason);
        if (!change.now.announcement.empty()) event.set("announcement", change.now.announcement);
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    });
}

}  // namespace sigillo::tsa
