// The journal as a start finds it: whole, torn, damaged, not belonging here.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "appliance/store/journal_format.h"
#include "tests/store/lmdb_under_test.h"

namespace sigillo::testing {
namespace {

namespace fs = std::filesystem;

std::string read_all(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_all(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// A store's files as a killed process leaves them, to be changed and opened over and over.
class JournalLeft : public ::testing::Test {
 protected:
    // Rows "a", "b", … in batches of their own, none of them in LMDB.
    void leave(int batches, std::size_t size = 3000) {
        subject_.reset();
        subject_.emplace(unflushed());
        for (int i = 0; i < batches; ++i)
            put_text(subject_->store(), kFirst, name(i), std::string(size, static_cast<char>('A' + i)));
        keep();
    }
    void keep() {
        fs::remove_all(directory());
        fs::copy(subject_->config().directory, directory());
        pristine_ = read_all(journal());
    }
    static std::string name(int i) { return std::string(1, static_cast<char>('a' + i)); }
    std::string directory() const { return (scratch_ / "left").string(); }
    std::string journal() const {
        return directory() + "/" + fs::path(subject_->journals().front()).filename().string();
    }
    // The rows after a start, or its error.
    Result<std::size_t> open() {
        LmdbConfig config = unflushed();
        config.directory = directory();
        auto opened = LmdbStore::open(config, kContractSpaces, clock_, logger_);
        if (!opened) return std::unexpected(std::move(opened).error());
        return scan_text(**opened, kFirst).size();
    }
    void expect_corrupt(const std::string& with) {
        const auto opened = open();
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Errc::kCorrupt);
        EXPECT_NE(opened.error().detail.find("journal."), std::string::npos) << opened.error().detail;
        EXPECT_NE(opened.error().detail.find(with), std::string::npos) << opened.error().detail;
    }

    ScratchDirectory scratch_;
    std::optional<LmdbUnderTest> subject_;
    ManualClock clock_;
    Logger logger_{"test", -1};
    std::string pristine_;
};

struct Batch {
    std::size_t begin;
    std::size_t end;
};
std::vector<Batch> batches_of(const std::string& file) {
    JournalReader reader(as_bytes(file), "test");
    std::vector<Batch> batches;
    for (auto batch = reader.next(); batch && *batch; batch = reader.next()) {
        const auto begin = static_cast<std::size_t>((*batch)->rows.data() - as_bytes(file).data());
        batches.push_back({(*batch)->place, begin + (*batch)->rows.size() + 1});
    }
    return batches;
}

TEST_F(JournalLeft, IsReplayedOnceAndRemoved) {
    leave(5);
    const auto rows = open();
    ASSERT_TRUE(rows) << to_string(rows.error());
    EXPECT_EQ(*rows, 5U);
    EXPECT_FALSE(fs::exists(journal()));
    // The file came back, as after a crash before it was removed.
    write_all(journal(), pristine_);
    const auto again = open();
    ASSERT_TRUE(again) << to_string(again.error());
    EXPECT_EQ(*again, 5U);
    EXPECT_FALSE(fs::exists(journal()));
}

TEST_F(JournalLeft, CrashALastBatchCutShortAtAnyByteIsLeftOut) {
    leave(3, 1200);
    const auto batches = batches_of(pristine_);
    ASSERT_EQ(batches.size(), 3U);
    for (std::size_t at = batches[2].begin; at < batches[2].end; ++at) {
        for (const bool cut : {true, false}) {  // the file ends there, or is zero from there on
            std::string torn = pristine_.substr(0, at);
            if (!cut) torn.resize(pristine_.size(), '\0');
            JournalReader reader(as_bytes(torn), "test");
            std::size_t found = 0;
            for (;;) {
                const auto batch = reader.next();
                ASSERT_TRUE(batch) << to_string(batch.error()) << " at " << at;
                if (!*batch) break;
                ++found;
            }
            ASSERT_EQ(found, 2U) << at;
            ASSERT_EQ(reader.torn(), at != batches[2].begin) << at;
            if (at % 97 != 0) continue;
            fs::remove_all(directory());
            fs::copy(subject_->config().directory, directory());
            write_all(journal(), torn);
            const auto rows = open();
            ASSERT_TRUE(rows) << to_string(rows.error());
            EXPECT_EQ(*rows, 2U);
        }
    }
}

TEST_F(JournalLeft, CrashALastBatchThatLacksSectorsIsLeftOut) {
    leave(3, 9000);
    const auto batches = batches_of(pristine_);
    for (std::size_t lost = batches[2].begin; lost < batches[2].end; lost += 512) {
        std::string torn = pristine_;
        std::fill_n(torn.begin() + static_cast<std::ptrdiff_t>(lost), 512, '\0');
        JournalReader reader(as_bytes(torn), "test");
        std::size_t found = 0;
        for (auto batch = reader.next();; batch = reader.next(), ++found) {
            ASSERT_TRUE(batch) << to_string(batch.error()) << " at " << lost;
            if (!*batch) break;
        }
        ASSERT_EQ(found, 2U);
    }
}

// CHECK 8: also in the last batch, of which it must not be thought that it was never finished.
TEST_F(JournalLeft, CrashAnyBitFlippedIsFoundWithItsPlaceOrWithoutEffect) {
    leave(4, 700);
    const auto batches = batches_of(pristine_);
    ASSERT_EQ(batches.size(), 4U);
    const auto in_a_batch = [&](std::size_t at) {
        return std::ranges::any_of(batches, [&](const Batch& b) { return at >= b.begin && at < b.end; });
    };
    for (std::size_t at = 0; at < batches.back().end + 2 * kJournalBlock; ++at) {
        std::string altered = pristine_;
        if (at >= altered.size()) break;
        altered[at] = static_cast<char>(altered[at] ^ (1 << at % 8));
        JournalReader reader(as_bytes(altered), "journal.x");
        std::size_t found = 0;
        auto batch = reader.next();
        for (; batch && *batch; batch = reader.next()) ++found;
        if (batch) {
            ASSERT_FALSE(in_a_batch(at)) << at;
            ASSERT_EQ(found, 4U) << at;
        } else {
            ASSERT_EQ(batch.error().code, Errc::kCorrupt);
            ASSERT_EQ(batch.error().detail.find("journal.x, byte "), 0U) << batch.error().detail;
        }
    }
    std::string altered = pristine_;
    altered[batches[1].begin + 300] = static_cast<char>(altered[batches[1].begin + 300] ^ 4);
    write_all(journal(), altered);
    expect_corrupt("batch 2 is damaged");
}

TEST_F(JournalLeft, CrashWhatIsMissingInTheMiddleIsFound) {
    leave(4, 5000);
    const auto batches = batches_of(pristine_);
    std::string altered = pristine_;
    std::fill(altered.begin() + static_cast<std::ptrdiff_t>(batches[1].begin),
              altered.begin() + static_cast<std::ptrdiff_t>(batches[2].begin), '\0');
    write_all(journal(), altered);
    expect_corrupt("stands batch 3");
    // One batch cut out, the others moved up.
    altered = pristine_.substr(0, batches[1].begin) + pristine_.substr(batches[2].begin);
    write_all(journal(), altered);
    expect_corrupt("follows batch 1");
    // The first.
    altered = pristine_.substr(batches[1].begin);
    write_all(journal(), altered);
    expect_corrupt("is not what the file is named after");
    write_all(directory() + "/journal.0000000000000002", altered);
    fs::remove(journal());
    expect_corrupt("what is between is missing");
}

TEST_F(JournalLeft, CrashAJournalOfAnotherStoreOrTimeIsRefused) {
    leave(3);
    const std::string other = pristine_;
    leave(3, 100);  // the same numbers, another history
    ASSERT_TRUE(open());
    write_all(journal(), other);
    expect_corrupt("data.mdb has another one of this number");
    // Of long ago.
    write_all(journal(), pristine_);
    for (int i = 0; i < 3; ++i) {
        LmdbConfig config = unflushed();
        config.directory = directory();
        auto opened = LmdbStore::open(config, kContractSpaces, clock_, logger_);
        ASSERT_TRUE(opened);
        put_text(**opened, kSecond, "more", std::to_string(i));
    }
    write_all(journal(), pristine_);
    expect_corrupt("a file of another time");
}

TEST_F(JournalLeft, IsRefusedWhenItIsForASpaceThatIsNotThere) {
    leave(1);
    LmdbConfig config = unflushed();
    config.directory = directory();
    const std::array only{kSecond};
    const auto opened = LmdbStore::open(config, only, clock_, logger_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kCorrupt);
    const auto rows = open();
    ASSERT_TRUE(rows) << "nothing was lost by that";
    EXPECT_EQ(*rows, 1U);
}

TEST_F(JournalLeft, CrashAStartWithoutRoomForItIsRefusedAndLosesNothing) {
    leave(3, 900'000);
    LmdbConfig config;
    config.directory = directory();
    config.map_bytes = std::uint64_t{2} << 20;
    const auto opened = LmdbStore::open(config, kContractSpaces, clock_, logger_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kStorageFull);
    const auto rows = open();
    ASSERT_TRUE(rows) << to_string(rows.error());
    EXPECT_EQ(*rows, 3U);
}

TEST(JournalFormat, RowsOfABatchAreReadAsTheyWereWritten) {
    BatchWriter writer;
    std::mt19937 rng(17);
    BatchMark mark;
    Bytes file;
    std::vector<std::string> wrote;
    for (int batch = 0; batch < 20; ++batch) {
        writer.begin(mark, 100);
        for (unsigned row = 0; row < rng() % 20; ++row) {
            if (row % 7 == 0) writer.space(row % 2 == 0 ? "first" : "second");
            const std::string key(1 + rng() % 400, 'k');
            const std::string value(rng() % 3000, 'v');
            if (rng() % 3 == 0) {
                writer.erase(as_bytes(key));
                wrote.push_back(key);
            } else {
                writer.put(as_bytes(key), as_bytes(value));
                wrote.push_back(key + "=" + value);
            }
        }
        mark = writer.finish();
        EXPECT_EQ(writer.bytes().size() % kJournalBlock, 0U);
        append(file, writer.bytes());
    }
    EXPECT_EQ(mark.sequence, 20U);
    std::vector<std::string> read;
    JournalReader reader(file, "test");
    std::array<std::uint8_t, 16> before{};
    for (auto batch = reader.next();; batch = reader.next()) {
        ASSERT_TRUE(batch) << to_string(batch.error());
        if (!*batch) break;
        EXPECT_EQ((*batch)->before, before);
        before = (*batch)->mark.checksum;
        ASSERT_TRUE(
            read_rows((*batch)->rows, [&](std::string_view, ByteView key, const auto& value) -> Status {
                read.push_back(std::string(as_text(key)) + (value ? "=" + std::string(as_text(*value)) : ""));
                return {};
            }));
    }
    EXPECT_EQ(before, mark.checksum);
    EXPECT_EQ(read, wrote);
    EXPECT_FALSE(reader.torn());
}

}  // namespace
}  // namespace sigillo::testing
