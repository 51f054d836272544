// Is the log that is found the one that was published (tests/README.md, 9 and 10)? And the officer's way on
// when it is not.
#include "appliance/audit/log_guard.h"

#include <gtest/gtest.h>

#include "appliance/audit/verify/leaf.h"
#include "tests/audit/log_under_test.h"

namespace sigillo::audit {
namespace {

namespace fs = std::filesystem;
using testing::LogUnderTest;

// The start is refused with kCorrupt, and the detail has all of `words`.
void expect_refused(LogUnderTest& log, std::initializer_list<std::string> words) {
    const auto report = log.start();
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::kCorrupt) << to_string(report.error());
    for (const std::string& word : words)
        EXPECT_NE(report.error().detail.find(word), std::string::npos)
            << "no \"" << word << "\" in: " << report.error().detail;
}

void started_with(LogUnderTest& log, std::uint64_t leaves) {
    const auto report = log.start();
    ASSERT_TRUE(report) << to_string(report.error());
    log.append(leaves);
    log.publish();
    log.anchor_now();
}

Status override_log(LogUnderTest& log, const std::string& officer = "officer-7") {
    EpochOrder order{officer, "restored from the backup of Monday", log.clock().now(), {}};
    SIGILLO_ASSIGN([[maybe_unused]] const LogEpoch epoch,
                   open_epoch(log.store(), log.log(), log.identity(), log.places(), order));
    return {};
}

TEST(Guard, AFreshLogStartsAndStartsAgain) {
    LogUnderTest log;
    const auto first = log.start();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->epoch.number, 1u);
    EXPECT_EQ(first->epoch.origin, testing::kOrigin);
    log.append(1000);
    log.publish();
    const auto again = log.start();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->size, 1000u);
    EXPECT_EQ(again->newest_size, 1000u);
}

// tests/README.md, 10.
TEST(Guard, AnOlderSnapshotOfTheStoreIsRefusedNamingBothSizesAndPlaces) {
    LogUnderTest log;
    started_with(log, 700);
    log.back_up_store("monday");
    log.append(534);
    log.publish();
    log.kill();
    log.restore_store("monday");
    expect_refused(log, {"rollback of the store", "1,234", "700", (log.directory() / "checkpoint").string(),
                         log.store_directory().string(), testing::kOverride});
}

TEST(Guard, AnOlderSnapshotOfStoreAndDirectoryIsRefusedByTheAnchor) {
    LogUnderTest log;
    started_with(log, 700);
    log.back_up_store("monday");
    log.back_up_directory("monday-log");
    log.append(534);
    log.publish();
    log.anchor_now();
    log.kill();
    log.restore_store("monday");
    log.restore_directory("monday-log");
    expect_refused(log, {"rollback of the store", "1,234", "700", log.anchor().string()});
}

TEST(Guard, AnOlderSnapshotOfTheDirectoryAloneIsRefused) {
    LogUnderTest log;
    started_with(log, 700);
    log.back_up_directory("monday-log");
    log.append(534);
    log.publish();
    log.kill();
    log.restore_directory("monday-log");
    expect_refused(log, {"rollback of the log directory", "700", "1,234"});
}

TEST(Guard, ARolledBackStoreThatGrewAgainIsRefusedAsAnotherLog) {
    LogUnderTest log;
    started_with(log, 700);
    log.back_up_store("monday");
    log.append(100, "true");
    log.publish();
    log.back_up_directory("true-log");
    log.kill();
    log.restore_store("monday");
    // Somebody goes on with the old store elsewhere, past the published size.
    fs::rename(log.directory(), log.scratch("away"));
    fs::rename(log.anchor(), log.scratch("anchor-away"));
    log.restore_directory("true-log");
    fs::remove(log.directory() / "checkpoint");
    testing::overwrite(log.directory() / "checkpoint",
                       testing::contents(log.scratch("anchor-away") / anchor_file_name(testing::kOrigin)));
    ASSERT_TRUE(log.start());
    log.append(400, "false");
    log.kill();
    fs::rename(log.scratch("anchor-away"), log.anchor());
    log.restore_directory("true-log");
    expect_refused(log, {"two different logs", "1,100", "800"});
}

