// A damaged file is refused before LMDB reads it, and a good one never is.
#include "appliance/store/lmdb_check.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <random>

#include "appliance/base/digest.h"
#include "tests/store/lmdb_under_test.h"

namespace sigillo::testing {
namespace {

constexpr std::size_t kPage = 4096;

std::string read_all(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_all(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// A value that shows whether it or its key was touched, as a record's MAC does.
std::string sealed(const std::string& key, std::size_t size) {
    std::string value(size, 'v');
    const auto digest = sha256({as_bytes(key), as_bytes(value)});
    value.insert(0, as_text(digest));
    return value;
}

bool is_sealed(const std::string& key, const std::string& value) {
    return value.size() >= 32 && value == sealed(key, value.size() - 32);
}

// Trees of two and three levels, large values, lists of free pages, an empty space made anew.
void fill(Store& store) {
    std::mt19937 rng(7);
    for (int round = 0; round < 30; ++round) {
        const Status done = store.update([&](WriteTransaction& txn) -> Status {
            for (int i = 0; i < 60; ++i) {
                const std::string key = "row" + std::to_string(rng() % 2000);
                if (rng() % 4 == 0) {
                    SIGILLO_TRY(txn.erase(kFirst, as_bytes(key)));
                } else {
                    const std::size_t size = rng() % 50 == 0 ? 3000 + rng() % 20'000 : rng() % 400;
                    SIGILLO_TRY(txn.put(kFirst, as_bytes(key), as_bytes(sealed(key, size))));
                }
            }
            const std::string key = std::string(300, 'k') + std::to_string(round);
            return txn.put(kSecond, as_bytes(key), as_bytes(sealed(key, 10)));
        });
        ASSERT_TRUE(done) << to_string(done.error());
    }
}

TEST(StoreFile, NothingIsFoundInAStoreToBe) {
    const ScratchDirectory scratch;
    const auto absent = check_store_file((scratch / "data.mdb").string());
    ASSERT_TRUE(absent);
    EXPECT_EQ(absent->pages, 0U);
    write_all((scratch / "data.mdb").string(), "");
    EXPECT_TRUE(check_store_file((scratch / "data.mdb").string()));
}

TEST(StoreFile, AGoodStoreIsSoundAfterAnyWork) {
    LmdbUnderTest subject(bypassing());  // each update one of LMDB's commits
    std::mt19937 rng(11);
    std::size_t rows = 0;
    for (int round = 0; round < 150; ++round) {
        // Bursts of writing and of erasing, so that trees grow, shrink and vanish.
        const bool shrinks = round % 10 >= 7;
        const Status done = subject.store().update([&](WriteTransaction& txn) -> Status {
            for (int i = 0; i < 80; ++i) {
                const std::string key = std::to_string(rng() % 500) + std::string(rng() % 380, 'k');
                const Space space = rng() % 2 == 0 ? kFirst : kSecond;
                const std::size_t size = rng() % 20 == 0 ? rng() % 60'000 : rng() % 600;
                SIGILLO_TRY(txn.put(space, as_bytes(key), as_bytes(std::string(size, 'v'))));
            }
            if (!shrinks) return {};
            for (const Space space : {kFirst, kSecond})
                for (const auto& row : scan_text(txn, space))
                    if (round % 10 == 9 || rng() % 3 != 0) SIGILLO_TRY(txn.erase(space, as_bytes(row.first)));
            return {};
        });
        ASSERT_TRUE(done) << to_string(done.error());
        if (round % 5 != 0) continue;
        rows = scan_text(subject.store(), kFirst).size() + scan_text(subject.store(), kSecond).size();
        const auto found = check_store_file(subject.data_file());  // nobody writes now
        ASSERT_TRUE(found) << to_string(found.error());
        EXPECT_EQ(found->entries, rows + 1) << "the store's own row, of what is in LMDB";
        EXPECT_EQ(found->unaccounted, 0U);
    }
    for (const bool compact : {true, false}) {
        LmdbConfig config = subject.config();
        config.compact_copies = compact;
        subject.close();
        const auto reopened = LmdbStore::open(config, kContractSpaces, subject.clock(), subject.logger());
        ASSERT_TRUE(reopened);
        const std::string copy = subject.fresh_directory();
        ASSERT_TRUE((*reopened)->copy_to(copy));
        const auto found = check_store_file(copy + "/data.mdb");
        ASSERT_TRUE(found) << to_string(found.error());
        EXPECT_EQ(found->unaccounted, 0U);
    }
}

TEST(StoreFile, CrashTruncatedIsRefused) {
    LmdbUnderTest subject(bypassing());
    fill(subject.store());
    subject.close();
    const std::string file = read_all(subject.data_file());
    for (std::size_t size = 100; size < file.size() - 20 * kPage; size += file.size() / 50) {
        write_all(subject.data_file(), file.substr(0, size));
        const auto found = check_store_file(subject.data_file());
        ASSERT_FALSE(found) << size;
        EXPECT_EQ(found.error().code, Errc::kCorrupt);
    }
}

// LMDB maps as much as its head page says: a flipped bit there must not cost terabytes of address space.
TEST(StoreFile, CrashHeadThatNamesTooManyPagesIsRefused) {
    LmdbUnderTest subject(bypassing());
    fill(subject.store());
    subject.close();
    const std::string file = read_all(subject.data_file());
    constexpr std::size_t kLastPageAt = 136;
    for (int bit = 0; bit < 64; ++bit) {
        std::string altered = file;
        for (std::size_t head = 0; head < 2; ++head) {
            char& byte = altered[head * kPage + kLastPageAt + static_cast<std::size_t>(bit) / 8];
            byte = static_cast<char>(byte ^ (1 << bit % 8));
        }
        write_all(subject.data_file(), altered);
        const auto found = check_store_file(subject.data_file());
        EXPECT_EQ(found ? Errc{} : found.error().code, Errc::kCorrupt) << "bit " << bit;
    }
}

bool names_page(const std::string& detail, std::size_t page) {
    const std::string name = "data.mdb, page " + std::to_string(page);
    for (std::size_t at = detail.find(name); at != std::string::npos; at = detail.find(name, at + 1))
        if (detail.find_first_of(": ", at + name.size()) == at + name.size()) return true;
    return false;
}

// The page that a branch names is not the one to blame for it.
TEST(StoreFile, CrashDamagedPointerOfABranchIsFoundWithTheBranch) {
    LmdbUnderTest subject(bypassing());
    fill(subject.store());
    subject.close();
    const std::string file = read_all(subject.data_file());
    constexpr char kBranchKind = 1;
    int tried = 0;
    for (std::size_t page = 2; page < file.size() / kPage; ++page) {
        if (file[page * kPage + 10] != kBranchKind) continue;
        const auto low = static_cast<unsigned char>(file[page * kPage + 18]);  // where its second node is
        const auto high = static_cast<unsigned char>(file[page * kPage + 19]);
        for (std::size_t byte = 0; byte < 6; ++byte) {  // of the node's page number
            std::string altered = file;
            char& pointer = altered[page * kPage + low + 256U * high + byte];
            pointer = static_cast<char>(pointer ^ 0x10);
            write_all(subject.data_file(), altered);
            const auto found = check_store_file(subject.data_file());
            if (found) continue;  // a page that was freed
            ++tried;
            EXPECT_TRUE(names_page(found.error().detail, page)) << page << ": " << found.error().detail;
        }
    }
    EXPECT_GE(tried, 6);
}

// Bits of page headers, head pages, node headers, free lists, keys and values: each is found with its page,
// or the value's own seal shows it, or it was one of those that nothing depends on.
TEST(StoreFile, CrashAnyBitFlippedIsFoundWithItsPlaceOrWithoutEffect) {
    LmdbUnderTest subject(bypassing());
    fill(subject.store());
    const auto rows_of = [](Store& store) {
        std::map<std::string, std::string> rows;
        for (const Space space : kContractSpaces)
            for (auto& [key, value] : scan_text(store, space)) rows[std::string(space.name) + key] = value;
        return rows;
    };
    const auto before = rows_of(subject.store());
    subject.close();
    const std::string file = read_all(subject.data_file());
    const std::size_t pages = file.size() / kPage;
    ASSERT_GT(pages, 100U);

    std::mt19937 rng(5);
    std::map<std::string, int> outcomes;
    for (int trial = 0; trial < 600; ++trial) {
        // Every bit of the head pages in turn, then headers of pages more often than the rest.
        std::size_t at = rng() % file.size();
        if (trial % 3 == 0) at = at / kPage * kPage + rng() % 64;
        if (trial % 3 == 1) at = rng() % 2 * kPage + rng() % 152;
        std::string altered = file;
        altered[at] = static_cast<char>(altered[at] ^ (1 << rng() % 8));
        write_all(subject.data_file(), altered);
        const auto found = check_store_file(subject.data_file());
        if (!found) {
            ++outcomes["refused"];
            ASSERT_EQ(found.error().code, Errc::kCorrupt);
            ASSERT_NE(found.error().detail.find("data.mdb, page "), std::string::npos)
                << found.error().detail;
            if (!names_page(found.error().detail, at / kPage)) ++outcomes["names another page"];
            continue;
        }
        subject.open();
        std::size_t broken_seals = 0;
        for (const Space space : kContractSpaces)
            for (const auto& [key, value] : scan_text(subject.store(), space))
                if (!is_sealed(key, value)) ++broken_seals;
        if (broken_seals > 0) {
            ++outcomes["found by its seal"];
        } else {
            ++outcomes["without effect"];
            ASSERT_EQ(rows_of(subject.store()), before) << "byte " << at % kPage << " of page " << at / kPage;
        }
        for (int i = 0; i < 5; ++i)  // pages that writing takes must be free ones
            put_text(subject.store(), kSecond, "new" + std::to_string(i), std::string(5000, 'n'));
        subject.close();
        const auto after = check_store_file(subject.data_file());
        ASSERT_TRUE(after) << to_string(after.error()) << " after byte " << at % kPage << " of page "
                           << at / kPage;
    }
    EXPECT_GT(outcomes["refused"], 100);
    // What two pages say of each other is held against the one that is read later.
    EXPECT_LT(outcomes["names another page"], outcomes["refused"] / 10);
    EXPECT_GT(outcomes["found by its seal"], 20);
    EXPECT_GT(outcomes["without effect"], 20);
}

TEST(LmdbStore, CrashDamagedFileIsNotOpened) {
    LmdbUnderTest subject(bypassing());
    fill(subject.store());
    subject.close();
    std::string file = read_all(subject.data_file());
    for (std::size_t page = 2; page < file.size() / kPage; ++page)
        file[page * kPage] ^= 0x40;  // their numbers
    write_all(subject.data_file(), file);
    const auto opened = LmdbStore::open(subject.config(), kContractSpaces, subject.clock(), subject.logger());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kCorrupt);
    EXPECT_NE(opened.error().detail.find("says that it is another page"), std::string::npos)
        << opened.error().detail;
}

}  // namespace
}  // namespace sigillo::testing
