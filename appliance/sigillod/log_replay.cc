#include "appliance/sigillod/log_replay.h"

#include <algorithm>

#include "appliance/base/encoding.h"
#include "appliance/base/ids.h"

namespace sigillo {
namespace {

using audit::Leaf;
using Kind = ReplayStep::Kind;

// Hashes of uses that are listed again, in one log: 100 MiB of memory at most, and a start within seconds.
constexpr std::size_t kMostHashes = 500'000;

std::vector<Bytes> decoded(const Leaf& leaf, std::string_view name) {
    std::vector<Bytes> values;
    if (const auto list = leaf.lists.find(name); list != leaf.lists.end())
        for (const std::string& text : list->second)
            if (auto value = base64_decode(text)) values.push_back(*std::move(value));
    return values;
}

// What the leaves of one log beyond the store's own say.
class Collector final : public LeafTaker {
 public:
    // Intents below `known` stand in the store.
    Collector(std::uint64_t epoch, std::uint64_t known, NewerLog& newer,
              std::map<std::string, ReplayStep>& sequences)
        : epoch_(epoch), known_(known), newer_(newer), all_sequences_(sequences) {}

    void take(std::uint64_t index, const Leaf& leaf) override {
        ReplayStep step;
        step.time_ms = millis_of(leaf.time);
        step.reason = leaf.text("reason").value_or("");
        step.index = index;
        const auto id = leaf.text(leaf.type.starts_with("client.")   ? "client"
                                  : leaf.type.starts_with("factor.") ? "factor"
                                                                     : "credential");
        step.id = id.value_or("");
        if (leaf.type == "credential.status") {
            step.kind = Kind::kStatus;
            step.text = leaf.text("status").value_or("");
            // Clients are named by their ids, officers by who they are to the machine.
            step.flag = !ClientId::parse(leaf.text("actor").value_or(""));
            steps_.push_back(std::move(step));
        } else if (leaf.type == "credential.deleted") {
            add(Kind::kDeleted, std::move(step));
        } else if (leaf.type == "credential.certificate") {
            step.kind = Kind::kCertificate;
            certificates_.push_back(std::move(step));
        } else if (leaf.type == "credential.qscd") {
            const auto flag = leaf.flags.find("qscd");
            step.flag = flag != leaf.flags.end() && flag->second;
            add(Kind::kQscd, std::move(step));
        } else if (leaf.type == "factor.deleted") {
            add(Kind::kFactorDeleted, std::move(step));
        } else if (leaf.type == "factor.pin_changed") {
            add(Kind::kPinChanged, std::move(step));
        } else if (leaf.type == "client.removed") {
            add(Kind::kClientRemoved, std::move(step));
        } else if (leaf.type == "ca.unit_revoked") {
            step.id = leaf.text("serial").value_or("");
            step.unit = leaf.text("unit").value_or("");
            step.text = leaf.text("revocation").value_or("");
            step.time_ms = millis_of(leaf.text("revoked_at").value_or(""));
            step.until_ms = millis_of(leaf.text("not_after").value_or(""));
            add(Kind::kUnitRevoked, std::move(step));
        } else if (leaf.type == "ca.crl") {
            crl_number_ = std::max(crl_number_, leaf.number("number").value_or(0));
        } else if (leaf.type == "signing.intent" || leaf.type == "signing.outcome") {
            use(leaf, std::move(step));
        } else {
            lose(leaf.type);
        }
    }

    void accept() override {
        std::ranges::move(steps_, std::back_inserter(newer_.steps));
        std::ranges::move(certificates_, std::back_inserter(newer_.steps));
        for (auto& [intent, step] : uses_) newer_.steps.push_back(std::move(step));
        if (crl_number_ > 0) {
            ReplayStep step;
            step.kind = Kind::kCrlNumber;
            step.number = crl_number_;
            newer_.steps.push_back(std::move(step));
        }
        for (auto& [id, step] : sequences_) all_sequences_.insert_or_assign(id, std::move(step));
        for (const auto& [what, count] : lost_) newer_.lost[what] += count;
    }

 private:
    void add(Kind kind, ReplayStep step) {
        step.kind = kind;
        steps_.push_back(std::move(step));
    }

    void use(const Leaf& leaf, ReplayStep step) {
        const std::uint64_t intent = leaf.number("intent").value_or(0);
        const std::uint64_t of_epoch = leaf.number("intent_epoch").value_or(epoch_);
        if (leaf.type == "signing.outcome" && (of_epoch != epoch_ || intent < known_)) {
            ReplayStep outcome = step;
            outcome.epoch = of_epoch;
            outcome.number = intent;
            outcome.text = leaf.text("result").value_or("");
            outcome.signatures = decoded(leaf, "signatures");
            add(Kind::kOutcome, std::move(outcome));
        } else if (leaf.type == "signing.outcome") {
            if (const auto found = uses_.find(intent); found != uses_.end()) {
                found->second.text = leaf.text("result").value_or("");
                found->second.signatures = decoded(leaf, "signatures");
                found->second.index = step.index;
            }
        } else {
            list_again(leaf, step);
        }
        step.kind = Kind::kSequence;
        step.number = leaf.number("seq").value_or(0);
        sequences_.insert_or_assign(step.id, std::move(step));
    }

    void list_again(const Leaf& leaf, const ReplayStep& intent) {
        ReplayStep use = intent;
        use.hashes = decoded(leaf, "hashes");
        use.documents = decoded(leaf, "documents");
        use.messages = decoded(leaf, "messages");
        if (const auto formats = leaf.lists.find("formats"); formats != leaf.lists.end())
            use.formats = formats->second;
        hashes_ += use.hashes.size();
        if (hashes_ > kMostHashes) {
            ++lost_["uses"];
            return;
        }
        use.kind = Kind::kUse;
        use.epoch = epoch_;
        use.number = intent.index;
        use.hash_oid = leaf.text("hash_alg").value_or("");
        uses_.emplace(use.number, std::move(use));
    }

    void lose(std::string_view type) {
        if (type == "client.added") ++lost_["clients"];
        if (type == "credential.created") ++lost_["credentials"];
        if (type == "factor.enrolled") ++lost_["factors"];
        if (type == "signer.created") ++lost_["signers"];
    }

    std::uint64_t epoch_;
    std::uint64_t known_;
    NewerLog& newer_;
    std::map<std::string, ReplayStep>& all_sequences_;
    std::vector<ReplayStep> steps_;
    std::vector<ReplayStep> certificates_;      // after the status changes, which would undo what they do
    std::map<std::uint64_t, ReplayStep> uses_;  // by their Intents
    std::size_t hashes_ = 0;
    std::uint64_t crl_number_ = 0;
    std::map<std::string, ReplayStep> sequences_;
    std::map<std::string, std::uint64_t> lost_;
};

}  // namespace

NewerLog read_newer_log(const audit::LogPlaces& places, const audit::LogIdentity& identity,
                        StorePosition from) {
    NewerLog newer;
    std::map<std::string, ReplayStep> sequences;  // the newest of each credential, over all epochs
    LogReading reading =
        read_beyond(places, identity, std::move(from),
                    [&](std::uint64_t epoch, std::uint64_t known) -> std::unique_ptr<LeafTaker> {
                        return std::make_unique<Collector>(epoch, known, newer, sequences);
                    });
    for (auto& [id, step] : sequences) newer.steps.push_back(std::move(step));
    newer.leaves = reading.leaves;
    newer.gaps = std::move(reading.gaps);
    return newer;
}

}  // namespace sigillo
