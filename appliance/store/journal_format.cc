#include "appliance/store/journal_format.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "appliance/base/digest.h"
#include "appliance/store/lmdb_env.h"

namespace sigillo {
namespace {

// The head of a batch: where its fields stand. kHeadCheck is the checksum of what is before it, so that the
// length can be trusted before the rest is read; the marks are not zero, so that they show what was written.
constexpr std::string_view kMagic = "SGJ1";
constexpr std::size_t kSequence = 4;
constexpr std::size_t kLength = 12;  // of the rows
constexpr std::size_t kBefore = 20;
constexpr std::size_t kChecksum = 36;
constexpr std::size_t kHeadCheck = 52;
constexpr std::size_t kHeadMark = 63;
constexpr std::size_t kHeadSize = 64;
constexpr std::size_t kHeadCheckSize = kHeadMark - kHeadCheck;
constexpr std::uint8_t kMark = 0xA5;
constexpr std::size_t kTailSize = 1;  // a mark behind the rows

// What a disk writes whole or not at all.
constexpr std::size_t kSector = 512;

constexpr std::uint8_t kSpaceRow = 1;  // kind ‖ size (1) ‖ name
constexpr std::uint8_t kPutRow = 2;    // kind ‖ size of key (2) ‖ size of value (4) ‖ key ‖ value
constexpr std::uint8_t kEraseRow = 3;  // kind ‖ size of key (2) ‖ key

// What an unusually large batch leaves behind is given back with the next one.
constexpr std::size_t kKeptBuffer = std::size_t{4} << 20;

std::uint8_t* store_u16(std::uint8_t* out, std::size_t value) {
    out[0] = static_cast<std::uint8_t>(value >> 8);
    out[1] = static_cast<std::uint8_t>(value);
    return out + 2;
}
std::uint8_t* store_u32(std::uint8_t* out, std::size_t value) {
    return store_u16(store_u16(out, value >> 16), value);
}
std::uint8_t* store_u64(std::uint8_t* out, std::uint64_t value) {
    return store_u32(store_u32(out, value >> 32), value);
}
std::uint8_t* store(std::uint8_t* out, ByteView bytes) {
    if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
    return out + bytes.size();
}

std::size_t whole_blocks(std::size_t size) {
    return (size + kJournalBlock - 1) / kJournalBlock * kJournalBlock;
}

bool all_zero(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

std::array<std::uint8_t, 16> checksum_of(ByteView head, ByteView rows) {
    const Sha256Value whole = sha256({head.first(kChecksum), rows});
    std::array<std::uint8_t, 16> out;
    std::copy_n(whole.begin(), out.size(), out.begin());
    return out;
}

Sha256Value head_check_of(ByteView head) {
    return sha256(head.first(kHeadCheck));
}

bool head_holds(ByteView head) {
    if (head.size() < kHeadSize || as_text(head.first(kMagic.size())) != kMagic || head[kHeadMark] != kMark)
        return false;
    return equal(head.subspan(kHeadCheck, kHeadCheckSize),
                 ByteView(head_check_of(head)).first(kHeadCheckSize));
}

// Whether a batch of which these bytes are there, its mark at the end included, can have lost sectors.
bool lacks_sectors(ByteView batch) {
    if (batch.back() == 0) return true;
    for (; batch.size() >= kSector; batch = batch.subspan(kSector))
        if (all_zero(batch.first(kSector))) return true;
    return false;
}

}  // namespace

// ---- writing ------------------------------------------------------------------------------------

std::uint8_t* BatchWriter::grow(std::size_t size) {
    if (size > buffer_.size() - used_) buffer_.resize(std::max(used_ + size, 2 * buffer_.size()));
    std::uint8_t* const place = buffer_.data() + used_;
    used_ += size;
    return place;
}

void BatchWriter::begin(const BatchMark& before, std::size_t bytes) {
    if (buffer_.size() > kKeptBuffer && bytes < kKeptBuffer / 2) buffer_ = Bytes();
    used_ = 0;
    sequence_ = before.sequence + 1;
    std::uint8_t* out = grow(kHeadSize);
    out = store(out, as_bytes(kMagic));
    out = store_u64(out, sequence_);
    out = store_u64(out, 0);
    store(out, before.checksum);
}

void BatchWriter::space(std::string_view name) {
    std::uint8_t* const out = grow(2 + name.size());
    out[0] = kSpaceRow;
    out[1] = static_cast<std::uint8_t>(name.size());
    store(out + 2, as_bytes(name));
}

std::uint8_t* BatchWriter::begin_row(std::uint8_t kind, ByteView key, std::size_t more) {
    std::uint8_t* const out = grow(3 + key.size() + more);
    out[0] = kind;
    return store_u16(out + 1, key.size());
}

void BatchWriter::put(ByteView key, ByteView value) {
    std::uint8_t* out = begin_row(kPutRow, key, 4 + value.size());
    out = store_u32(out, value.size());
    store(store(out, key), value);
}

void BatchWriter::erase(ByteView key) {
    store(begin_row(kEraseRow, key, 0), key);
}

BatchMark BatchWriter::finish() {
    const std::size_t length = used_ - kHeadSize;
    *grow(kTailSize) = kMark;
    const std::size_t end = used_;
    const std::size_t padding = whole_blocks(end) - end;
    std::memset(grow(padding), 0, padding);

    std::uint8_t* const head = buffer_.data();
    store_u64(head + kLength, length);
    const ByteView all(buffer_.data(), used_);
    const BatchMark mark{sequence_, checksum_of(all, all.subspan(kHeadSize, length))};
    store(head + kChecksum, mark.checksum);
    store(head + kHeadCheck, ByteView(head_check_of(all)).first(kHeadCheckSize));
    head[kHeadMark] = kMark;
    return mark;
}

// ---- reading ------------------------------------------------------------------------------------

std::unexpected<Error> JournalReader::corrupt(std::size_t place, const std::string& why) const {
    return fail(Errc::kCorrupt, name_ + ", byte " + std::to_string(place) + ": " + why);
}

// A batch was acknowledged before its successor was written: so nothing may be behind one that is not whole.
Result<std::optional<BatchView>> JournalReader::end(bool torn) {
    for (std::size_t at = at_ + kJournalBlock; at < file_.size(); at += kJournalBlock) {
        const ByteView head = file_.subspan(at);
        if (head_holds(head) && read_u64(head.subspan(kSequence)) > last_ + 1)
            return corrupt(at_, "no whole batch, but at byte " + std::to_string(at) + " stands batch " +
                                    std::to_string(read_u64(head.subspan(kSequence))));
    }
    torn_ = torn;
    at_ = file_.size();
    return std::optional<BatchView>();
}

Result<std::optional<BatchView>> JournalReader::next() {
    const ByteView rest = file_.subspan(std::min(at_, file_.size()));
    if (rest.empty()) return std::optional<BatchView>();
    if (all_zero(rest.first(std::min(kSector, rest.size())))) return end(false);
    if (rest.size() < kHeadSize || rest[kHeadMark] == 0) return end(true);
    if (!head_holds(rest)) return corrupt(at_, "the head of a batch is damaged");

    const std::uint64_t length = read_u64(rest.subspan(kLength));
    if (length > rest.size() - kHeadSize || length + kTailSize > rest.size() - kHeadSize) return end(true);
    const std::size_t size = kHeadSize + static_cast<std::size_t>(length) + kTailSize;
    BatchView batch{{read_u64(rest.subspan(kSequence)), {}},
                    {},
                    rest.subspan(kHeadSize, static_cast<std::size_t>(length)),
                    at_};
    std::ranges::copy(rest.subspan(kChecksum, batch.mark.checksum.size()), batch.mark.checksum.begin());
    std::ranges::copy(rest.subspan(kBefore, batch.before.size()), batch.before.begin());
    if (rest[size - 1] != kMark || checksum_of(rest, batch.rows) != batch.mark.checksum) {
        if (lacks_sectors(rest.first(size))) return end(true);
        return corrupt(at_, "batch " + std::to_string(batch.mark.sequence) + " is damaged");
    }
    at_ += whole_blocks(size);
    last_ = batch.mark.sequence;
    return std::optional(batch);
}

Status read_rows(ByteView rows, const VisitRow& visit) {
    const auto bad = [] { return fail(Errc::kCorrupt, "a batch with malformed rows"); };
    const auto take = [&](std::size_t size) {
        const ByteView taken = rows.first(size);
        rows = rows.subspan(size);
        return taken;
    };
    std::string_view space;
    while (!rows.empty()) {
        const std::uint8_t kind = take(1).front();
        if (kind == kSpaceRow) {
            if (rows.empty() || rows.size() - 1 < rows.front()) return bad();
            const std::size_t size = take(1).front();
            space = as_text(take(size));
            continue;
        }
        const bool put = kind == kPutRow;
        if ((!put && kind != kEraseRow) || space.empty() || rows.size() < (put ? 6U : 2U)) return bad();
        const std::size_t key_size = read_u16(take(2));
        const std::size_t value_size = put ? read_u32(take(4)) : 0;
        if (key_size == 0 || key_size > kMaxKeySize || value_size > kMaxValueSize ||
            key_size + value_size > rows.size())
            return bad();
        const ByteView key = take(key_size);
        SIGILLO_TRY(visit(space, key, put ? std::optional(take(value_size)) : std::nullopt));
    }
    return {};
}

}  // namespace sigillo
