#include "appliance/sigillod/epoch_order.h"

#include <nlohmann/json.hpp>

#include "appliance/activation/sad.h"
#include "appliance/base/digest.h"
#include "appliance/base/file.h"
#include "appliance/sigillod/foundation.h"
#include "appliance/sigillod/log_replay.h"

namespace sigillo {
namespace {

using Work = Record<record::EpochWork>;

// One transaction's share. Well below a leaf's 65,535 bytes and the store's limit on one transaction.
constexpr std::size_t kSadsAtOnce = 4'096;
constexpr std::size_t kFactorsAtOnce = 200;
constexpr std::size_t kStepsAtOnce = 200;

std::filesystem::path order_path(const Foundation& base) {
    return std::filesystem::path(base.config.store.directory) / "epoch.order";
}

Bytes work_key() {
    return key_of("epoch work");
}

Result<WrittenOrder> read_order(const std::filesystem::path& path) {
    constexpr std::size_t kLimit = std::size_t{16} * 1024;  // bytes: a name and a sentence
    SIGILLO_ASSIGN(const Bytes contents, read_file(path, kLimit));
    const auto json = nlohmann::json::parse(as_text(contents), nullptr, false);
    if (!json.is_object() || !json.contains("officer") || !json["officer"].is_string() ||
        !json.contains("reason") || !json["reason"].is_string())
        return fail(Errc::kInvalidArgument,
                    path.string() + " is not an order of sigilloctl: remove it, and order again");
    WrittenOrder order{
        json["officer"].get<std::string>(), json["reason"].get<std::string>(), {}, sha256(contents)};
    const bool newer_log = json.contains("newer_log") && json["newer_log"] == true;
    if (json.contains("backup") && json["backup"].is_string() && !newer_log)
        order.backup_time = json["backup"].get<std::string>();
    return order;
}

Result<std::optional<Work>> load_work(Foundation& base) {
    return base.ledger->view(
        [&](ReadTransaction& txn) { return load(txn, *base.codec, tables::kMeta, work_key()); });
}

// Where the store stood: what the newer log is read from.
Status note_store_log(Foundation& base, record::EpochWork& work) {
    return base.store->view([&](ReadTransaction& txn) -> Status {
        SIGILLO_ASSIGN(const auto epoch, base.log->epoch(txn));
        SIGILLO_ASSIGN(const audit::Frontier tree, base.log->frontier(txn));
        work.set_store_epoch(epoch ? epoch->number : 1);
        work.set_store_size(tree.size());
        for (const audit::Hash& hash : tree.hashes()) work.add_store_tree(hash.data(), hash.size());
        return {};
    });
}

// ---- the stages: each call is one transaction's share ----------------------------------------------------

Status erase_sads(audit::Recorder& recorder, record::EpochWork& work) {
    SIGILLO_ASSIGN(const std::size_t erased, activation::Sads::erase_some(recorder, kSadsAtOnce));
    work.set_sads(work.sads() + erased);
    if (erased < kSadsAtOnce) work.set_stage(record::EPOCH_STAGE_OTPS);
    return {};
}

// Whether its step was raised. Damaged records are left to the sweep, which names them: they serve nobody.
Result<bool> raise_otp_step(audit::Recorder& recorder, ByteView key, std::int64_t now_s,
                            std::int64_t drift_steps) {
    // Counters have no clock to go by. So far ahead that no look-ahead reaches back: a HOTP token is enrolled
    // anew.
    constexpr std::int64_t kHotpMargin = 1'000;
    const auto factor = recorder.load(tables::kFactors, key);
    if (!factor && factor.error().code == Errc::kCorrupt) return false;
    if (!factor) return std::unexpected(factor.error());
    if (!*factor || (*factor)->value.deleted()) return false;
    const record::Factor& value = (*factor)->value;
    if (value.type() != "totp" && value.type() != "hotp") return false;
    auto state = recorder.load(tables::kFactorStates, key);
    if (!state && state.error().code == Errc::kCorrupt) return false;
    if (!state) return std::unexpected(state.error());
    if (!*state) return false;
    record::FactorState& step = (*state)->value;
    const std::int64_t floor =
        value.type() == "totp" ? now_s / std::max<std::int64_t>(1, value.otp().period_s()) + drift_steps + 1
                               : step.last_step() + kHotpMargin;
    if (step.last_step() >= floor) return false;
    step.set_last_step(floor);
    SIGILLO_TRY(recorder.save(tables::kFactorStates, key, **state));
    return true;
}

Status raise_otp_steps(Foundation& base, audit::Recorder& recorder, record::EpochWork& work) {
    Bytes from = to_bytes(work.cursor());
    if (!from.empty()) from.push_back(0);  // behind the last one
    std::vector<Bytes> keys;
    SIGILLO_TRY(recorder.transaction().scan(tables::kFactors.space, {}, from,
                                            [&](ByteView key, ByteView) -> Result<bool> {
                                                keys.push_back(to_bytes(key));
                                                return keys.size() < kFactorsAtOnce;
                                            }));
    std::uint64_t raised = 0;
    for (const Bytes& key : keys) {
        SIGILLO_ASSIGN(const bool done,
                       raise_otp_step(recorder, key, unix_seconds(recorder.clock().now()),
                                      static_cast<std::int64_t>(base.config.activation.drift_steps)));
        raised += done ? 1 : 0;
    }
    if (raised > 0) {
        audit::Event event = recorder.event("epoch.otp_raised");
        event.set("factors", raised);
        SIGILLO_TRY(recorder.log(std::move(event)));
    }
    work.set_factors(work.factors() + raised);
    if (keys.size() < kFactorsAtOnce) {
        work.set_stage(record::EPOCH_STAGE_REPLAY);
        work.clear_cursor();
    } else {
        work.set_cursor(keys.back().data(), keys.back().size());
    }
    return {};
}

Status hardened(audit::Recorder& recorder, const record::EpochWork& work, const NewerLog& newer) {
    audit::Event event = recorder.event("epoch.hardened");
    event.set("officer", work.officer())
        .set("sads", work.sads())
        .set("factors", work.factors())
        .set("leaves_read", newer.leaves)
        .set("replayed", work.replayed())
        .set_flag("complete", newer.gaps.empty());
    if (!newer.gaps.empty()) event.set_list("gaps", newer.gaps);
    for (const auto& [what, count] : newer.lost) event.set("lost_" + what, count);
    SIGILLO_TRY(recorder.log(std::move(event)));
    return {};
}

Status replay(Foundation& base, audit::Recorder& recorder, record::EpochWork& work, const NewerLog& newer) {
    const std::uint64_t begin = work.cursor().size() == 8 ? read_u64(as_bytes(work.cursor())) : 0;
    const std::uint64_t end = std::min<std::uint64_t>(newer.steps.size(), begin + kStepsAtOnce);
    std::vector<std::string> changes;
    for (std::uint64_t i = begin; i < end; ++i) {
        SIGILLO_ASSIGN(std::string change,
                       replay_step(recorder, newer.steps[i], base.config.signing.uses_retention));
        if (!change.empty()) changes.push_back(std::move(change));
    }
    work.set_replayed(work.replayed() + changes.size());
    if (!changes.empty()) {
        audit::Event event = recorder.event("epoch.replayed");
        event.set_list("changes", changes);
        SIGILLO_TRY(recorder.log(std::move(event)));
    }
    if (end < newer.steps.size()) {
        const Bytes cursor = number_key(end);
        work.set_cursor(cursor.data(), cursor.size());
        return {};
    }
    work.set_stage(record::EPOCH_STAGE_DONE);
    work.clear_cursor();
    return hardened(recorder, work, newer);
}

// ---- all of it
// ---------------------------------------------------------------------------------------------

Result<NewerLog> newer_log(Foundation& base, const record::EpochWork& work) {
    std::vector<audit::Hash> hashes;
    for (const std::string& text : work.store_tree()) {
        SIGILLO_ASSIGN(const audit::Hash hash, audit::to_hash(as_bytes(text)));
        hashes.push_back(hash);
    }
    SIGILLO_ASSIGN(audit::Frontier tree, audit::Frontier::create(work.store_size(), std::move(hashes)));
    NewerLog newer =
        read_newer_log(base.places, *base.identity, {work.store_epoch(), std::move(tree), work.epoch()});
    if (!work.backup_time().empty())
        newer.gaps.push_back(
            "restored without a newer log: revocations, suspensions, deletions and removed clients since " +
            work.backup_time() + " must be repeated");
    for (const std::string& gap : newer.gaps) base.logger.warning("epoch_incomplete", {{"gap", gap}});
    return newer;
}

Status remove_order(Foundation& base, const record::EpochWork& work) {
    const auto path = order_path(base);
    const auto order = read_order(path);
    if (!order) return order.error().code == Errc::kNotFound ? Status() : std::unexpected(order.error());
    if (!equal(ByteView(order->digest), as_bytes(work.order_sha256())))
        return {};  // another: for the next start
    std::error_code code;
    std::filesystem::remove(path, code);
    // It is known to be done, so it does no harm where it lies.
    if (code) base.logger.warning("epoch_order_stays", {{"path", path.string()}, {"reason", code.message()}});
    return code ? Status() : sync_directory(path.parent_path());
}

}  // namespace

Result<std::optional<WrittenOrder>> read_epoch_order(const std::filesystem::path& path) {
    const auto order = read_order(path);
    if (order) return std::optional(*order);
    if (order.error().code == Errc::kNotFound) return std::optional<WrittenOrder>();
    return std::unexpected(order.error());
}

Status carry_out_epoch_order(Foundation& base) {
    const auto order = read_order(order_path(base));
    if (!order) {
        if (order.error().code == Errc::kNotFound) return {};
        return std::unexpected(order.error());
    }
    SIGILLO_ASSIGN(const auto earlier, load_work(base));
    if (earlier && equal(as_bytes(earlier->value.order_sha256()), ByteView(order->digest))) return {};

    Work work;
    if (earlier) work.version = earlier->version;
    if (earlier && earlier->value.stage() != record::EPOCH_STAGE_DONE) {
        work.value =
            earlier->value;  // cut short before it was overtaken: its part of the log is still to be replayed
        work.value.clear_cursor();
    } else {
        SIGILLO_TRY(note_store_log(base, work.value));
    }
    work.value.set_order_sha256(order->digest.data(), order->digest.size());
    work.value.set_officer(order->officer);
    if (!order->backup_time.empty()) work.value.set_backup_time(order->backup_time);
    work.value.set_stage(record::EPOCH_STAGE_SADS);

    audit::EpochOrder what{order->officer, order->reason, base.clock.now(), {}};
    what.also = [&](WriteTransaction& txn, const audit::LogEpoch& epoch) -> Status {
        audit::Recorder recorder(txn, *base.codec, *base.log, base.clock, epoch.number);
        Work row = work;
        row.value.set_epoch(epoch.number);
        return recorder.save(tables::kMeta, work_key(), row);
    };
    SIGILLO_ASSIGN(const audit::LogEpoch epoch,
                   audit::open_epoch(*base.store, *base.log, *base.identity, base.places, what));
    base.logger.notice("epoch_opened",
                       {{"epoch", epoch.number}, {"origin", epoch.origin}, {"officer", order->officer}});
    return {};
}

Status harden_epoch(Foundation& base) {
    SIGILLO_ASSIGN(auto work, load_work(base));
    if (!work) return {};
    std::optional<NewerLog> newer;
    while (work->value.stage() != record::EPOCH_STAGE_DONE) {
        if (work->value.stage() == record::EPOCH_STAGE_REPLAY && !newer) {
            SIGILLO_ASSIGN(newer, newer_log(base, work->value));
        }
        SIGILLO_ASSIGN(
            work, base.ledger->update([&](audit::Recorder& recorder) -> Result<std::optional<Work>> {
                SIGILLO_ASSIGN(auto row, recorder.require(tables::kMeta, work_key(), "epoch work"));
                switch (row.value.stage()) {
                    case record::EPOCH_STAGE_SADS:
                        SIGILLO_TRY(erase_sads(recorder, row.value));
                        break;
                    case record::EPOCH_STAGE_OTPS:
                        SIGILLO_TRY(raise_otp_steps(base, recorder, row.value));
                        break;
                    case record::EPOCH_STAGE_REPLAY:
                        SIGILLO_TRY(replay(base, recorder, row.value, *newer));
                        break;
                    default:
                        return fail(Errc::kCorrupt, "meta: an epoch's work in no known stage");
                }
                SIGILLO_TRY(recorder.save(tables::kMeta, work_key(), row));
                return std::optional(std::move(row));
            }));
        if (work->value.stage() == record::EPOCH_STAGE_DONE)
            base.logger.notice("epoch_hardened", {{"epoch", work->value.epoch()},
                                                  {"sads", work->value.sads()},
                                                  {"factors", work->value.factors()},
                                                  {"replayed", work->value.replayed()}});
    }
    return remove_order(base, work->value);
}

}  // namespace sigillo
