#include "api/fetch/sigillo-fetch/fetch_cache.h"

#include <gtest/gtest.h>

#include "appliance/base/digest.h"
#include "tests/support/manual_clock.h"

namespace sigillo::fetch {
namespace {

using namespace std::chrono_literals;
using testing::ManualClock;

TEST(FetchCacheTest, WhatNobodyHasJudgedIsKeptForAMoment) {
    ManualClock clock;
    FetchCache cache({}, clock);
    cache.keep("a", {1, 2, 3});
    EXPECT_EQ(cache.find("a")->body, (Bytes{1, 2, 3}));
    EXPECT_FALSE(cache.find("b"));
    clock.advance(30s);
    EXPECT_FALSE(cache.find("a"));
}

TEST(FetchCacheTest, WhatHoldsUntilThenIsKeptUntilThenAndNeverLongerThanTheBound) {
    ManualClock clock;
    FetchCache cache({}, clock);
    cache.keep("a", {1});
    cache.keep_until("a", sha256(Bytes{1}), clock.now() + 10min);
    clock.advance(9min);
    EXPECT_TRUE(cache.find("a"));
    cache.keep_until("a", sha256(Bytes{1}), clock.now() + 24h);
    clock.advance(50min);
    EXPECT_TRUE(cache.find("a"));
    clock.advance(1min);
    EXPECT_FALSE(cache.find("a"));
}

TEST(FetchCacheTest, AWordAboutAnotherBodyIsNoWordAboutThisOne) {
    ManualClock clock;
    FetchCache cache({}, clock);
    cache.keep("a", {1});
    cache.keep_until("a", sha256(Bytes{2}), clock.now() + 10min);
    clock.advance(31s);
    EXPECT_FALSE(cache.find("a"));
    cache.keep("a", {1});
    cache.keep_until("a", sha256(Bytes{1}), clock.now());
    EXPECT_FALSE(cache.find("a")) << "it has ended";
}

TEST(FetchCacheTest, TheClockThatIsSetBackKeepsNothingAlive) {
    ManualClock clock;
    FetchCache cache({}, clock);
    cache.keep("a", {1});
    clock.set_wall(clock.now() - 24h);
    clock.advance(30s);
    EXPECT_FALSE(cache.find("a"));
}

TEST(FetchCacheTest, NumberAndOctetsAreBounded) {
    ManualClock clock;
    FetchCache few({.entries = 2}, clock);
    for (const char* key : {"a", "b", "c"}) few.keep(key, {1});
    EXPECT_EQ(few.size(), 2U);
    EXPECT_FALSE(few.find("a"));
    FetchCache small({.bytes = 10}, clock);
    small.keep("a", Bytes(6));
    small.keep("b", Bytes(6));
    EXPECT_FALSE(small.find("a"));
    EXPECT_TRUE(small.find("b"));
    small.keep("c", Bytes(11));
    EXPECT_FALSE(small.find("c"));
    EXPECT_TRUE(small.find("b"));
}

}  // namespace
}  // namespace sigillo::fetch
