// The sweep against everything that somebody who can write to the disk might do. tests/README.md, 8 and 10.
#include "appliance/audit/sweep.h"

#include <gtest/gtest.h>

#include "appliance/audit/verify/leaf.h"
#include "tests/audit/log_under_test.h"

namespace sigillo::audit {
namespace {

using testing::LogUnderTest;

Bytes key(int i) {
    std::string digits = std::to_string(i);
    return to_bytes(std::string(32 - digits.size(), 'a') + digits);
}

class SweepTest : public ::testing::Test {
 protected:
    void SetUp() override {
        ASSERT_TRUE(log_.start());
        config_.pause = std::chrono::milliseconds(0);
        config_.step = 64;
    }

    void create(int from, int to) {
        auto ledger = log_.ledger();
        for (int i = from; i < to; ++i) {
            const auto status = ledger.update([&](Recorder& recorder) -> Status {
                record::Signer signer;
                signer.set_tenant("bank");
                SIGILLO_TRY(recorder.create(tables::kSigners, key(i), signer));
                SIGILLO_TRY(
                    recorder.create(tables::kSignersByTenant, key(i), record::Empty()));  // not tracked
                SIGILLO_TRY(recorder.log(recorder.event("signer.created")));
                return {};
            });
            ASSERT_TRUE(status) << to_string(status.error());
        }
    }
    void change(int i) {
        auto ledger = log_.ledger();
        const auto status = ledger.update([&](Recorder& recorder) -> Status {
            SIGILLO_ASSIGN(auto signer, recorder.require(tables::kSigners, key(i), "signerID"));
            SIGILLO_TRY(recorder.save(tables::kSigners, key(i), signer));
            SIGILLO_TRY(recorder.log(recorder.event("signer.changed")));
            return {};
        });
        ASSERT_TRUE(status) << to_string(status.error());
    }
    Bytes stored(int i) {
        return *view_returning(log_.store(), [&](ReadTransaction& txn) -> Result<Bytes> {
            SIGILLO_ASSIGN(const auto value, txn.get(tables::kSigners.space, key(i)));
            return to_bytes(*value);
        });
    }
    void put_back(int i, const Bytes& value) {
        ASSERT_TRUE(log_.store().update(
            [&](WriteTransaction& txn) { return txn.put(tables::kSigners.space, key(i), value); }));
    }
    std::vector<std::string> sweep() {
        auto ledger = log_.ledger();
        Sweep sweep(ledger, log_.log(), log_.logger(), config_);
        const auto status = sweep.run_round();
        if (!status) return {to_string(status.error())};
        EXPECT_EQ(sweep.health().clean, sweep.health().findings.empty());
        return sweep.health().findings;
    }
    std::string last_event() {
        return *view_returning(log_.store(), [&](ReadTransaction& txn) -> Result<std::string> {
            SIGILLO_ASSIGN(const std::uint64_t size, log_.log().size(txn));
            SIGILLO_ASSIGN(const Bytes leaf, log_.log().leaf(txn, size - 1));
            return std::string(as_text(leaf));
        });
    }
    void expect_finding(std::initializer_list<std::string> words) {
        const auto findings = sweep();
        ASSERT_EQ(findings.size(), 1u) << ::testing::PrintToString(findings);
        for (const std::string& word : words)
            EXPECT_NE(findings[0].find(word), std::string::npos) << findings[0];
    }

