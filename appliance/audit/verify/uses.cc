#include "appliance/audit/verify/uses.h"

#include <algorithm>

namespace sigillo::audit {
namespace {

constexpr std::string_view kIntent = "signing.intent";
constexpr std::string_view kOutcome = "signing.outcome";

std::unexpected<Error> wrong(const std::string& why) {
    return fail(Errc::kCorrupt, why);
}

}  // namespace

Status UseChecker::take_intent(std::uint64_t index, const Leaf& leaf, Credential& state) const {
    const auto activation = leaf.number("activation");
    const auto found = activation ? activations_.find(*activation) : activations_.end();
    if (found == activations_.end() || found->second != leaf.text("credential"))
        return wrong("its activation is not one of this credential that was granted before");
    state.open.push_back(index);
    return {};
}

Status UseChecker::take_outcome(const Leaf& leaf, Credential& state) const {
    const auto result = leaf.text("result");
    if (result != "signed" && result != "failed" && result != "unknown")
        return wrong("its result is none of signed, failed, unknown");
    const auto intent = leaf.number("intent");
    const auto open = intent ? std::ranges::find(state.open, *intent) : state.open.end();
    if (open != state.open.end()) {
        state.open.erase(open);
        return {};
    }
    // The Intent may stand in the epoch before; there this index means nothing.
    if (continues_ && state.first_seq > 1 && result == "unknown") return {};
    return wrong("its intent is not an open one of this credential");
}

Status UseChecker::take(std::uint64_t index, const Leaf& leaf) {
    if (index == 0) continues_ = leaf.type == "epoch.opened";
    if (leaf.type == "activation.granted" || leaf.type == "activation.extended") {
        const auto credential = leaf.text("credential");
        if (!credential) return wrong("names no credential");
        activations_.emplace(index, *credential);
        return {};
    }
    if (leaf.type != kIntent && leaf.type != kOutcome) return {};

    const auto credential = leaf.text("credential");
    const auto seq = leaf.number("seq");
    const auto prev = leaf.number("prev");
    if (!credential || !seq || *seq == 0) return wrong("has no credential or no seq");
    if (prev.has_value() != (*seq > 1))
        return wrong("has a prev where there is none before, or none where there is one");
    const auto [entry, fresh] = credentials_.try_emplace(std::string(*credential));
    Credential& state = entry->second;
    if (fresh) {
        if (*seq > 1 && !continues_)
            return wrong("credential " + entry->first + " begins with seq " + std::to_string(*seq) +
                         " instead of 1");
        state.first_seq = *seq;
    } else {
        if (*seq != state.seq + 1)
            return wrong("credential " + entry->first + " goes from seq " + std::to_string(state.seq) +
                         " (leaf " + std::to_string(state.last_index) + ") to seq " + std::to_string(*seq));
        if (*prev != state.last_index)
            return wrong("credential " + entry->first + " has its use before at leaf " +
                         std::to_string(state.last_index) + ", not at leaf " + std::to_string(*prev));
    }
    const std::size_t before = state.open.size();
    if (leaf.type == kIntent) {
        SIGILLO_TRY(take_intent(index, leaf, state));
        ++intents_;
    } else {
        SIGILLO_TRY(take_outcome(leaf, state));
    }
    open_ = open_ + state.open.size() - before;
    state.seq = *seq;
    state.last_index = index;
    return {};
}

}  // namespace sigillo::audit
