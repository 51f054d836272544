#include "appliance/activation/clock_monitor.h"

#include <gtest/gtest.h>

#include "appliance/activation/deadline.h"
#include "tests/support/manual_clock.h"

namespace sigillo::activation {
namespace {

using namespace std::chrono_literals;
using sigillo::testing::ManualClock;

class ClockMonitorTest : public ::testing::Test {
 protected:
    void jump(std::chrono::milliseconds by) { clock_.set_wall(clock_.now() + by); }

    ManualClock clock_;
    ClockMonitor monitor_{{}, clock_};
};

TEST_F(ClockMonitorTest, time_that_passes_is_trusted) {
    for (int i = 0; i < 1'000; ++i) {
        clock_.advance(7s);
        ASSERT_TRUE(monitor_.check());
    }
}

TEST_F(ClockMonitorTest, a_jump_beyond_two_seconds_is_not_trusted_for_a_minute) {
    for (const auto by : {3'000ms, -3'000ms, -600'000ms, 86'400'000ms}) {
        jump(by);
        const auto seen = monitor_.check();
        ASSERT_FALSE(seen) << by.count();
        EXPECT_EQ(seen.error().code, Errc::kClockUntrusted);
        clock_.advance(59s);
        EXPECT_FALSE(monitor_.check());
        clock_.advance(1s);
        EXPECT_TRUE(monitor_.check()) << "even for a minute";
    }
}

TEST_F(ClockMonitorTest, another_jump_starts_the_minute_anew) {
    jump(10s);
    EXPECT_FALSE(monitor_.check());
    clock_.advance(50s);
    jump(-10s);  // back to where it was is a jump, too
    EXPECT_FALSE(monitor_.check());
    clock_.advance(50s);
    EXPECT_FALSE(monitor_.check());
    clock_.advance(10s);
    EXPECT_TRUE(monitor_.check());
}

TEST_F(ClockMonitorTest, a_slewing_clock_is_followed_for_days) {
    for (int i = 0; i < 100'000; ++i) {  // 11 days at 400 ppm: 400 s in all
        clock_.advance(10s);
        jump(4ms);
        ASSERT_TRUE(monitor_.check()) << i;
    }
}

TEST_F(ClockMonitorTest, many_small_steps_add_up_to_a_jump) {
    bool noticed = false;
    for (int i = 0; i < 20 && !noticed; ++i) {
        clock_.advance(1s);
        jump(-500ms);
        noticed = !monitor_.check().has_value();
    }
    EXPECT_TRUE(noticed);
}

TEST_F(ClockMonitorTest, a_leap_second_is_no_jump) {
    jump(-1s);
    EXPECT_TRUE(monitor_.check());
}

TEST(Deadline, counts_on_boot_time_whatever_the_wall_clock_says) {
    ManualClock clock;
    const auto deadline = deadline_after(clock, 60s);
    clock.set_wall(clock.now() + 24h);
    EXPECT_EQ(remaining(deadline, clock), 60s);
    clock.set_wall(clock.now() - 48h);
    clock.advance(59s);
    EXPECT_EQ(remaining(deadline, clock), 1s);
    EXPECT_EQ(remaining_this_boot(deadline, clock), 1s);
    clock.advance(1s);
    EXPECT_EQ(remaining(deadline, clock), 0s);
    clock.advance(1h);
    EXPECT_EQ(remaining(deadline, clock), 0s);
}

TEST(Deadline, after_a_reboot_wall_time_decides_for_locks_and_permissions_are_over) {
    ManualClock clock;
    const auto deadline = deadline_after(clock, 60s);
    clock.reboot("22222222-2222-4222-8222-222222222222");
    EXPECT_FALSE(of_this_boot(deadline, clock));
    EXPECT_EQ(remaining(deadline, clock), 60s);
    EXPECT_EQ(remaining_this_boot(deadline, clock), 0s);
    clock.advance(61s);
    EXPECT_EQ(remaining(deadline, clock), 0s);
}

TEST(Deadline, one_that_was_never_set_has_passed) {
    ManualClock clock;
    EXPECT_EQ(remaining({}, clock), 0s);
    EXPECT_EQ(remaining_this_boot({}, clock), 0s);
}

}  // namespace
}  // namespace sigillo::activation
