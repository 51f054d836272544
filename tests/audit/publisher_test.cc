#include "appliance/audit/publisher.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <thread>

#include "appliance/audit/verify/leaf.h"
#include "tests/audit/log_under_test.h"

namespace sigillo::audit {
namespace {

namespace fs = std::filesystem;
using testing::LogUnderTest;

std::vector<std::string> files_of(const fs::path& directory) {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        if (entry.is_regular_file()) files.push_back(entry.path().lexically_relative(directory).string());
    }
    std::ranges::sort(files);
    return files;
}

Status verify(const LogSnapshot& snapshot) {
    SIGILLO_TRY(snapshot.verify_tree(
        [](std::uint64_t, ByteView leaf) -> Status {
            SIGILLO_ASSIGN([[maybe_unused]] const Leaf parsed, parse_leaf(leaf));
            return {};
        },
        {}));
    SIGILLO_ASSIGN(const auto strangers, snapshot.check_other_files());
    return strangers.empty() ? Status() : fail(Errc::kCorrupt, "stranger " + strangers.front());
}

TEST(Publisher, TheEmptyLogHasACheckpointToo) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    EXPECT_EQ(log.snapshot().checkpoint().size, 0u);
    EXPECT_EQ(log.snapshot().checkpoint().root, empty_root());
}

TEST(Publisher, WhatWasCommittedVerifiesFromOutside) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    std::uint64_t size = 0;
    std::vector<LogSnapshot> earlier;
    for (const std::uint64_t more : {1u, 254u, 1u, 1u, 255u, 1000u, 3u}) {
        log.append(more);
        log.publish();
        size += more;
        const auto snapshot = log.snapshot();
        EXPECT_EQ(snapshot.checkpoint().size, size);
        const auto verified = verify(snapshot);
        EXPECT_TRUE(verified) << to_string(verified.error());
        for (const auto& before : earlier) EXPECT_TRUE(snapshot.extends(before.checkpoint()));
        earlier.push_back(snapshot);
    }
}

TEST(Publisher, PartialTilesOfTheLastTwoCheckpointsStayAndOlderOnesGo) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    for (int i = 0; i < 3; ++i) {
        log.append(10);
        log.publish();
    }
    EXPECT_EQ(files_of(log.directory()),
              (std::vector<std::string>{"checkpoint", "tile/0/000.p/20", "tile/0/000.p/30",
                                        "tile/entries/000.p/20", "tile/entries/000.p/30"}));
    log.append(226);
    log.publish();  // 256
    EXPECT_EQ(files_of(log.directory()),
              (std::vector<std::string>{"checkpoint", "tile/0/000", "tile/0/000.p/30", "tile/1/000.p/1",
                                        "tile/entries/000", "tile/entries/000.p/30"}));
    log.append(1000);
    log.publish();  // 1256
    log.append(1);
    log.publish();  // 1257
    EXPECT_EQ(
        files_of(log.directory()),
        (std::vector<std::string>{"checkpoint", "tile/0/000", "tile/0/001", "tile/0/002", "tile/0/003",
                                  "tile/0/004.p/232", "tile/0/004.p/233", "tile/1/000.p/4",
                                  "tile/entries/000", "tile/entries/001", "tile/entries/002",
                                  "tile/entries/003", "tile/entries/004.p/232", "tile/entries/004.p/233"}));
}

TEST(Publisher, LeavesInFullBundlesLeaveTheStoreAndAreStillRead) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.append(700);
    log.publish();
    EXPECT_EQ(log.published().packed, 512u);
    const auto status = log.store().view([&](ReadTransaction& txn) -> Status {
        std::uint64_t rows = 0;
        SIGILLO_TRY(txn.scan(kLogLeaves, {}, {}, [&](ByteView, ByteView) -> Result<bool> {
            ++rows;
            return true;
        }));
        EXPECT_EQ(rows, 700u - 512u);
        for (std::uint64_t index = 0; index < 700; ++index) {
            SIGILLO_ASSIGN(const Bytes bytes, log.log().leaf(txn, index));
            SIGILLO_ASSIGN(const Leaf leaf, parse_leaf(bytes));
            EXPECT_EQ(leaf.number("n"), index);
        }
        EXPECT_EQ(log.log().leaf(txn, 700).error().code, Errc::kNotFound);
        return {};
    });
    EXPECT_TRUE(status) << to_string(status.error());
}

TEST(Publisher, APackedLeafThatWasAlteredIsNotHandedOut) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.append(300);
    log.publish();
    testing::flip_bit(log.directory() / "tile/entries/000", 100);
    (void)log.store().view([&](ReadTransaction& txn) -> Status {
        const auto leaf = log.log().leaf(txn, 0);
        EXPECT_EQ(leaf.error().code, Errc::kCorrupt);
        EXPECT_NE(leaf.error().detail.find("tile/entries/000"), std::string::npos);
        return {};
    });
}

