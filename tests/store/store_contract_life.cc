// The contract under concurrency, over a restart, and of copies.
#include "tests/store/store_contract.h"

#include <array>
#include <atomic>
#include <barrier>
#include <latch>
#include <thread>

namespace sigillo::testing {
namespace {

Errc code_of(const Status& status) {
    return status ? Errc{} : status.error().code;
}

// ---- many at a time -----------------------------------------------------------------------------

TEST_P(StoreContract, ExactlyOneOfTwentyConcurrentInsertsSucceeds) {
    constexpr int kThreads = 20;
    constexpr int kKeys = 40;
    std::array<std::atomic<int>, kKeys> inserted{};
    std::barrier together(kThreads);
    Threads threads(kThreads, [&](int t) {
        for (int k = 0; k < kKeys; ++k) {
            together.arrive_and_wait();
            const std::string key = "otp" + std::to_string(k);
            const std::string value = std::to_string(t);
            const Status done = store().update([&](WriteTransaction& txn) {
                return txn.insert_once(kFirst, as_bytes(key), as_bytes(value));
            });
            if (done) {
                ++inserted[static_cast<std::size_t>(k)];
            } else {
                EXPECT_EQ(done.error().code, Errc::kAlreadyExists);
            }
        }
    });
    threads.join();
    for (const auto& count : inserted) EXPECT_EQ(count, 1);
}

TEST_P(StoreContract, ConcurrentUpdatesAreSerialisable) {
    constexpr int kThreads = 16;
    constexpr int kRounds = 100;
    put_text(store(), kFirst, "counter", "0");
    Threads threads(kThreads, [&](int t) {
        for (int i = 0; i < kRounds; ++i) {
            const bool gives_up = (i + t) % 5 == 0;
            const Status done = store().update([&](WriteTransaction& txn) -> Status {
                SIGILLO_ASSIGN(const auto value, txn.get(kFirst, as_bytes("counter")));
                const std::string next = std::to_string(std::stoi(std::string(as_text(*value))) + 1);
                SIGILLO_TRY(txn.put(kFirst, as_bytes("counter"), as_bytes(next)));
                // Every value of the counter is seen by one transaction only.
                SIGILLO_TRY(txn.insert_once(kSecond, as_bytes(next), {}));
                if (gives_up) return fail(Errc::kConflict, "undone");
                return {};
            });
            EXPECT_EQ(code_of(done), gives_up ? Errc::kConflict : Errc{});
        }
    });
    threads.join();
    const int expected = kThreads * kRounds * 4 / 5;
    EXPECT_EQ(get_text(store(), kFirst, "counter"), std::to_string(expected));
    EXPECT_EQ(scan_text(store(), kSecond).size(), static_cast<std::size_t>(expected));
}

TEST_P(StoreContract, WhatUpdateAcknowledgedEveryLaterViewSees) {
    Threads threads(8, [&](int t) {
        for (int i = 0; i < 50; ++i) {
            const std::string key = std::to_string(t) + "/" + std::to_string(i);
            put_text(store(), kFirst, key, "x");
            EXPECT_EQ(get_text(store(), kFirst, key), "x");
        }
    });
    threads.join();
}

TEST_P(StoreContract, AViewIsASnapshot) {
    put_text(store(), kFirst, "a", "1");
    const Status viewed = store().view([&](ReadTransaction& txn) -> Status {
        EXPECT_EQ(scan_text(txn, kFirst), (Rows{{"a", "1"}}));
        std::thread([&] {
            put_text(store(), kFirst, "a", "2");
            put_text(store(), kFirst, "b", "2");
        }).join();
        EXPECT_EQ(scan_text(txn, kFirst), (Rows{{"a", "1"}}));
        return {};
    });
    EXPECT_TRUE(viewed);
    EXPECT_EQ(scan_text(store(), kFirst), (Rows{{"a", "2"}, {"b", "2"}}));
}

TEST_P(StoreContract, ABodyThatCallsTheStoreIsRefused) {
    const Status outer = store().update([&](WriteTransaction&) -> Status {
        EXPECT_EQ(code_of(store().update([](WriteTransaction&) { return Status(); })), Errc::kInternal);
        EXPECT_EQ(code_of(store().view([](ReadTransaction&) { return Status(); })), Errc::kInternal);
        return {};
    });
    EXPECT_TRUE(outer);
}

// ---- without waiting ----------------------------------------------------------------------------

class Deferred final : public DeferredUpdate {
 public:
    explicit Deferred(bool fails) : fails_(fails) {}
    Status run(WriteTransaction& txn) override {
        SIGILLO_TRY(txn.put(kFirst, as_bytes(fails_ ? "refused" : "taken"), as_bytes("1")));
        return fails_ ? Status(fail(Errc::kConflict, "no")) : Status();
    }
    void finish(Status status) noexcept override {
        result = std::move(status);
        finished.count_down();
    }
    Status result;
    std::latch finished{1};

