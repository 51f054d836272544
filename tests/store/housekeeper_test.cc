#include "appliance/store/housekeeper.h"

#include <gtest/gtest.h>

#include "appliance/base/encoding.h"
#include "appliance/store/expiry.h"
#include "appliance/store/lmdb_store.h"
#include "appliance/store/tables.h"
#include "tests/store/store_contract.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::testing {
namespace {

constexpr Space kIndex = tables::kExpiries.space;
constexpr Space kSads = tables::kSads.space;

WallTime at(std::int64_t millis) {
    return from_unix_millis(millis);
}

TEST(Expiry, IsParsedAsItWasMade) {
    const Bytes key = expiry_key(at(1'800'000'000'123), kSads, as_bytes(std::string_view("a\0b", 3)));
    EXPECT_EQ(hex_encode(key),
              "000001a3185c507b"
              "73616473"
              "00"
              "610062");
    const auto parsed = parse_expiry_key(key);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->due, at(1'800'000'000'123));
    EXPECT_EQ(parsed->space, kSads);
    EXPECT_EQ(as_text(parsed->key), std::string_view("a\0b", 3));
}

TEST(Expiry, SortsByTime) {
    EXPECT_LT(expiry_key(at(255), kSads, as_bytes("z")), expiry_key(at(256), kSads, as_bytes("a")));
    EXPECT_EQ(expiry_key(at(-5), kSads, as_bytes("z")), expiry_key(at(0), kSads, as_bytes("z")));
}

TEST(Expiry, MalformedIsCorrupt) {
    const auto code = [](ByteView key) {
        const auto parsed = parse_expiry_key(key);
        return parsed ? Errc{} : parsed.error().code;
    };
    const Bytes good = expiry_key(at(1), kSads, as_bytes("k"));
    EXPECT_EQ(code(good), Errc{});
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_EQ(code(ByteView(good).first(size)), Errc::kCorrupt) << size;
    EXPECT_EQ(code(expiry_key(at(1), Space{"unknown"}, as_bytes("k"))), Errc::kCorrupt);
    Bytes beyond = good;
    beyond[0] = 0x80;
    EXPECT_EQ(code(beyond), Errc::kCorrupt);
}

TEST(Expiry, NothingTrackedAndNothingOfTheLogExpires) {
    EXPECT_TRUE(may_expire(kSads));
    for (const Space space :
         {tables::kClients.space, tables::kSigners.space, tables::kFactors.space, tables::kFactorStates.space,
          tables::kCredentials.space, tables::kCredentialStates.space, tables::kRevocations.space,
          tables::kAuthority.space, tables::kMeta.space, tables::kExpiries.space, tables::kOpenIntents.space,
          kLogLeaves, kLogState})
        EXPECT_FALSE(may_expire(space)) << space.name;
}

class HousekeeperTest : public ::testing::Test {
 protected:
    HousekeeperTest() {
        LmdbConfig config;
        config.directory = (scratch_ / "store").string();
        auto opened = LmdbStore::open(config, kAllSpaces, clock_, logger_);
        EXPECT_TRUE(opened);
        store_ = *std::move(opened);
    }
    void schedule(std::int64_t due, Space space, const std::string& key) {
        const Status done = store_->update([&](WriteTransaction& txn) -> Status {
            SIGILLO_TRY(txn.put(space, as_bytes(key), as_bytes("entry")));
            return txn.put(kIndex, expiry_key(at(due), space, as_bytes(key)), {});
        });
        ASSERT_TRUE(done);
    }
    std::size_t count(Space space) { return scan_text(*store_, space).size(); }

    const ScratchDirectory scratch_;
    const ManualClock clock_;
    Logger logger_{"test", -1};
    std::unique_ptr<LmdbStore> store_;
};

TEST_F(HousekeeperTest, ErasesWhatIsDueAndNothingElse) {
    schedule(100, kSads, "early");
    schedule(200, kSads, "on time");
    schedule(201, kSads, "later");
    put_text(*store_, kSads, "unscheduled", "entry");
    Housekeeper housekeeper(*store_, {});
    ASSERT_TRUE(housekeeper.run_once(at(200)));
    EXPECT_EQ(scan_text(*store_, kSads), (Rows{{"later", "entry"}, {"unscheduled", "entry"}}));
    EXPECT_EQ(count(kIndex), 1U);
    ASSERT_TRUE(housekeeper.run_once(at(200)));
    EXPECT_EQ(count(kIndex), 1U);
}

TEST_F(HousekeeperTest, WorksInBatchesAndLeavesTheRestForTheNextRun) {
    for (int i = 0; i < 25; ++i) schedule(i, kSads, "sad" + std::to_string(i));
    Housekeeper housekeeper(*store_, {.batch = 4, .batches_per_run = 3});
    ASSERT_TRUE(housekeeper.run_once(at(1000)));
    EXPECT_EQ(count(kSads), 13U);
    ASSERT_TRUE(housekeeper.run_once(at(1000)));
    ASSERT_TRUE(housekeeper.run_once(at(1000)));
    EXPECT_EQ(count(kSads), 0U);
    EXPECT_EQ(count(kIndex), 0U);
}

TEST_F(HousekeeperTest, AnEntryThatIsGoneAlreadyIsFine) {
    schedule(1, kSads, "gone");
    ASSERT_TRUE(store_->update([](WriteTransaction& txn) { return txn.erase(kSads, as_bytes("gone")); }));
    ASSERT_TRUE(Housekeeper(*store_, {}).run_once(at(1)));
    EXPECT_EQ(count(kIndex), 0U);
}

TEST_F(HousekeeperTest, AForgedExpiryErasesNoTrackedRecord) {
    schedule(1, tables::kCredentials.space, "credential");
    schedule(1, kLogLeaves, "leaf");
    schedule(2, kSads, "sad");
    put_text(*store_, kIndex, "short", "");
    const Status run = Housekeeper(*store_, {.batch = 1}).run_once(at(INT64_MAX / 2));
    ASSERT_FALSE(run);
    EXPECT_EQ(run.error().code, Errc::kCorrupt);
    EXPECT_NE(run.error().detail.find("expiries/0x"), std::string::npos) << run.error().detail;
    EXPECT_EQ(count(tables::kCredentials.space), 1U);
    EXPECT_EQ(count(kLogLeaves), 1U);
    EXPECT_EQ(count(kSads), 0U) << "the others are erased all the same";
    EXPECT_EQ(count(kIndex), 3U) << "what was found stays, as evidence";
}

}  // namespace
}  // namespace sigillo::testing