TEST(Publisher, ATransactionThatFailsTakesItsLeavesWithIt) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.append(3);
    EXPECT_FALSE(log.store().update([&](WriteTransaction& txn) -> Status {
        SIGILLO_ASSIGN([[maybe_unused]] auto index,
                       log.log().append(txn, Event("daemon.started", log.clock().now())));
        return fail(Errc::kConflict, "no");
    }));
    EXPECT_EQ(log.size(), 3u);
    log.publish();
    EXPECT_TRUE(verify(log.snapshot()));
}

// tests/README.md, 41.
TEST(Publisher, NoSecondTreeIsEverSignedForOneSize) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.append(500, "true");
    log.publish();
    const auto calls = log.key()->calls();
    // The store's tree is replaced by another one of the same size, then of a larger one.
    for (const std::uint64_t size : {500u, 600u}) {
        Frontier other;
        ASSERT_TRUE(log.store().update([&](WriteTransaction& txn) -> Status {
            SIGILLO_TRY(log.log().erase_leaves(txn, 0, 1000));
            SIGILLO_TRY(txn.erase(kLogState, as_bytes("tree")));
            for (std::uint64_t i = 0; i < size; ++i) {
                SIGILLO_ASSIGN([[maybe_unused]] auto index,
                               log.log().append(txn, Event("daemon.started", log.clock().now())));
            }
            return {};
        }));
        const auto status = log.publisher().publish();
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().code, Errc::kCorrupt);
        EXPECT_EQ(log.key()->calls(), calls);
        EXPECT_FALSE(log.publisher().health().publishing);
        EXPECT_EQ(log.snapshot().checkpoint().size, 500u);
    }
}

TEST(Publisher, NothingIsSignedWhenTheStoreShrinks) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.append(10);
    log.publish();
    ASSERT_TRUE(
        log.store().update([&](WriteTransaction& txn) { return txn.erase(kLogState, as_bytes("tree")); }));
    EXPECT_EQ(log.publisher().publish().error().code, Errc::kCorrupt);
}

TEST(Publisher, NothingIsSignedWhenSomebodyElsePublishesIntoTheDirectory) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.append(10);
    log.publish();
    const std::string ten = testing::contents(log.directory() / "checkpoint");
    log.append(10);
    log.publish();
    testing::overwrite(log.directory() / "checkpoint", ten);
    log.append(1);
    const auto calls = log.key()->calls();
    EXPECT_EQ(log.publisher().publish().error().code, Errc::kConflict);
    EXPECT_EQ(log.key()->calls(), calls);
}

TEST(Publisher, ASignatureThatDoesNotHoldIsNotPublished) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.append(10);
    log.key()->corrupt(true);
    EXPECT_EQ(log.publisher().publish().error().code, Errc::kHsmFailed);
    EXPECT_EQ(log.snapshot().checkpoint().size, 0u);
    log.key()->corrupt(false);
    log.publish();
    EXPECT_EQ(log.snapshot().checkpoint().size, 10u);
}

TEST(Publisher, PublishesAllThereIsWhenTheKeyIsBack) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.key()->fail_with(Error{Errc::kUnavailable, "the token is gone"});
    log.append(400);
    EXPECT_FALSE(log.publisher().publish());
    EXPECT_FALSE(log.publisher().health().publishing);
    EXPECT_EQ(log.published().packed, 0u);
    log.append(400);
    log.key()->fail_with(std::nullopt);
    log.publish();
    EXPECT_TRUE(log.publisher().health().publishing);
    EXPECT_EQ(log.snapshot().checkpoint().size, 800u);
    EXPECT_TRUE(verify(log.snapshot()));
}

TEST(Publisher, CrashBetweenCommitAndPublicationIsMended) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.append(300);
    log.publish();
    log.append(300);
    log.kill();
    const auto report = log.start();
    ASSERT_TRUE(report) << to_string(report.error());
    EXPECT_EQ(report->newest_size, 300u);
    EXPECT_EQ(log.snapshot().checkpoint().size, 600u);
    EXPECT_TRUE(verify(log.snapshot()));
}

TEST(Publisher, CrashBetweenTilesAndCheckpointIsMended) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.append(300);
    log.publish();
    const auto before = log.snapshot();
    log.append(300);
    // Tiles are written, then the signature fails and the process dies.
    log.key()->fail_with(Error{Errc::kUnavailable, "power cut"});
    EXPECT_FALSE(log.publisher().publish());
    EXPECT_TRUE(fs::exists(log.directory() / "tile/0/001"));
    EXPECT_TRUE(verify(before)) << "the old checkpoint still has its tiles";
    log.kill();
    log.key()->fail_with(std::nullopt);
    ASSERT_TRUE(log.start());
    EXPECT_EQ(log.snapshot().checkpoint().size, 600u);
    EXPECT_TRUE(verify(log.snapshot()));
    EXPECT_TRUE(log.snapshot().extends(before.checkpoint()));
}