 private:
    const bool fails_;
};

TEST_P(StoreContract, ADeferredUpdateIsToldItsResultWhenThatIsDurable) {
    Deferred good(false);
    Deferred bad(true);
    ASSERT_TRUE(store().defer(good));
    ASSERT_TRUE(store().defer(bad));
    good.finished.wait();
    bad.finished.wait();
    EXPECT_TRUE(good.result);
    EXPECT_EQ(code_of(bad.result), Errc::kConflict);
    EXPECT_EQ(scan_text(store(), kFirst), (Rows{{"taken", "1"}}));
    subject_->reopen();
    EXPECT_EQ(scan_text(store(), kFirst), (Rows{{"taken", "1"}}));
}

// ---- life ---------------------------------------------------------------------------------------

TEST_P(StoreContract, EverythingIsThereAfterReopening) {
    put_text(store(), kFirst, "a", "1");
    put_text(store(), kSecond, "b", std::string(100'000, 'x'));
    subject_->reopen();
    EXPECT_EQ(get_text(store(), kFirst, "a"), "1");
    EXPECT_EQ(get_text(store(), kSecond, "b"), std::string(100'000, 'x'));
    put_text(store(), kFirst, "a", "2");
    EXPECT_EQ(get_text(store(), kFirst, "a"), "2");
}

TEST_P(StoreContract, HealthOfAFreshStoreIsGood) {
    put_text(store(), kFirst, "a", "1");
    const StoreHealth health = store().health();
    EXPECT_TRUE(health.writable);
    EXPECT_EQ(health.reason, "");
    EXPECT_EQ(health.waiting, 0U);
    EXPECT_EQ(health.oldest_reader_ms, 0);
    EXPECT_LT(health.bytes_used, health.bytes_limit);
}

TEST_P(StoreContract, BackupUnderLoadIsOneConsistentState) {
    // Both keys always change together, and the history grows by a row each time.
    std::atomic<bool> stop = false;
    std::atomic<int> done = 0;
    std::thread writer([&] {
        for (int i = 1; !stop; ++i) {
            const std::string number = std::to_string(i);
            const Status updated = store().update([&](WriteTransaction& txn) -> Status {
                SIGILLO_TRY(txn.put(kFirst, as_bytes("left"), as_bytes(number)));
                SIGILLO_TRY(txn.put(kSecond, as_bytes("right"), as_bytes(number)));
                return txn.put(kSecond, as_bytes("row" + number), as_bytes(std::string(2000, 'x')));
            });
            EXPECT_TRUE(updated);
            done = i;
        }
    });
    for (int copy = 0; copy < 5; ++copy) {
        while (done < 20 * (copy + 1)) std::this_thread::yield();
        const int acknowledged = done;
        const std::string directory = subject_->fresh_directory();
        const Status copied = store().copy_to(directory);
        ASSERT_TRUE(copied) << to_string(copied.error());
        const auto restored = subject_->open_copy(directory);
        const auto left = get_text(restored->store(), kFirst, "left");
        ASSERT_TRUE(left);
        EXPECT_EQ(left, get_text(restored->store(), kSecond, "right"));
        EXPECT_EQ(scan_text(restored->store(), kSecond, "row").size(),
                  static_cast<std::size_t>(std::stoi(*left)));
        EXPECT_GE(std::stoi(*left), acknowledged);
    }
    stop = true;
    writer.join();
}

TEST_P(StoreContract, ACopyWantsAnEmptyDirectory) {
    const std::string directory = subject_->fresh_directory();
    ASSERT_TRUE(store().copy_to(directory));
    const Status again = store().copy_to(directory);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::kInvalidArgument);
    EXPECT_EQ(again.error().field, "directory");
    EXPECT_TRUE(subject_->open_copy(directory)) << "the refused copy must leave the first one alone";
}

}  // namespace
}  // namespace sigillo::testing
