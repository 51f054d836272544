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

TEST(WorkerPool, AClosedPoolTakesNothingMore) {
    WorkerPool pool(1, 1);
    pool.close();
    EXPECT_EQ(pool.submit([] {}).error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace sigillo