TEST(Guard, AnEmptyStoreBesideAPublishedLogIsRefused) {
    LogUnderTest log;
    started_with(log, 700);
    log.kill();
    fs::remove_all(log.store_directory());
    expect_refused(log, {"rollback of the store", "700", "0 leaves"});
}

// tests/README.md, 9.
TEST(Guard, ALogWithoutItsCheckpointIsRefused) {
    LogUnderTest log;
    started_with(log, 700);
    log.kill();
    fs::remove(log.directory() / "checkpoint");
    expect_refused(log, {"truncated", "checkpoint is missing", "700"});
}

TEST(Guard, ALogDirectoryThatIsGoneIsRefused) {
    LogUnderTest log;
    started_with(log, 700);
    log.kill();
    fs::remove_all(log.directory());
    expect_refused(log, {"truncated", "missing"});
}

TEST(Guard, MissingTilesAreRefused) {
    LogUnderTest log;
    started_with(log, 700);
    log.kill();
    fs::remove(log.directory() / "tile/0/001");
    expect_refused(log, {"truncated", "tile/0/001"});
}

TEST(Guard, LeavesMissingFromTheStoreAreRefused) {
    for (const std::uint64_t lost : {512u, 600u, 699u, 750u}) {
        LogUnderTest log;
        started_with(log, 700);
        log.append(51);  // not published
        ASSERT_TRUE(log.store().update(
            [&](WriteTransaction& txn) { return log.log().erase_leaves(txn, lost, lost + 1); }));
        log.kill();
        expect_refused(log, {"truncated", "leaf " + std::to_string(lost)});
    }
}

TEST(Guard, AnAlteredUnpublishedLeafIsRefused) {
    LogUnderTest log;
    started_with(log, 700);
    log.append(20);
    ASSERT_TRUE(log.store().update(
        [&](WriteTransaction& txn) { return txn.put(kLogLeaves, number_key(710), as_bytes("{}")); }));
    log.kill();
    expect_refused(log, {});
}

TEST(Guard, AnAlteredPublishedLeafIsRefusedAndNamed) {
    LogUnderTest log;
    started_with(log, 700);
    log.append(20);
    ASSERT_TRUE(log.store().update(
        [&](WriteTransaction& txn) { return txn.put(kLogLeaves, number_key(650), as_bytes("{}")); }));
    log.kill();
    expect_refused(log, {"leaf 650 is not the one that was published", "tile/0/002.p/188"});
}

TEST(Guard, AnAlteredTreeInTheStoreIsRefused) {
    LogUnderTest log;
    started_with(log, 700);
    ASSERT_TRUE(log.store().update([&](WriteTransaction& txn) -> Status {
        SIGILLO_ASSIGN(const auto row, txn.get(kLogState, as_bytes("tree")));
        Bytes altered = to_bytes(*row);
        altered[40] ^= 1;
        return txn.put(kLogState, as_bytes("tree"), altered);
    }));
    log.kill();
    expect_refused(log, {});
}

TEST(Guard, EveryFlippedBitOfACheckpointIsRefused) {
    LogUnderTest log;
    started_with(log, 300);
    log.kill();
    for (const fs::path& place :
         {log.directory() / "checkpoint", log.anchor() / anchor_file_name(testing::kOrigin)}) {
        const std::string good = testing::contents(place);
        for (std::uint64_t bit = 0; bit < good.size() * 8; bit += 37) {
            testing::flip_bit(place, bit);
            expect_refused(log, {"tampered", place.string()});
            testing::overwrite(place, good);
        }
    }
    ASSERT_TRUE(log.start());
}

TEST(Guard, ACheckpointSignedByAnotherKeyIsRefused) {
    LogUnderTest log;
    started_with(log, 300);
    log.kill();
    const auto other = LogIdentity::create(testing::kOrigin,
                                           sigillo::testing::SoftwareKey::generate(KeyAlgorithm::kEd25519));
    testing::overwrite(log.anchor() / anchor_file_name(testing::kOrigin),
                       *other->sign({testing::kOrigin, 5, empty_root()}));
    expect_refused(log, {"tampered", "not signed by"});
}

TEST(Guard, AnAnchorThatNeverHadACheckpointMayBeOutOfReach) {
    LogUnderTest log;
    fs::remove_all(log.anchor());
    const auto report = log.start();
    ASSERT_TRUE(report) << to_string(report.error());
    EXPECT_EQ(report->warnings.size(), 1u);
}

