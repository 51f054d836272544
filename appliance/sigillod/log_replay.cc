#include "appliance/sigillod/log_replay.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "appliance/audit/verify/leaf.h"
#include "appliance/audit/verify/log_snapshot.h"
#include "appliance/base/encoding.h"
#include "appliance/base/ids.h"

namespace sigillo {
namespace {

using audit::Leaf;
using Kind = ReplayStep::Kind;

// "2026-11-23T09:15:00.123Z", as event.h writes it; 0 for anything else.
std::int64_t time_of(const Leaf& leaf) {
    std::tm parts{};
    int millis = 0;
    if (std::sscanf(leaf.time.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &parts.tm_year, &parts.tm_mon,
                    &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &millis) != 7)
        return 0;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return std::int64_t{::timegm(&parts)} * 1000 + millis;
}

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
class Collector {
 public:
    // Intents below `known` stand in the store.
    Collector(std::uint64_t epoch, std::uint64_t known) : epoch_(epoch), known_(known) {}

    Status take(std::uint64_t index, ByteView bytes) {
        SIGILLO_ASSIGN(const Leaf leaf, audit::parse_leaf(bytes));
        ReplayStep step;
        step.time_ms = time_of(leaf);
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
        } else if (leaf.type == "ca.crl") {
            crl_number_ = std::max(crl_number_, leaf.number("number").value_or(0));
        } else if (leaf.type == "signing.intent" || leaf.type == "signing.outcome") {
            use(leaf, std::move(step));
        } else {
            lose(leaf.type);
        }
        return {};
    }

    void hand_over(NewerLog& newer, std::map<std::string, ReplayStep>& sequences) && {
        std::ranges::move(steps_, std::back_inserter(newer.steps));
        std::ranges::move(certificates_, std::back_inserter(newer.steps));
        for (auto& [intent, step] : uses_) newer.steps.push_back(std::move(step));
        if (crl_number_ > 0) {
            ReplayStep step;
            step.kind = Kind::kCrlNumber;
            step.number = crl_number_;
            newer.steps.push_back(std::move(step));
        }
        for (auto& [id, step] : sequences_) sequences.insert_or_assign(id, std::move(step));
        for (const auto& [what, count] : lost_) newer.lost[what] += count;
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
    std::vector<ReplayStep> steps_;
    std::vector<ReplayStep> certificates_;      // after the status changes, which would undo what they do
    std::map<std::uint64_t, ReplayStep> uses_;  // by their Intents
    std::size_t hashes_ = 0;
    std::uint64_t crl_number_ = 0;
    std::map<std::string, ReplayStep> sequences_;
    std::map<std::string, std::uint64_t> lost_;
};

class Reader {
 public:
    Reader(const audit::LogPlaces& places, const audit::LogIdentity& identity)
        : places_(places), identity_(identity) {}

    NewerLog read(StorePosition from) {
        audit::Frontier tree = std::move(from.tree);
        for (std::uint64_t epoch = from.store_epoch; epoch < from.new_epoch; ++epoch) {
            reached_[epoch] = tree.size();
            if (const auto status = read_epoch(epoch, std::move(tree)); !status)
                newer_.gaps.push_back("the log of epoch " + std::to_string(epoch) +
                                      " was not replayed: " + status.error().detail.substr(0, kGapLength));
            tree = audit::Frontier();
        }
        for (auto& [id, step] : sequences_) newer_.steps.push_back(std::move(step));
        compare_with_anchors();
        return std::move(newer_);
    }

 private:
    static constexpr std::size_t kGapLength = 1'000;  // bytes: it goes into a leaf

    Status read_epoch(std::uint64_t epoch, audit::Frontier tree) {
        const auto directory = places_.directory / "epochs" / std::to_string(epoch);
        const audit::TileDirectory files(directory);
        const auto note = files.checkpoint();
        if (!note && note.error().code == Errc::kNotFound) return {};  // never published, or not at hand
        if (!note) return std::unexpected(note.error());
        SIGILLO_ASSIGN(const auto head, audit::open_checkpoint(*note, identity_.keys()));
        if (head.checkpoint.origin != audit::epoch_origin(identity_.base_origin(), epoch))
            return fail(Errc::kCorrupt, directory.string() + " has a log of " + head.checkpoint.origin);
        if (head.checkpoint.size <= tree.size()) return {};
        SIGILLO_ASSIGN(const auto snapshot, audit::LogSnapshot::open(directory, identity_.keys()));
        return read_leaves(epoch, snapshot, std::move(tree));
    }

    Status read_leaves(std::uint64_t epoch, const audit::LogSnapshot& snapshot, audit::Frontier tree) {
        const std::uint64_t first = tree.size();
        const audit::Checkpoint& head = snapshot.checkpoint();
        Collector collector(epoch, first);
        for (std::uint64_t bundle = first / audit::kTileWidth; tree.size() < head.size; ++bundle) {
            SIGILLO_ASSIGN(const auto entries, snapshot.entries(bundle));
            for (std::size_t i = tree.size() % audit::kTileWidth; i < entries.size(); ++i) {
                SIGILLO_TRY(collector.take(tree.size(), entries[i]));
                tree.append(audit::leaf_hash(entries[i]));
            }
        }
        if (tree.root() != head.root)
            return fail(Errc::kCorrupt, "it does not continue the log in the store, or was altered");
        newer_.leaves += tree.size() - first;
        reached_[epoch] = tree.size();
        std::move(collector).hand_over(newer_, sequences_);
        return {};
    }

    // Signed heads that are larger than what was at hand.
    void compare_with_anchors() {
        std::map<std::uint64_t, std::uint64_t> known;
        const auto found = audit::find_checkpoints(places_, identity_.keys(), identity_.base_origin());
        for (const auto& checkpoint : found.good)
            known[checkpoint.epoch] = std::max(known[checkpoint.epoch], checkpoint.head.checkpoint.size);
        for (const auto& [epoch, size] : reached_)
            if (known.contains(epoch) && known[epoch] > size)
                newer_.gaps.push_back("the log of epoch " + std::to_string(epoch) + " had " +
                                      std::to_string(known[epoch]) + " leaves, as a rollback anchor shows; " +
                                      std::to_string(size) +
                                      " were at hand: what the others told must be repeated");
    }

    const audit::LogPlaces& places_;
    const audit::LogIdentity& identity_;
    NewerLog newer_;
    std::map<std::uint64_t, std::uint64_t> reached_;
    std::map<std::string, ReplayStep> sequences_;  // the newest of each credential, over all epochs
};

}  // namespace

NewerLog read_newer_log(const audit::LogPlaces& places, const audit::LogIdentity& identity,
                        StorePosition from) {
    return Reader(places, identity).read(std::move(from));
}

}  // namespace sigillo
