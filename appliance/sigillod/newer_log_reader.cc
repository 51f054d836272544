#include "appliance/sigillod/newer_log_reader.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>

#include "appliance/audit/verify/log_snapshot.h"

namespace sigillo {
namespace {

class Reader {
 public:
    Reader(const audit::LogPlaces& places, const audit::LogIdentity& identity, const TakerOfEpoch& takers)
        : places_(places), identity_(identity), takers_(takers) {}

    LogReading read(StorePosition from) {
        audit::Frontier tree = std::move(from.tree);
        for (std::uint64_t epoch = from.store_epoch; epoch < from.new_epoch; ++epoch) {
            reached_[epoch] = tree.size();
            if (const auto status = read_epoch(epoch, std::move(tree)); !status)
                reading_.gaps.push_back("the log of epoch " + std::to_string(epoch) +
                                        " was not replayed: " + status.error().detail.substr(0, kGapLength));
            tree = audit::Frontier();
        }
        compare_with_anchors();
        return std::move(reading_);
    }

 private:
    static constexpr std::size_t kGapLength = 1'000;  // bytes: it goes into a leaf

    Status read_epoch(std::uint64_t epoch, audit::Frontier tree) {
        const auto origin = audit::epoch_origin(identity_.base_origin(), epoch);
        auto directory = places_.directory / "epochs" / std::to_string(epoch);
        auto note = audit::TileDirectory(directory).checkpoint();
        const bool in_place = !note && note.error().code == Errc::kNotFound;
        if (in_place) {
            directory = places_.directory;
            note = audit::TileDirectory(directory).checkpoint();
            if (!note && note.error().code == Errc::kNotFound) return {};  // never published, or not at hand
        }
        if (!note) return std::unexpected(note.error());
        SIGILLO_ASSIGN(const auto head, audit::open_checkpoint(*note, identity_.keys()));
        if (head.checkpoint.origin != origin && in_place) return {};  // of another epoch
        if (head.checkpoint.origin != origin)
            return fail(Errc::kCorrupt, directory.string() + " has a log of " + head.checkpoint.origin);
        if (head.checkpoint.size <= tree.size()) return {};
        SIGILLO_ASSIGN(const auto snapshot, audit::LogSnapshot::open(directory, identity_.keys()));
        return read_leaves(epoch, snapshot, std::move(tree));
    }

    Status read_leaves(std::uint64_t epoch, const audit::LogSnapshot& snapshot, audit::Frontier tree) {
        const std::uint64_t first = tree.size();
        const audit::Checkpoint& head = snapshot.checkpoint();
        const auto taker = takers_(epoch, first);
        for (std::uint64_t bundle = first / audit::kTileWidth; tree.size() < head.size; ++bundle) {
            SIGILLO_ASSIGN(const auto entries, snapshot.entries(bundle));
            for (std::size_t i = tree.size() % audit::kTileWidth; i < entries.size(); ++i) {
                SIGILLO_ASSIGN(const audit::Leaf leaf, audit::parse_leaf(entries[i]));
                taker->take(tree.size(), leaf);
                tree.append(audit::leaf_hash(entries[i]));
            }
        }
        if (tree.root() != head.root)
            return fail(Errc::kCorrupt, "it does not continue the log in the store, or was altered");
        reading_.leaves += tree.size() - first;
        reached_[epoch] = tree.size();
        taker->accept();
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
                reading_.gaps.push_back("the log of epoch " + std::to_string(epoch) + " had " +
                                        std::to_string(known[epoch]) +
                                        " leaves, as a rollback anchor shows; " + std::to_string(size) +
                                        " were at hand: what the others told must be repeated");
    }

    const audit::LogPlaces& places_;
    const audit::LogIdentity& identity_;
    const TakerOfEpoch& takers_;
    LogReading reading_;
    std::map<std::uint64_t, std::uint64_t> reached_;
};

}  // namespace

LogReading read_beyond(const audit::LogPlaces& places, const audit::LogIdentity& identity, StorePosition from,
                       const TakerOfEpoch& taker_of_epoch) {
    return Reader(places, identity, taker_of_epoch).read(std::move(from));
}

std::int64_t millis_of(std::string_view time) {
    const std::string text(time);
    std::tm parts{};
    int millis = 0;
    if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &parts.tm_year, &parts.tm_mon,
                    &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &millis) != 7)
        return 0;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return std::int64_t{::timegm(&parts)} * 1000 + millis;
}

}  // namespace sigillo