TEST(Guard, AnAnchorThatLostItsCheckpointsIsRefusedUntilAnOfficerOverrides) {
    LogUnderTest log;
    started_with(log, 300);
    log.kill();
    ASSERT_TRUE(log.start());
    log.kill();
    fs::rename(log.anchor(), log.anchor().string() + ".unmounted");
    fs::create_directory(log.anchor());
    expect_refused(log, {"rollback anchor", "Mount it"});
    ASSERT_TRUE(override_log(log));
    EXPECT_TRUE(log.start());
}

TEST(Guard, OthersFilesInAnAnchorAreIgnoredAndOneOutOfReachIsRefused) {
    LogUnderTest log;
    started_with(log, 300);
    log.kill();
    testing::overwrite(log.anchor() / "another.example%2Flog.checkpoint", "not ours");
    testing::overwrite(log.anchor() / "notes.txt", "not ours");
    const auto report = log.start();
    ASSERT_TRUE(report) << to_string(report.error());
    EXPECT_TRUE(report->warnings.empty());
    log.kill();
    fs::remove_all(log.anchor());
    expect_refused(log, {"rollback anchor", "Mount it"});
}

TEST(Guard, AChangedOriginIsRefused) {
    LogUnderTest log;
    started_with(log, 10);
    const auto renamed = LogIdentity::create("other.example/log", log.key());
    LogPlaces places = log.places();
    fs::remove(log.directory() / "checkpoint");
    fs::remove_all(log.anchor());
    const auto report = guard_log(log.store(), log.log(), *renamed, places, "");
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().field, "origin");
}

