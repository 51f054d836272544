#include "appliance/store/housekeeper.h"

#include <optional>
#include <utility>
#include <vector>

#include "appliance/store/expiry.h"
#include "appliance/store/place.h"
#include "appliance/store/tables.h"

namespace sigillo {
namespace {

constexpr Space kIndex = tables::kExpiries.space;

struct Due {
    Bytes row;  // its key in the index
    Expiry expiry;
};

struct Batch {
    std::vector<Due> due;
    std::optional<Error> problem;  // of the first row that cannot be
    Bytes next;                    // where to look on
    bool more = false;
};

// Reads outside the committer: erasing is all that a transaction is for.
Result<Batch> read_batch(Store& store, ByteView from, WallTime now, std::size_t limit) {
    Batch batch;
    std::size_t seen = 0;
    SIGILLO_TRY(store.view([&](ReadTransaction& txn) {
        return txn.scan(kIndex, {}, from, [&](ByteView row, ByteView) -> Result<bool> {
            if (seen++ == limit) {
                batch.more = true;
                batch.next = to_bytes(row);
                return false;
            }
            const auto due = expiry_due(row);
            if (due && *due > now) return false;
            auto expiry = parse_expiry_key(row);
            if (expiry && !may_expire(expiry->space))
                expiry = fail(Errc::kCorrupt, place_of(kIndex, row) + ": entries of " +
                                                  std::string(expiry->space.name) + " do not expire");
            if (expiry) {
                batch.due.push_back({to_bytes(row), *std::move(expiry)});
            } else if (!batch.problem) {
                batch.problem = std::move(expiry).error();
            }
            return true;
        });
    }));
    return batch;
}

Status erase_batch(Store& store, const std::vector<Due>& due) {
    return store.update([&](WriteTransaction& txn) -> Status {
        for (const Due& entry : due) {
            // Gone since it was read: somebody prolonged the entry.
            SIGILLO_ASSIGN(const auto row, txn.get(kIndex, entry.row));
            if (!row) continue;
            SIGILLO_TRY(txn.erase(entry.expiry.space, entry.expiry.key));
            SIGILLO_TRY(txn.erase(kIndex, entry.row));
        }
        return {};
    });
}

}  // namespace

Status Housekeeper::run_once(WallTime now) {
    std::optional<Error> problem;
    Bytes from;
    for (std::size_t i = 0; i < config_.batches_per_run; ++i) {
        SIGILLO_ASSIGN(Batch batch, read_batch(store_, from, now, config_.batch));
        if (batch.problem && !problem) problem = std::move(batch.problem);
        if (!batch.due.empty()) SIGILLO_TRY(erase_batch(store_, batch.due));
        if (!batch.more) break;
        from = std::move(batch.next);
    }
    if (problem) return std::unexpected(*std::move(problem));
    return {};
}

}  // namespace sigillo