    LogUnderTest log_;
    SweepConfig config_;
};

TEST_F(SweepTest, FindsNothingWhereNothingIs) {
    create(0, 300);
    for (int i = 0; i < 50; ++i) change(i);
    EXPECT_EQ(sweep(), std::vector<std::string>());
    log_.publish();
    EXPECT_EQ(sweep(), std::vector<std::string>());
    EXPECT_EQ(last_event().find("sweep.alarm"), std::string::npos);
}

TEST_F(SweepTest, FindsAnOldRecordPutBackAndLogsAnAlarmOnce) {
    create(0, 20);
    const Bytes old = stored(7);
    change(7);
    put_back(7, old);
    expect_finding({"signers/", "version 1", "version 2", "old record was put back", "leaf 20"});
    EXPECT_NE(last_event().find("sweep.alarm"), std::string::npos);
    auto ledger = log_.ledger();
    Sweep again(ledger, log_.log(), log_.logger(), config_);
    ASSERT_TRUE(again.run_round());
    const auto size = log_.size();
    ASSERT_TRUE(again.run_round());
    EXPECT_EQ(log_.size(), size) << "one alarm for one finding";
}

TEST_F(SweepTest, FindsARecordThatIsMissing) {
    create(0, 20);
    ASSERT_TRUE(log_.store().update(
        [&](WriteTransaction& txn) { return txn.erase(tables::kSigners.space, key(3)); }));
    expect_finding({"signers/", "is missing", "leaf 3"});
}

TEST_F(SweepTest, FindsARecordThatWasErasedAndPutBack) {
    create(0, 20);
    const Bytes old = stored(3);
    auto ledger = log_.ledger();
    ASSERT_TRUE(ledger.update([&](Recorder& recorder) -> Status {
        SIGILLO_TRY(recorder.erase(tables::kSigners, key(3)));
        SIGILLO_TRY(recorder.log(recorder.event("signer.erased")));
        return {};
    }));
    EXPECT_TRUE(sweep().empty());
    put_back(3, old);
    expect_finding({"old record was put back", "was erased"});
}

TEST_F(SweepTest, FindsARecordWithoutALeaf) {
    create(0, 5);
    const Bytes value = log_.codec().encode(tables::kSigners.space, key(99), 1, {});
    put_back(99, value);
    expect_finding({"no leaf tells of it"});
}

TEST_F(SweepTest, FindsAFlippedBitInARecord) {
    create(0, 20);
    Bytes value = stored(5);
    value[value.size() / 2] ^= 4;
    put_back(5, value);
    expect_finding({"signers/"});
}

TEST_F(SweepTest, FindsAFlippedBitInABundleAndInATile) {
    create(0, 600);
    log_.publish();
    testing::flip_bit(log_.directory() / "tile/entries/001", 5000 * 8);
    const auto findings = sweep();
    ASSERT_FALSE(findings.empty());
    EXPECT_TRUE(std::ranges::any_of(findings, [](const std::string& f) {
        return f.find("tile/0/001") != std::string::npos;
    })) << ::testing::PrintToString(findings);
    testing::flip_bit(log_.directory() / "tile/entries/001", 5000 * 8);
    testing::flip_bit(log_.directory() / "tile/0/000", 77);
    expect_finding({"tile/0/000", "does not agree with the leaves"});
}

TEST_F(SweepTest, FindsAMissingBundle) {
    create(0, 600);
    log_.publish();
    std::filesystem::remove(log_.directory() / "tile/entries/000");
    auto ledger = log_.ledger();
    Sweep sweep(ledger, log_.log(), log_.logger(), config_);
    EXPECT_FALSE(sweep.run_round());
    EXPECT_FALSE(sweep.health().clean);
    EXPECT_NE(sweep.health().findings.at(0).find("tile/entries/000"), std::string::npos);
}

TEST_F(SweepTest, WithLittleMemoryItWalksSeveralTimesAndFindsTheSame) {
    create(0, 300);
    const Bytes old = stored(7);
    change(7);
    put_back(7, old);
    config_.table_entries = 40;
    expect_finding({"signers/", "old record was put back"});
}

TEST_F(SweepTest, WorkThatGoesOnIsNoFinding) {
    create(0, 100);
    auto ledger = log_.ledger();
    config_.step = 8;
    config_.pause = std::chrono::milliseconds(1);
    config_.round_interval = std::chrono::milliseconds(1);
    Sweep sweep(ledger, log_.log(), log_.logger(), config_);
    sweep.start();
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 100; ++i) change(i);
        create(1000 + round * 50, 1050 + round * 50);
        log_.publish();
    }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (sweep.health().rounds < 2 && std::chrono::steady_clock::now() < deadline) change(1);
    sweep.stop();
    EXPECT_GE(sweep.health().rounds, 2u);
    EXPECT_TRUE(sweep.health().clean) << ::testing::PrintToString(sweep.health().findings);
}

TEST_F(SweepTest, ANewEpochTakesTheRecordsAsItsBaselineAndHoldsThemToIt) {
    create(0, 300);
    const Bytes old = stored(7);
    change(7);
    log_.publish();
    EpochOrder order{"officer-7", "test", log_.clock().now(), {}};
    ASSERT_TRUE(open_epoch(log_.store(), log_.log(), log_.identity(), log_.places(), order));
    ASSERT_TRUE(log_.start());
    EXPECT_TRUE(sweep().empty());
    EXPECT_NE(last_event().find("records.baseline"), std::string::npos);
    EXPECT_EQ(log_.size(), 1u + 2) << "300 records in two events";
    put_back(7, old);
    expect_finding({"old record was put back"});
}

TEST_F(SweepTest, ChangesThatDoNotFitIntoOneLeafTakeSeveralAndNoneIsLost) {
    auto ledger = log_.ledger();
    const auto index = ledger.update([&](Recorder& recorder) -> Result<std::uint64_t> {
        for (int i = 0; i < 2000; ++i)
            SIGILLO_TRY(recorder.create(tables::kSigners, key(i), record::Signer()));
        return recorder.log(recorder.event("epoch.hardened"));
    });
    ASSERT_TRUE(index) << to_string(index.error());
    EXPECT_EQ(*index + 1, log_.size()) << "the event itself comes last";
    EXPECT_GT(log_.size(), 2u);
    EXPECT_TRUE(sweep().empty());
}

TEST_F(SweepTest, AChangeWithoutAnEntryIsNotCommitted) {
    auto ledger = log_.ledger();
    const auto status = ledger.update(
        [&](Recorder& recorder) { return recorder.create(tables::kSigners, key(1), record::Signer()); });
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::kInternal);
    EXPECT_EQ(log_.size(), 0u);
    EXPECT_TRUE(sweep().empty());
}

TEST(VersionTable, FindsWhatWasAddedUpToItsLimit) {
    VersionTable table(1000);
    for (std::uint64_t i = 1; i <= 1000; ++i) table.find_or_add(i * 0x9e3779b97f4a7c15u)->version = i;
    EXPECT_EQ(table.find_or_add(4711), nullptr);
    for (std::uint64_t i = 1; i <= 1000; ++i) EXPECT_EQ(table.find(i * 0x9e3779b97f4a7c15u)->version, i);
    EXPECT_EQ(table.find(4711), nullptr);
    table.clear();
    EXPECT_NE(table.find_or_add(4711), nullptr);
}

}  // namespace
}  // namespace sigillo::audit
