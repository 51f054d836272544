#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "appliance/base/worker_pool.h"

namespace sigillo {
namespace {

TEST(WorkerPool, RunsEverythingThatItAccepted) {
    std::atomic<int> done{0};
    {
        WorkerPool pool(4, 1'000);
        for (int i = 0; i < 500; ++i) ASSERT_TRUE(pool.submit([&] { ++done; }));
    }
    EXPECT_EQ(done, 500);
}

TEST(WorkerPool, RefusesAtOnceWhenTheQueueIsFull) {
    std::latch started(1), release(1);
    WorkerPool pool(1, 2);
    ASSERT_TRUE(pool.submit([&] {
        started.count_down();
        release.wait();
    }));
    started.wait();
    ASSERT_TRUE(pool.submit([] {}));
    ASSERT_TRUE(pool.submit([] {}));
    EXPECT_EQ(pool.submit([] {}).error().code, Errc::kUnavailable);
    EXPECT_EQ(pool.waiting(), 2u);
    release.count_down();
}

TEST(WorkerPool, OneNameLeavesThreadsForTheOthers) {
    std::latch started(2), release(1), other_done(1);
    WorkerPool pool(3, 100, 2);
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(pool.submit(
            [&, i] {
                if (i < 2) started.count_down();
                release.wait();
            },
            "greedy"));
    started.wait();
    ASSERT_TRUE(pool.submit([&] { other_done.count_down(); }, "modest"));
    other_done.wait();
    release.count_down();
}

TEST(WorkerPool, TwoNamesTakeTurns) {
    std::latch started(1), release(1);
    std::string order;
    {
        WorkerPool pool(1, 100);
        ASSERT_TRUE(pool.submit([&] {
            started.count_down();
            release.wait();
        }));
        started.wait();
        for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.submit([&] { order += 'a'; }, "a"));
        for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.submit([&] { order += 'b'; }, "b"));
        release.count_down();
    }
    EXPECT_EQ(order, "ababab");
}

TEST(WorkerPool, AClosedPoolTakesNothingMore) {
    WorkerPool pool(1, 1);
    pool.close();
    EXPECT_EQ(pool.submit([] {}).error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace sigillo