TEST(Guard, StartsFastWithAHundredThousandLeaves) {
    LogUnderTest log;
    started_with(log, 100'000);
    log.append(50);
    log.kill();
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(log.start());
    const auto took = std::chrono::steady_clock::now() - begin;
    // 100 ms are asked for; a loaded machine gets more.
    EXPECT_LT(took, std::chrono::seconds(1));
    RecordProperty("milliseconds",
                   static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
}

// ---- the override
// ---------------------------------------------------------------------------------------------------

Leaf leaf_at(LogUnderTest& log, std::uint64_t index) {
    return *view_returning(log.store(), [&](ReadTransaction& txn) -> Result<Leaf> {
        SIGILLO_ASSIGN(const Bytes bytes, log.log().leaf(txn, index));
        return parse_leaf(bytes);
    });
}

TEST(Epoch, AnOverrideOpensANewEpochAndTheOldOneStaysVerifiable) {
    LogUnderTest log;
    started_with(log, 700);
    log.back_up_store("monday");
    log.append(534);
    log.publish();
    const Checkpoint lost = log.snapshot().checkpoint();
    log.kill();
    log.restore_store("monday");
    ASSERT_FALSE(log.start());
    ASSERT_TRUE(override_log(log));
    const auto report = log.start();
    ASSERT_TRUE(report) << to_string(report.error());
    EXPECT_EQ(report->epoch.number, 2u);
    EXPECT_EQ(report->epoch.origin, "sign.example/log/epoch-2");

    const Leaf first = leaf_at(log, 0);
    EXPECT_EQ(first.type, "epoch.opened");
    EXPECT_EQ(first.text("officer"), "officer-7");
    EXPECT_EQ(first.text("reason"), "restored from the backup of Monday");
    EXPECT_EQ(first.number("previous_size"), 1234u);
    EXPECT_EQ(first.number("store_size"), 700u);
    EXPECT_EQ(open_checkpoint(*first.text("previous_checkpoint"), log.identity().keys())->checkpoint, lost);

    log.append(300);
    log.publish();
    EXPECT_EQ(log.snapshot().checkpoint().size, 301u);
    EXPECT_EQ(log.snapshot().checkpoint().origin, "sign.example/log/epoch-2");
    const auto old = LogSnapshot::open(log.directory() / "epochs/1", log.identity().keys());
    ASSERT_TRUE(old);
    EXPECT_EQ(old->checkpoint(), lost);
    EXPECT_TRUE(old->verify_tree([](std::uint64_t, ByteView) { return Status(); }, {}));
    // The leaves that the restored store had kept for itself.
    const auto entries = log.directory() / "epochs/1/unpublished-512.entries";
    EXPECT_TRUE(decode_bundle(as_bytes(testing::contents(entries)), 188));
    ASSERT_TRUE(log.start());
}

TEST(Epoch, ATamperedCheckpointCanBeOverriddenToo) {
    LogUnderTest log;
    started_with(log, 700);
    log.kill();
    testing::overwrite(log.directory() / "checkpoint", "rubbish");
    expect_refused(log, {"tampered"});
    ASSERT_TRUE(override_log(log));
    const auto report = log.start();
    ASSERT_TRUE(report) << to_string(report.error());
    EXPECT_EQ(report->epoch.number, 2u);
}

TEST(Epoch, NumbersGoOnAboveEverythingThatWasSeen) {
    LogUnderTest log;
    started_with(log, 10);
    log.back_up_store("monday");
    log.append(5);
    log.publish();
    log.anchor_now();
    for (const std::uint64_t number : {2u, 3u, 4u}) {
        log.kill();
        log.restore_store("monday");  // of epoch 1, again and again
        expect_refused(log, {"rollback"});
        ASSERT_TRUE(override_log(log));
        const auto report = log.start();
        ASSERT_TRUE(report) << to_string(report.error());
        EXPECT_EQ(report->epoch.number, number);
        log.append(3);
        log.publish();
        log.anchor_now();
    }
    EXPECT_TRUE(fs::exists(log.directory() / "epochs/1/checkpoint"));
    EXPECT_TRUE(fs::exists(log.directory() / "epochs/3/checkpoint"));
}

TEST(Epoch, CutShortAnywhereItIsFinishedAtTheNextStart) {
    for (const bool checkpoint_moved : {false, true}) {
        LogUnderTest log;
        started_with(log, 300);
        ASSERT_TRUE(override_log(log));
        // Back to where the files were not moved yet, or only the first of them.
        fs::rename(log.directory() / "epochs/1/tile", log.directory() / "tile");
        if (!checkpoint_moved)
            fs::rename(log.directory() / "epochs/1/checkpoint", log.directory() / "checkpoint");
        ASSERT_TRUE(log.store().update([&](WriteTransaction& txn) -> Status {
            SIGILLO_ASSIGN(auto epoch, log.log().epoch(txn));
            epoch->set_aside = 1;
            return log.log().put_epoch(txn, *epoch);
        }));
        log.kill();
        const auto report = log.start();
        ASSERT_TRUE(report) << to_string(report.error());
        EXPECT_EQ(report->epoch.number, 2u);
        EXPECT_EQ(log.snapshot().checkpoint().size, 1u);
        EXPECT_TRUE(LogSnapshot::open(log.directory() / "epochs/1", log.identity().keys()));
    }
}

TEST(Epoch, WhatElseARestoreChangesIsInTheSameTransaction) {
    LogUnderTest log;
    started_with(log, 300);
    EpochOrder order{"officer-7", "test", log.clock().now(),
                     [&](WriteTransaction& txn, const LogEpoch& epoch) -> Status {
                         EXPECT_EQ(epoch.number, 2u);
                         SIGILLO_ASSIGN([[maybe_unused]] auto index,
                                        log.log().append(txn, Event("factor.unlocked", log.clock().now())));
                         return fail(Errc::kConflict, "changed my mind");
                     }};
    EXPECT_FALSE(open_epoch(log.store(), log.log(), log.identity(), log.places(), order));
    const auto report = log.start();
    ASSERT_TRUE(report) << to_string(report.error());
    EXPECT_EQ(report->epoch.number, 1u);
    EXPECT_EQ(report->size, 300u);
}

TEST(Epoch, ADirectoryOfAnEarlierEpochPutBackIsRefused) {
    LogUnderTest log;
    started_with(log, 300);
    log.back_up_directory("old-log");
    ASSERT_TRUE(override_log(log));
    ASSERT_TRUE(log.start());
    log.append(20);
    log.publish();
    log.kill();
    log.restore_directory("old-log");
    expect_refused(log, {"rollback of the log directory", "epoch 1"});
}

}  // namespace
}  // namespace sigillo::audit
