#include "appliance/store/recovery.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "appliance/base/file.h"
#include "appliance/store/journal.h"
#include "appliance/store/layers.h"
#include "appliance/store/mem_table.h"

namespace sigillo {
namespace {

class Replay {
 public:
    Replay(const LmdbEnv& env, const BatchMark& applied)
        : env_(env), applied_(applied), table_(std::make_shared<MemTable>()) {}

    Status read(const JournalFile& file);
    // After the last file.
    Status check_end() const;

    const std::shared_ptr<MemTable>& table() const { return table_; }
    const std::optional<BatchMark>& last() const { return last_; }
    std::uint64_t batches() const { return batches_; }
    bool torn() const { return !torn_.empty(); }

 private:
    Status check(const BatchView& batch, const JournalFile& file, bool first) const;
    Status add(const BatchView& batch);

    const LmdbEnv& env_;
    const BatchMark applied_;
    const std::shared_ptr<MemTable> table_;
    std::optional<BatchMark> last_;  // that was read
    std::string path_;               // where
    std::string torn_;               // the file that ends with half a batch
    std::uint64_t batches_ = 0;      // that LMDB does not have
};

std::unexpected<Error> corrupt(const std::string& path, const std::string& why) {
    return fail(Errc::kCorrupt, path + ": " + why);
}

std::string number(std::uint64_t sequence) {
    return "batch " + std::to_string(sequence);
}

Status Replay::read(const JournalFile& file) {
    SIGILLO_ASSIGN(const Bytes bytes, read_file(file.path, std::numeric_limits<std::size_t>::max()));
    JournalReader reader(bytes, file.path);
    for (bool first = true;; first = false) {
        SIGILLO_ASSIGN(const auto batch, reader.next());
        if (!batch) break;
        SIGILLO_TRY(check(*batch, file, first));
        if (batch->mark.sequence > applied_.sequence) SIGILLO_TRY(add(*batch));
        last_ = batch->mark;
        path_ = file.path;
    }
    if (reader.torn()) torn_ = file.path;
    return {};
}

// Whether it is the one that must come here.
Status Replay::check(const BatchView& batch, const JournalFile& file, bool first) const {
    const std::uint64_t sequence = batch.mark.sequence;
    const auto wrong = [&](const std::string& why) {
        return corrupt(file.path,
                       "byte " + std::to_string(batch.place) + ", " + number(sequence) + ": " + why);
    };
    if (!torn_.empty()) return wrong("an unfinished batch is before it, in " + torn_);
    if (first && sequence != file.first) return wrong("is not what the file is named after");
    if (last_ && sequence != last_->sequence + 1) return wrong("follows " + number(last_->sequence));
    if (last_ && batch.before != last_->checksum) return wrong("is not the successor of the one before it");
    if (sequence == applied_.sequence && batch.mark != applied_)
        return wrong("data.mdb has another one of this number");
    if (sequence <= applied_.sequence) return {};
    if (!last_ && sequence != applied_.sequence + 1)
        return wrong("data.mdb ends with " + number(applied_.sequence) + ", what is between is missing");
    if (sequence == applied_.sequence + 1 && batch.before != applied_.checksum)
        return wrong("is not the successor of what data.mdb ends with");
    return {};
}

Status Replay::add(const BatchView& batch) {
    ++batches_;
    return read_rows(batch.rows, [&](std::string_view space, ByteView key, const RowValue& value) -> Status {
        const auto index = env_.index_of(Space{space});
        if (!index)
            return fail(Errc::kCorrupt, number(batch.mark.sequence) +
                                            " of the journal is for an unknown space, " + std::string(space));
        table_->add(batch.mark.sequence, *index, key, value);
        return {};
    });
}

// Files are removed before the next ones are written to LMDB, so what is left reaches to where LMDB is: or to
// one before, when the last batch failed (committer.cc).
Status Replay::check_end() const {
    if (last_ && last_->sequence + 1 < applied_.sequence)
        return corrupt(path_, "ends with " + number(last_->sequence) +
                                  ", but data.mdb has everything up to " + number(applied_.sequence) +
                                  ": a file of another time");
    return {};
}

}  // namespace

Result<BatchMark> recover(const LmdbEnv& env, Logger& logger) {
    BatchMark applied;
    {
        SIGILLO_ASSIGN(const LmdbTxn txn, env.begin(true));
        SIGILLO_ASSIGN(applied, env.applied(txn.get()));
    }
    SIGILLO_ASSIGN(const auto files, list_journals(env.directory()));
    Replay replay(env, applied);
    std::vector<std::string> paths;
    for (const JournalFile& file : files) {
        SIGILLO_TRY(replay.read(file));
        paths.push_back(file.path);
    }
    SIGILLO_TRY(replay.check_end());
    if (replay.torn()) logger.notice("store_journal_unfinished_batch");
    if (replay.batches() > 0) {
        applied = *replay.last();
        SIGILLO_ASSIGN(LmdbTxn txn, env.begin(false));
        SIGILLO_TRY(write_tables(env, txn.get(), Snapshot{replay.table(), nullptr, applied, 0}));
        SIGILLO_TRY(env.commit(std::move(txn)));
        logger.notice("store_journal_replayed",
                      {{"batches", replay.batches()}, {"rows", replay.table()->load().rows}});
    }
    SIGILLO_TRY(remove_journals(env.directory(), paths));
    return applied;
}

}  // namespace sigillo
