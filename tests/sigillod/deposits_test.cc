#include "appliance/sigillod/deposits.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "appliance/ipc/sealed_memory.h"
#include "tests/support/manual_clock.h"

namespace sigillo::testing {
namespace {

using namespace std::chrono_literals;

class DepositsTest : public ::testing::Test {
 protected:
    static UniqueFd sealed(std::size_t size) {
        auto fd = ipc::make_memory_file("test");
        EXPECT_TRUE(fd);
        EXPECT_EQ(::ftruncate(fd->get(), static_cast<off_t>(size)), 0);
        EXPECT_TRUE(ipc::seal_memory(fd->get()));
        return *std::move(fd);
    }
    Errc putting(UniqueFd fd) {
        const auto name = deposits_.put(std::move(fd));
        return name ? Errc{} : name.error().code;
    }

    ManualClock clock_;
    SystemRandom random_;
    Deposits deposits_{{.count = 3, .bytes_each = 100, .bytes_total = 250, .lifetime = 60s}, clock_, random_};
};

TEST_F(DepositsTest, EachIsTakenOnceByItsName) {
    const auto first = deposits_.put(sealed(10));
    const auto second = deposits_.put(sealed(20));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->size(), 16U);
    EXPECT_NE(*first, *second);
    const auto taken = deposits_.take(*second);
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->size, 20U);
    EXPECT_EQ(*ipc::sealed_size(taken->fd.get()), 20U);
    EXPECT_EQ(deposits_.take(*second).error().code, Errc::kNotFound);
    EXPECT_EQ(deposits_.take({}).error().code, Errc::kNotFound);
    EXPECT_EQ(deposits_.content().bytes, 10U);
    EXPECT_EQ(deposits_.content().count, 1U);
}

TEST_F(DepositsTest, NumberAndBytesAreBoundedAndBothComeBack) {
    EXPECT_EQ(putting(sealed(101)), Errc::kLimitExceeded);
    EXPECT_EQ(putting(sealed(0)), Errc::kInvalidArgument);
    EXPECT_EQ(putting(UniqueFd()), Errc::kInvalidArgument);
    const auto first = deposits_.put(sealed(100));
    EXPECT_EQ(putting(sealed(100)), Errc{});
    EXPECT_EQ(putting(sealed(51)), Errc::kUnavailable);
    EXPECT_EQ(putting(sealed(1)), Errc{});
    EXPECT_EQ(putting(sealed(1)), Errc::kUnavailable);
    ASSERT_TRUE(deposits_.take(*first));
    EXPECT_EQ(putting(sealed(100)), Errc{});
}

TEST_F(DepositsTest, WhatNobodyTakesIsForgottenWhateverTheWallClockSays) {
    const auto early = deposits_.put(sealed(100));
    clock_.set_wall(clock_.now() + 1h);
    clock_.advance(59s);
    const auto late = deposits_.put(sealed(100));
    clock_.advance(1s);
    EXPECT_EQ(deposits_.take(*early).error().code, Errc::kNotFound);
    EXPECT_EQ(deposits_.content().count, 2U);
    deposits_.forget_expired();
    EXPECT_EQ(deposits_.content().count, 1U);
    EXPECT_EQ(deposits_.content().forgotten, 1U);
    EXPECT_TRUE(deposits_.take(*late));
    // put() forgets, too: what expired is in nobody's way.
    for (int i = 0; i < 3; ++i) EXPECT_EQ(putting(sealed(10)), Errc{});
    EXPECT_EQ(putting(sealed(10)), Errc::kUnavailable);
    clock_.advance(60s);
    EXPECT_EQ(putting(sealed(10)), Errc{});
    EXPECT_EQ(deposits_.content().bytes, 10U);
}

}  // namespace
}  // namespace sigillo::testing
