#include "appliance/sigillod/tsa_epoch.h"

#include <algorithm>
#include <filesystem>

#include "appliance/base/file.h"
#include "appliance/sigillod/epoch_order.h"
#include "appliance/sigillod/tsa_foundation.h"
#include "appliance/sigillod/tsa_replay.h"

namespace sigillo {
namespace {

using Work = Record<record::EpochWork>;

// Well below a leaf's 65,535 bytes.
constexpr std::size_t kChangesInALeaf = 500;

Bytes work_key() {
    return key_of("epoch work");
}

Result<StorePosition> position_of(TsaFoundation& tsa) {
    StorePosition from;
    SIGILLO_TRY(tsa.store->view([&](ReadTransaction& txn) -> Status {
        SIGILLO_ASSIGN(const auto epoch, tsa.log->epoch(txn));
        SIGILLO_ASSIGN(from.tree, tsa.log->frontier(txn));
        from.store_epoch = epoch ? epoch->number : 1;
        return {};
    }));
    const auto found = audit::find_checkpoints(tsa.places, tsa.identity->keys(), tsa.identity->base_origin());
    const auto* newest = found.newest();
    from.new_epoch = std::max(from.store_epoch, newest != nullptr ? newest->epoch : 0) + 1;
    return from;
}

Status log_replay(audit::Recorder& recorder, const WrittenOrder& order, const LogReading& reading,
                  ReplayedUnits replayed) {
    const std::uint64_t count = replayed.changes.size();
    // At least one leaf takes the records that were changed; the last one tells of the whole.
    for (std::size_t begin = 0; begin < replayed.changes.size(); begin += kChangesInALeaf) {
        const auto first = replayed.changes.begin() + static_cast<std::ptrdiff_t>(begin);
        const auto last = replayed.changes.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                         begin + kChangesInALeaf, replayed.changes.size()));
        audit::Event event = recorder.event("epoch.replayed");
        event.set_list("changes", std::vector<std::string>(first, last));
        SIGILLO_TRY(recorder.log(std::move(event)));
    }
    std::vector<std::string> gaps = reading.gaps;
    std::ranges::move(replayed.gaps, std::back_inserter(gaps));
    if (!order.backup_time.empty())
        gaps.push_back(
            "restored without a newer log: retirements, revocations and destructions of units since " +
            order.backup_time + " must be repeated");
    audit::Event event = recorder.event("epoch.hardened");
    event.set("officer", order.officer)
        .set("leaves_read", reading.leaves)
        .set("replayed", count)
        .set_flag("complete", gaps.empty());
    if (!gaps.empty()) event.set_list("gaps", gaps);
    if (!replayed.lost.empty()) event.set_list("lost_units", replayed.lost);
    SIGILLO_TRY(recorder.log(std::move(event)));
    return {};
}

Status remove_order(const std::filesystem::path& path) {
    std::error_code code;
    std::filesystem::remove(path, code);
    if (code) return std::unexpected(errno_error(code.value(), "remove " + path.string()));
    return sync_directory(path.parent_path());
}

}  // namespace

Status carry_out_tsa_order(const Foundation& base, TsaFoundation& tsa) {
    const std::filesystem::path path = std::filesystem::path(tsa.settings.store.directory) / "epoch.order";
    SIGILLO_ASSIGN(const auto order, read_epoch_order(path));
    if (!order) return {};
    SIGILLO_ASSIGN(const auto earlier, tsa.ledger->view([&](ReadTransaction& txn) {
        return load(txn, *tsa.codec, tables::kMeta, work_key());
    }));
    if (earlier && equal(as_bytes(earlier->value.order_sha256()), ByteView(order->digest)))
        return remove_order(path);

    SIGILLO_ASSIGN(StorePosition from, position_of(tsa));
    const NewerUnits newer = read_newer_units(tsa.places, *tsa.identity, std::move(from));
    for (const std::string& gap : newer.reading.gaps)
        base.logger.warning("tsa_epoch_incomplete", {{"gap", gap}});

    audit::EpochOrder what{order->officer, order->reason, base.clock.now(), {}};
    what.also = [&](WriteTransaction& txn, const audit::LogEpoch& epoch) -> Status {
        audit::Recorder recorder(txn, *tsa.codec, *tsa.log, base.clock, epoch.number);
        SIGILLO_ASSIGN(ReplayedUnits replayed, replay_units(recorder, newer.steps));
        SIGILLO_TRY(log_replay(recorder, *order, newer.reading, std::move(replayed)));
        Work work = earlier.value_or(Work());
        work.value.set_order_sha256(order->digest.data(), order->digest.size());
        work.value.set_officer(order->officer);
        work.value.set_epoch(epoch.number);
        work.value.set_stage(record::EPOCH_STAGE_DONE);
        return recorder.save(tables::kMeta, work_key(), work);
    };
    SIGILLO_ASSIGN(const audit::LogEpoch epoch,
                   audit::open_epoch(*tsa.store, *tsa.log, *tsa.identity, tsa.places, what));
    base.logger.notice("tsa_epoch_opened",
                       {{"epoch", epoch.number}, {"origin", epoch.origin}, {"officer", order->officer}});
    return remove_order(path);
}

}  // namespace sigillo
