// Readers beside flushes: each sees one state, all of it, for as long as it looks.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <random>

#include "tests/store/lmdb_under_test.h"

namespace sigillo::testing {
namespace {

constexpr int kAccounts = 40;
constexpr int kTotal = kAccounts * 1000;

std::string account(unsigned number) {
    return "account" + std::to_string(number % kAccounts);
}

int number_in(const std::optional<ByteView>& value) {
    return value ? std::stoi(std::string(as_text(*value))) : 0;
}

// Moves money between accounts, a row of which is erased at 0, and counts the moves.
Status move(Store& store, std::mt19937& rng) {
    const std::string from = account(static_cast<unsigned>(rng()));
    const std::string to = account(static_cast<unsigned>(rng()));
    if (from == to) return {};
    const int wanted = static_cast<int>(rng() % 1500);
    return store.update([&](WriteTransaction& txn) -> Status {
        SIGILLO_ASSIGN(const auto there, txn.get(kFirst, as_bytes(from)));
        const int had = number_in(there);
        const int amount = std::min(wanted, had);
        SIGILLO_ASSIGN(const auto other, txn.get(kFirst, as_bytes(to)));
        const int sum = number_in(other) + amount;
        SIGILLO_ASSIGN(const auto moves, txn.get(kSecond, as_bytes("moves")));
        const int count = number_in(moves) + 1;
        if (amount == had) {
            SIGILLO_TRY(txn.erase(kFirst, as_bytes(from)));
        } else {
            SIGILLO_TRY(txn.put(kFirst, as_bytes(from), as_bytes(std::to_string(had - amount))));
        }
        if (sum > 0) SIGILLO_TRY(txn.put(kFirst, as_bytes(to), as_bytes(std::to_string(sum))));
        SIGILLO_TRY(txn.put(kSecond, as_bytes("moves"), as_bytes(std::to_string(count))));
        return txn.insert_once(kSecond, as_bytes("move" + std::to_string(count)), {});
    });
}

void expect_one_state(ReadTransaction& txn, int least_moves) {
    const auto moves = txn.get(kSecond, as_bytes("moves"));
    ASSERT_TRUE(moves);
    const int count = number_in(*moves);
    EXPECT_GE(count, least_moves) << "what was acknowledged before";
    const Rows rows = scan_text(txn, kFirst);
    int sum = 0;
    for (const auto& [key, value] : rows) {
        sum += std::stoi(value);
        const auto same = txn.get(kFirst, as_bytes(key));
        ASSERT_TRUE(same && *same);
        EXPECT_EQ(as_text(**same), value);
    }
    EXPECT_EQ(sum, kTotal);
    EXPECT_EQ(scan_text(txn, kSecond, "move").size(), static_cast<std::size_t>(count) + 1);
    EXPECT_EQ(scan_text(txn, kFirst), rows) << "and it stays";
}

class SnapshotsDuringFlushes : public ::testing::TestWithParam<std::size_t> {};

TEST_P(SnapshotsDuringFlushes, AreOneStateEach) {
    LmdbConfig config;
    config.flush_age = std::chrono::milliseconds(1);
    config.flush_bytes = GetParam();
    config.linger = std::chrono::microseconds(0);
    LmdbUnderTest subject(config);
    Store& store = subject.store();
    ASSERT_TRUE(store.update([](WriteTransaction& txn) -> Status {
        for (unsigned i = 0; i < kAccounts; ++i)
            SIGILLO_TRY(txn.put(kFirst, as_bytes(account(i)), as_bytes("1000")));
        return txn.put(kSecond, as_bytes("moves"), as_bytes("0"));
    }));
    std::atomic<int> acknowledged{0};
    std::atomic<int> writing{4};
    Threads threads(8, [&](int t) {
        std::mt19937 rng(static_cast<unsigned>(t));
        if (t < 4) {
            for (int i = 0; i < 150; ++i) {
                const Status moved = move(store, rng);
                EXPECT_TRUE(moved) << to_string(moved.error());
                if (i % 10 == 0) {
                    const auto moves = get_text(store, kSecond, "moves");
                    int known = acknowledged;
                    while (known < std::stoi(*moves) &&
                           !acknowledged.compare_exchange_weak(known, std::stoi(*moves))) {
                    }
                }
            }
            --writing;
            return;
        }
        while (writing > 0) {
            const int least = acknowledged;
            EXPECT_TRUE(store.view([&](ReadTransaction& txn) -> Status {
                expect_one_state(txn, least);
                if (rng() % 4 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(rng() % 20));
                expect_one_state(txn, least);
                return {};
            }));
        }
    });
    threads.join();
    // And copies of it, and what a start makes of it.
    const std::string directory = subject.fresh_directory();
    ASSERT_TRUE(store.copy_to(directory));
    const auto copy = subject.open_copy(directory);
    for (Store* const one : {&copy->store(), &store})
        EXPECT_TRUE(one->view([&](ReadTransaction& txn) -> Status {
            expect_one_state(txn, acknowledged);
            return {};
        }));
    subject.reopen();
    EXPECT_TRUE(subject.store().view([&](ReadTransaction& txn) -> Status {
        expect_one_state(txn, acknowledged);
        return {};
    }));
}

INSTANTIATE_TEST_SUITE_P(Flushes, SnapshotsDuringFlushes,
                         ::testing::Values(std::size_t{1}, std::size_t{32} << 10, std::size_t{32} << 20));

TEST(LmdbStore, AViewKeepsItsStateOverManyFlushes) {
    LmdbUnderTest subject(always_flushing());
    Store& store = subject.store();
    put_text(store, kFirst, "a", "1");
    EXPECT_TRUE(store.view([&](ReadTransaction& txn) -> Status {
        for (int i = 0; i < 20; ++i) {
            std::thread([&] {
                put_text(store, kFirst, "a", "later");
                put_text(store, kFirst, "b" + std::to_string(i), "later");
            }).join();
            EXPECT_EQ(scan_text(txn, kFirst), (Rows{{"a", "1"}}));
        }
        return {};
    }));
}

TEST(LmdbStore, RowsGoToLmdbByAgeAndTheJournalEnds) {
    LmdbConfig config;
    config.flush_age = std::chrono::milliseconds(20);
    LmdbUnderTest subject(config);
    put_text(subject.store(), kFirst, "a", "1");
    EXPECT_EQ(subject.journals().size(), 1U);
    await([&] { return subject.journals().empty(); });
    EXPECT_EQ(get_text(subject.store(), kFirst, "a"), "1");
    EXPECT_EQ(subject.store().health().reason, "");
}

TEST(LmdbStore, AJournalOfManySmallBatchesEndsByItsOwnSize) {
    LmdbConfig config = unflushed();
    config.journal_bytes = 40'000;
    LmdbUnderTest subject(config);
    put_text(subject.store(), kFirst, "first", "");
    const auto first = subject.journals();
    for (int i = 0; i < 10; ++i) put_text(subject.store(), kFirst, "a", std::to_string(i));
    await([&] { return subject.journals() != first; });
    EXPECT_EQ(get_text(subject.store(), kFirst, "a"), "9");
}

// Backups must not depend on whether LMDB can be written.
TEST(LmdbStore, ACopyHasWhatIsInTheJournalAlone) {
    LmdbUnderTest subject(unflushed());
    put_text(subject.store(), kFirst, "a", "1");
    put_text(subject.store(), kFirst, "b", "2");
    ASSERT_TRUE(
        subject.store().update([](WriteTransaction& txn) { return txn.erase(kFirst, as_bytes("a")); }));
    const std::string directory = subject.fresh_directory();
    ASSERT_TRUE(subject.store().copy_to(directory));
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++files;
    EXPECT_EQ(files, 1U) << "data.mdb alone";
    EXPECT_EQ(scan_text(subject.open_copy(directory)->store(), kFirst), (Rows{{"b", "2"}}));
    EXPECT_EQ(subject.journals().size(), 1U);
}

}  // namespace
}  // namespace sigillo::testing