TEST(Publisher, CrashBetweenCheckpointAndTheStoresNoteOfItIsMended) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.append(300);
    log.publish();
    const Published before = log.published();
    log.append(300);
    std::vector<Bytes> leaves;
    ASSERT_TRUE(log.store().view([&](ReadTransaction& txn) {
        return log.log().visit_leaves(txn, before.packed, [&](std::uint64_t, ByteView leaf) -> Result<bool> {
            leaves.push_back(to_bytes(leaf));
            return true;
        });
    }));
    log.publish();
    // As if the process had died before the store was told, and could forget what it was told of.
    ASSERT_TRUE(log.store().update([&](WriteTransaction& txn) -> Status {
        for (std::size_t i = 0; i < leaves.size(); ++i)
            SIGILLO_TRY(txn.put(kLogLeaves, number_key(before.packed + i), leaves[i]));
        return log.log().put_published(txn, before);
    }));
    log.kill();
    ASSERT_TRUE(log.start());
    EXPECT_TRUE(verify(log.snapshot()));
}

TEST(Publisher, PartialTilesTornByAPowerCutAreWrittenAgain) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.append(300);
    log.publish();
    log.kill();
    testing::overwrite(log.directory() / "tile/0/001.p/44", "");
    fs::remove(log.directory() / "tile/entries/001.p/44");
    testing::overwrite(log.directory() / "tile/1/000.p/1", "rubbish");
    const auto report = log.start();
    ASSERT_TRUE(report) << to_string(report.error());
    EXPECT_TRUE(verify(log.snapshot()));
}

TEST(Publisher, AFullDiskStopsPublicationAndItResumes) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.append(10);
    // Files of this process may have 0 bytes from here on, so that every write of a tile fails as on a full
    // disk.
    struct rlimit old{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
    ::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit none{0, old.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
    const auto status = log.publisher().publish();
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
    EXPECT_FALSE(status);
    EXPECT_FALSE(log.publisher().health().publishing);
    EXPECT_EQ(log.snapshot().checkpoint().size, 0u);
    log.publish();
    EXPECT_EQ(log.snapshot().checkpoint().size, 10u);
    EXPECT_EQ(files_of(log.directory()).size(), 3u) << "nothing unfinished is left";
}

TEST(Publisher, TheThreadPublishesWithinASecondAndAnchors) {
    LogUnderTest log;
    log.config.interval = std::chrono::milliseconds(20);
    ASSERT_TRUE(log.start());
    log.publisher().start();
    log.append(5);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    const auto anchored = log.anchor() / anchor_file_name(testing::kOrigin);
    const auto anchored_size = [&]() -> std::uint64_t {
        if (!fs::exists(anchored)) return 0;
        return open_checkpoint(testing::contents(anchored), log.identity().keys())->checkpoint.size;
    };
    while (anchored_size() < 5 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(log.snapshot().checkpoint().size, 5u);
    EXPECT_EQ(anchored_size(), 5u);
    EXPECT_EQ(log.publisher().health().anchor, "rollback anchor: same disk");
    log.append(1);
    log.publisher().stop();
    EXPECT_EQ(log.snapshot().checkpoint().size, 6u) << "what is committed is published at the end";
    EXPECT_EQ(anchored_size(), 6u);
}

TEST(Publisher, AnAnchorThatKnowsMoreIsNotOverwritten) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    log.append(5);
    log.publish();
    const auto anchored = log.anchor() / anchor_file_name(testing::kOrigin);
    const std::string ahead = *log.identity().sign({testing::kOrigin, 50, empty_root()});
    testing::overwrite(anchored, ahead);
    log.publisher().start();
    log.publisher().stop();
    EXPECT_EQ(testing::contents(anchored), ahead);
    EXPECT_NE(log.publisher().health().anchor.find("size 50"), std::string::npos);
}

TEST(Publisher, PublishesUnderLoadWhileReadersVerify) {
    LogUnderTest log;
    log.config.interval = std::chrono::milliseconds(5);
    ASSERT_TRUE(log.start());
    log.publisher().start();
    std::atomic<bool> done = false;
    std::atomic<int> verified = 0;
    std::thread reader([&] {
        while (!done) {
            const auto snapshot = LogSnapshot::open(log.directory(), log.identity().keys());
            ASSERT_TRUE(snapshot) << to_string(snapshot.error());
            const auto status = verify(*snapshot);
            ASSERT_TRUE(status) << to_string(status.error());
            ++verified;
        }
    });
    for (int i = 0; i < 100; ++i) log.append(100);
    while (verified < 3) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    done = true;
    reader.join();
    log.publisher().stop();
    EXPECT_EQ(log.snapshot().checkpoint().size, 10'000u);
    EXPECT_TRUE(verify(log.snapshot()));
    EXPECT_EQ(log.published().packed, 10'000u / 256 * 256);
}

}  // namespace
}  // namespace sigillo::audit
