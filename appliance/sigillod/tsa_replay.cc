#include "appliance/sigillod/tsa_replay.h"

#include <algorithm>

#include "tsa/tables.h"

namespace sigillo {
namespace {

using Kind = UnitStep::Kind;
using tsa::record::Unit;

class UnitCollector final : public LeafTaker {
 public:
    explicit UnitCollector(std::vector<UnitStep>& steps) : all_(steps) {}

    void take(std::uint64_t, const audit::Leaf& leaf) override {
        if (!leaf.type.starts_with("tsu.")) return;
        const std::string unit(leaf.text("unit").value_or(""));
        if (leaf.type == "tsu.creating") add(Kind::kCreated, unit, leaf);
        if (leaf.type == "tsu.certified") add(Kind::kCertified, unit, leaf);
        if (leaf.type == "tsu.activated") add(Kind::kActivated, unit, leaf);
        if (leaf.type == "tsu.retired") add(Kind::kRetired, unit, leaf);
        if (leaf.type == "tsu.revoked") add(Kind::kRevoked, unit, leaf);
        if (leaf.type == "tsu.destroying") add(Kind::kDestroyed, unit, leaf);
        if (leaf.type == "tsu.rotated") {
            add(Kind::kRetired, std::string(leaf.text("replaces").value_or("")), leaf);
            add(Kind::kActivated, unit, leaf);
        }
    }
    void accept() override { std::ranges::move(steps_, std::back_inserter(all_)); }

 private:
    void add(Kind kind, std::string unit, const audit::Leaf& leaf) {
        steps_.push_back(
            {kind, std::move(unit), std::string(leaf.text("revocation").value_or("")), millis_of(leaf.time)});
    }
    std::vector<UnitStep>& all_;
    std::vector<UnitStep> steps_;
};

void take_out(Unit& unit, std::int64_t time_ms) {
    unit.set_state(tsa::record::UNIT_RETIRED);
    unit.set_retired_ms(time_ms);
}

// What became of the unit, in a word; empty: it was so already.
std::string apply(Unit& unit, const UnitStep& step) {
    const auto state = unit.state();
    const bool serves = state == tsa::record::UNIT_ACTIVE;
    switch (step.kind) {
        case Kind::kActivated:
            if (state != tsa::record::UNIT_READY) return {};
            unit.set_state(tsa::record::UNIT_ACTIVE);
            unit.set_activated_ms(step.time_ms);
            return "activated";
        case Kind::kRetired:
            if (!serves) return {};
            take_out(unit, step.time_ms);
            return "retired";
        case Kind::kRevoked:
            if (unit.revoked_ms() != 0) return {};
            if (serves || state == tsa::record::UNIT_READY) take_out(unit, step.time_ms);
            unit.set_revoked_ms(step.time_ms);
            unit.set_revocation(step.revocation);
            return "revoked";
        case Kind::kDestroyed:
            if (state == tsa::record::UNIT_DESTROYED || state == tsa::record::UNIT_DESTROYING) return {};
            unit.set_state(tsa::record::UNIT_DESTROYING);
            return "destroyed";
        case Kind::kCreated:
        case Kind::kCertified:
            return {};
    }
    return {};
}

}  // namespace

NewerUnits read_newer_units(const audit::LogPlaces& places, const audit::LogIdentity& identity,
                            StorePosition from) {
    NewerUnits newer;
    newer.reading = read_beyond(places, identity, std::move(from),
                                [&newer](std::uint64_t, std::uint64_t) -> std::unique_ptr<LeafTaker> {
                                    return std::make_unique<UnitCollector>(newer.steps);
                                });
    return newer;
}

Result<ReplayedUnits> replay_units(audit::Recorder& recorder, const std::vector<UnitStep>& steps) {
    ReplayedUnits done;
    for (const UnitStep& step : steps) {
        const Bytes key = key_of(step.unit);
        auto found = recorder.load(tsa::kUnits, key);
        if (!found && found.error().code == Errc::kCorrupt) continue;
        if (!found) return std::unexpected(found.error());
        if (!*found) {
            if (std::ranges::find(done.lost, step.unit) == done.lost.end()) done.lost.push_back(step.unit);
            continue;
        }
        Record<Unit>& unit = **found;
        if (step.kind == Kind::kCertified && unit.value.state() == tsa::record::UNIT_PENDING)
            done.gaps.push_back("unit " + step.unit +
                                " was certified after the backup: import its certificate again");
        const std::string what = apply(unit.value, step);
        if (what.empty()) continue;
        SIGILLO_TRY(recorder.save(tsa::kUnits, key, unit));
        done.changes.push_back("unit " + step.unit + " " + what);
    }
    return done;
}

}  // namespace sigillo
