#include "appliance/store/lmdb_env.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <utility>

#include "appliance/store/place.h"

namespace sigillo {
namespace {

constexpr const char* kStateName = "store_state";
constexpr std::string_view kAppliedKey = "applied";  // → sequence (8) ‖ checksum (16)
// Slots beside those of views: the copy, health, and an administrator's mdb_stat.
constexpr unsigned kSpareReaders = 8;
// Fewer pages than this and the spaces' own would not fit.
constexpr std::uint64_t kMinMapBytes = std::uint64_t{1} << 20;
// A disk with less than that left takes half of a write.
constexpr std::uint64_t kFullDisk = std::uint64_t{1} << 20;

MDB_val to_val(ByteView bytes) {
    return {bytes.size(), const_cast<std::uint8_t*>(bytes.data())};  // LMDB only reads it
}

}  // namespace

Status validate(const LmdbConfig& config) {
    const auto refuse = [](const char* field, const char* why) {
        return fail(Errc::kInvalidArgument, why, field);
    };
    if (config.directory.empty()) return refuse("store.directory", "must be given");
    if (config.map_bytes < kMinMapBytes || config.map_bytes > std::numeric_limits<std::size_t>::max() / 2)
        return refuse("store.map_size_mib", "must be at least 1 MiB, and less than the address space");
    if (config.max_readers == 0 || config.max_readers > 10'000)
        return refuse("store.max_readers", "must be 1 to 10,000");
    if (config.queue_limit == 0) return refuse("store.queue_limit", "must be at least 1");
    if (config.group_limit == 0) return refuse("store.group_limit", "must be at least 1");
    if (config.group_bytes == 0) return refuse("store.group_bytes", "must be at least 1");
    if (config.transaction_bytes == 0) return refuse("store.transaction_bytes", "must be at least 1");
    if (config.linger.count() < 0 || config.linger > std::chrono::seconds(1))
        return refuse("store.linger", "must be 0 to 1 s");
    if (config.growth_alarm_percent == 0 || config.growth_alarm_percent > 100)
        return refuse("store.growth_alarm_percent", "must be 1 to 100");
    if (config.reader_alarm.count() <= 0) return refuse("store.reader_alarm", "must be positive");
    if (config.upkeep.count() <= 0) return refuse("store.upkeep", "must be positive");
    if (config.flush_bytes == 0) return refuse("store.flush_mib", "must be at least 1");
    if (config.flush_age.count() <= 0) return refuse("store.flush_age_ms", "must be positive");
    if (config.journal_bytes == 0) return refuse("store.journal_mib", "must be at least 1");
    return {};
}

Error lmdb_error(int rc, const std::string& what) {
    Errc code = Errc::kUnavailable;
    switch (rc) {
        case MDB_MAP_FULL:
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            code = Errc::kStorageFull;
            break;
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_INVALID:
        case MDB_VERSION_MISMATCH:
        case MDB_INCOMPATIBLE:
            code = Errc::kCorrupt;
            break;
        case MDB_TXN_FULL:
            code = Errc::kLimitExceeded;
            break;
        default:
            break;
    }
    return Error{code, what + ": " + mdb_strerror(rc), {}, rc};
}

void AbortTxn::operator()(MDB_txn* txn) const {
    mdb_txn_abort(txn);
}
void LmdbEnv::CloseEnv::operator()(MDB_env* env) const {
    mdb_env_close(env);
}

std::string_view network_file_system(long type) {
    static constexpr std::array<std::pair<std::uint32_t, std::string_view>, 8> kNetworked{{
        {0x00006969U, "NFS"},
        {0x0000517BU, "SMB"},
        {0xFF534D42U, "CIFS"},
        {0xFE534D42U, "SMB2"},
        {0x5346414FU, "AFS"},
        {0x73757245U, "Coda"},
        {0x01021997U, "9P"},
        {0x00C36400U, "Ceph"},
    }};
    // The kernel's numbers have 32 bits; the type of statfs's field is wider.
    const auto* const found = std::ranges::find(kNetworked, static_cast<std::uint32_t>(type),
                                                &decltype(kNetworked)::value_type::first);
    return found == kNetworked.end() ? std::string_view() : found->second;
}

Result<std::unique_ptr<LmdbEnv>> LmdbEnv::open(const LmdbConfig& config, std::span<const Space> spaces) {
    SIGILLO_TRY(validate(config));
    std::unique_ptr<LmdbEnv> env(new LmdbEnv());
    env->directory_ = config.directory;
    env->owner_ = ::getpid();
    SIGILLO_TRY(env->create_directory());
    if (config.check_at_open) {
        SIGILLO_ASSIGN(env->found_, check_store_file(config.directory + "/data.mdb"));
    }
    SIGILLO_TRY(env->open_env(config, spaces.size()));
    SIGILLO_TRY(env->clear_dead_readers());
    SIGILLO_TRY(env->open_spaces(spaces));
    // The files' names; LMDB has synced what is in them.
    SIGILLO_TRY(sync_directory(config.directory));
    return env;
}

LmdbEnv::~LmdbEnv() {
    // In a forked child closing would take the parent's locks away: let the process's end free it.
    if (owner_ != ::getpid()) static_cast<void>(env_.release());
}

Status LmdbEnv::create_directory() {
    if (::mkdir(directory_.c_str(), 0700) == 0) {
        const auto parent = std::filesystem::absolute(directory_).lexically_normal().parent_path();
        SIGILLO_TRY(sync_directory(parent));
    } else if (errno != EEXIST) {
        return std::unexpected(errno_error(errno, "create the store's directory " + directory_));
    }
    directory_fd_.reset(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory_fd_)
        return std::unexpected(errno_error(errno, "open the store's directory " + directory_));

    struct statfs file_system{};
    if (::fstatfs(directory_fd_.get(), &file_system) != 0)
        return std::unexpected(errno_error(errno, "statfs " + directory_));
    if (const auto name = network_file_system(static_cast<long>(file_system.f_type)); !name.empty())
        return fail(Errc::kUnsupported, "the store cannot live on " + std::string(name) + ": " + directory_ +
                                            "; give it a directory on a disk of this machine");

    // LMDB opened twice in a process loses its locks, and two appliances on one store would sign against each
    // other's memory. flock(2) keeps both out: it belongs to the open file, not to the process.
    if (::flock(directory_fd_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return fail(Errc::kConflict, "the store is open already: " + directory_);
        return std::unexpected(errno_error(errno, "lock " + directory_));
    }
    return {};
}

Status LmdbEnv::open_env(const LmdbConfig& config, std::size_t space_count) {
    MDB_env* raw = nullptr;
    if (const int rc = mdb_env_create(&raw); rc != 0)
        return std::unexpected(lmdb_error(rc, "mdb_env_create"));
    env_.reset(raw);
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const std::uint64_t map_bytes = (config.map_bytes + page - 1) / page * page;
    if (const int rc = mdb_env_set_mapsize(raw, static_cast<std::size_t>(map_bytes)); rc != 0)
        return std::unexpected(lmdb_error(rc, "mdb_env_set_mapsize"));
    if (const int rc = mdb_env_set_maxreaders(raw, static_cast<unsigned>(config.max_readers) + kSpareReaders);
        rc != 0)
        return std::unexpected(lmdb_error(rc, "mdb_env_set_maxreaders"));
    if (const int rc = mdb_env_set_maxdbs(raw, static_cast<MDB_dbi>(space_count) + 1); rc != 0)
        return std::unexpected(lmdb_error(rc, "mdb_env_set_maxdbs"));
    // Synchronous, and without MDB_WRITEMAP: a stray pointer of ours finds the map read-only. NOTLS: a
    // snapshot belongs to its object, not to a thread.
    if (const int rc = mdb_env_open(raw, directory_.c_str(), MDB_NOTLS, 0600); rc != 0)
        return std::unexpected(lmdb_error(rc, "open the store in " + directory_));
    if (mdb_env_get_maxkeysize(raw) < static_cast<int>(kMaxSeekSize))
        return fail(Errc::kUnsupported, "this LMDB was built for shorter keys");
    return {};
}

Status LmdbEnv::open_spaces(std::span<const Space> spaces) {
    SIGILLO_ASSIGN(LmdbTxn txn, begin(false));
    const auto open_one = [&](const char* name) -> Result<unsigned> {
        MDB_dbi dbi = 0;
        if (const int rc = mdb_dbi_open(txn.get(), name, MDB_CREATE, &dbi); rc != 0)
            return std::unexpected(lmdb_error(rc, "open the space " + std::string(name)));
        return dbi;
    };
    for (const Space& space : spaces) {
        SIGILLO_ASSIGN(const unsigned dbi, open_one(std::string(space.name).c_str()));
        spaces_.push_back({space, dbi});
    }
    SIGILLO_ASSIGN(state_dbi_, open_one(kStateName));
    if (const int rc = mdb_txn_commit(txn.release()); rc != 0)
        return std::unexpected(lmdb_error(rc, "create the spaces of the store"));
    return {};
}

Status LmdbEnv::usable() const {
    if (owner_ != ::getpid())
        return fail(Errc::kInternal, "the store was opened by the process that forked this one");
    return {};
}

Result<std::size_t> LmdbEnv::index_of(Space space) const {
    // Nearly always the very name that was given to open().
    auto found = std::ranges::find_if(
        spaces_, [&](const OpenSpace& open) { return open.space.name.data() == space.name.data(); });
    if (found == spaces_.end() || found->space != space)
        found = std::ranges::find(spaces_, space, &OpenSpace::space);
    if (found == spaces_.end())
        return fail(Errc::kInvalidArgument, "the store has no space " + std::string(space.name), "space");
    return static_cast<std::size_t>(found - spaces_.begin());
}

Result<LmdbTxn> LmdbEnv::begin(bool read_only) const {
    MDB_txn* txn = nullptr;
    if (const int rc = mdb_txn_begin(env_.get(), nullptr, read_only ? MDB_RDONLY : 0U, &txn); rc != 0)
        return std::unexpected(lmdb_error(rc, "mdb_txn_begin"));
    return LmdbTxn(txn);
}

std::vector<Space> LmdbEnv::spaces() const {
    std::vector<Space> out;
    for (const OpenSpace& open : spaces_) out.push_back(open.space);
    return out;
}

Status LmdbEnv::commit(LmdbTxn txn) const {
    const int rc = mdb_txn_commit(txn.release());  // ends the transaction either way
    if (rc == 0) return {};
    // Without its head page LMDB answers MDB_PANIC to whatever comes next: better to say so now.
    if (auto next = begin(false); !next && next.error().native == MDB_PANIC)
        return std::unexpected(lmdb_error(MDB_PANIC, "commit (" + std::string(mdb_strerror(rc)) + ")"));
    Error error = lmdb_error(rc, "commit");
    // So LMDB answers to a write that the disk took half of.
    if (rc == EIO && disk_room() < kFullDisk) {
        error.code = Errc::kStorageFull;
        error.detail += " (the disk is full)";
    }
    return std::unexpected(std::move(error));
}

Status LmdbEnv::write(MDB_txn* txn, std::size_t index, ByteView key, const RowValue& value) const {
    MDB_val k = to_val(key);
    int rc = 0;
    if (value) {
        MDB_val v = to_val(*value);
        rc = mdb_put(txn, dbi(index), &k, &v, 0);
    } else {
        rc = mdb_del(txn, dbi(index), &k, nullptr);
        if (rc == MDB_NOTFOUND) rc = 0;
    }
    if (rc != 0) return std::unexpected(lmdb_error(rc, "write " + place_of(space(index), key)));
    return {};
}

Result<BatchMark> LmdbEnv::applied(MDB_txn* txn) const {
    MDB_val key = to_val(as_bytes(kAppliedKey));
    MDB_val value{};
    BatchMark mark;
    const int rc = mdb_get(txn, state_dbi_, &key, &value);
    if (rc == MDB_NOTFOUND) return mark;
    if (rc != 0) return std::unexpected(lmdb_error(rc, "read how much of the journal is in the store"));
    const ByteView row(static_cast<const std::uint8_t*>(value.mv_data), value.mv_size);
    if (row.size() != sizeof mark.sequence + mark.checksum.size())
        return fail(Errc::kCorrupt,
                    "data.mdb: the row that says how much of the journal is in it is malformed");
    mark.sequence = read_u64(row);
    std::ranges::copy(row.subspan(sizeof mark.sequence), mark.checksum.begin());
    return mark;
}

Status LmdbEnv::set_applied(MDB_txn* txn, const BatchMark& mark) const {
    Bytes row;
    append_u64(row, mark.sequence);
    append(row, ByteView(mark.checksum));
    MDB_val key = to_val(as_bytes(kAppliedKey));
    MDB_val value = to_val(row);
    if (const int rc = mdb_put(txn, state_dbi_, &key, &value, 0); rc != 0)
        return std::unexpected(lmdb_error(rc, "write how much of the journal is in the store"));
    return {};
}

std::uint64_t LmdbEnv::disk_room() const {
    std::uint64_t room = std::numeric_limits<std::uint64_t>::max();
    struct statvfs disk{};
    struct rlimit limit{};
    MDB_envinfo info{};
    MDB_stat stat{};
    // Unknown is not full: LMDB will say.
    if (::statvfs(directory_.c_str(), &disk) == 0) room = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        mdb_env_info(env_.get(), &info) == 0 && mdb_env_stat(env_.get(), &stat) == 0) {
        const std::uint64_t end = (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
        room = std::min<std::uint64_t>(room, limit.rlim_cur - std::min<std::uint64_t>(end, limit.rlim_cur));
    }
    return room;
}

std::uint64_t LmdbEnv::bytes_limit() const {
    MDB_envinfo info{};
    return mdb_env_info(env_.get(), &info) == 0 ? info.me_mapsize : 0;
}

Result<int> LmdbEnv::clear_dead_readers() {
    int dead = 0;
    if (const int rc = mdb_reader_check(env_.get(), &dead); rc != 0)
        return std::unexpected(lmdb_error(rc, "mdb_reader_check"));
    return dead;
}

Status LmdbEnv::copy_to(int fd, bool compact) {
    if (const int rc = mdb_env_copyfd2(env_.get(), fd, compact ? MDB_CP_COMPACT : 0U); rc != 0)
        return std::unexpected(lmdb_error(rc, "copy the store"));
    return {};
}

}  // namespace sigillo
