// CHECKS 37 at the daemon: sigillod's own parts put together in this process, asked over its socket; time
// comes through the seam below the TimeSource, and the machine's clock is never set.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <thread>

#include "appliance/sigillod/appliance.h"
#include "tests/sigillod/daemon_under_test.h"
#include "tsa/failure.h"

namespace sigillo::testing {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

class InjectedClock final : public tsa::KernelClock {
 public:
    tsa::ClockReading read() override {
        tsa::ClockReading reading = system_.read();
        reading.real += tsa::Microseconds(offset_us.load());
        return reading;
    }
    Result<tsa::KernelDiscipline> discipline() override {
        const std::lock_guard lock(mutex_);
        return state_;
    }
    void set(const tsa::KernelDiscipline& state) {
        const std::lock_guard lock(mutex_);
        state_ = state;
    }
    std::atomic<std::int64_t> offset_us{0};

 private:
    tsa::SystemKernelClock system_;
    std::mutex mutex_;
    tsa::KernelDiscipline state_{true, 20ms, tsa::LeapNotice::kNone, false};
};

class InjectedDaemon final : public tsa::TimeDaemon {
 public:
    Result<tsa::DaemonTracking> tracking() override {
        while (hung) std::this_thread::sleep_for(10ms);
        if (gone) return fail(Errc::kUnavailable, "chronyd has not answered");
        return tsa::DaemonTracking{true, tsa::LeapNotice::kNone, 1ms, 10ms, 5ms};
    }
    Result<tsa::DaemonSources> sources() override { return tsa::DaemonSources{4, usable}; }
    std::atomic<bool> gone{false};
    std::atomic<bool> hung{false};  // and with it the monitor, which waits for the answer
    std::atomic<unsigned> usable{4};
};

constexpr tsa::KernelDiscipline kGood{true, 20ms, tsa::LeapNotice::kNone, false};

// One test: SoftHSM reads its configuration once a process.
class TsaClock : public ::testing::Test {
 protected:
    void SetUp() override {
        const std::string home = daemon_.home().string();
        std::ofstream(daemon_.home() / "hsm/tsa-pin") << "13572468\n";
        std::filesystem::permissions(daemon_.home() / "hsm/tsa-pin", std::filesystem::perms::owner_read |
                                                                         std::filesystem::perms::owner_write);
        std::ofstream(daemon_.config(), std::ios::app)
            << "\n[tsa]\ntoken = \"pkcs11:token=sigillo-tsa?module-path=" << SIGILLO_SOFTHSM2_MODULE
            << "\"\npin_file = \"" << home << "/hsm/tsa-pin\"\ntoken_directory = \"" << home
            << "/hsm/tokens\"\nstore_directory = \"" << home << "/tsa-store\"\nlog_directory = \"" << home
            << "/tsa-log\"\nlog_origin = \"test.example/tsa\"\nlog_anchors = [\"" << home
            << "/anchor\"]\npolicies = [\"1.2.3.4.5\"]\njump_hold_ms = 300\nsources_interval_ms = 200\n"
               "reserve_mib = 1\n";
        daemon_.provision();
        ::setenv("SOFTHSM2_CONF", (daemon_.home() / "hsm/softhsm2.conf").c_str(), 1);
        auto config = load_daemon_config(daemon_.config());
        ASSERT_TRUE(config) << to_string(config.error());
        config_ = *std::move(config);
        auto base = lay_foundation(config_, system_, random_, logger_);
        ASSERT_TRUE(base) << to_string(base.error());
        auto appliance = Appliance::assemble(*std::move(base), {&clock_, &time_daemon_});
        ASSERT_TRUE(appliance) << to_string(appliance.error());
        appliance_ = *std::move(appliance);
        const Status serving = appliance_->serve();
        ASSERT_TRUE(serving) << to_string(serving.error());
        sam::AdminRequest request;
        sam::TsuCreate& unit = *request.mutable_tsu_create();
        unit.set_name("a unit");
        unit.set_algorithm("EC-P256");
        unit.mutable_subject()->set_country("IT");
        unit.mutable_subject()->set_organization("Tests");
        unit.mutable_subject()->set_common_name("A unit");
        unit.set_certificate_source("embedded");
        unit.set_activate(true);
        const auto made = daemon_.ask(request);
        ASSERT_FALSE(made.has_error()) << made.error().detail();
        ASSERT_EQ(stamp(), "");
    }

    // The failure's name; empty when a token came.
    std::string stamp() {
        sam::PublicRequest request;
        request.mutable_time_stamp()->set_hash(static_cast<std::uint32_t>(HashAlgorithm::kSha256));
        request.mutable_time_stamp()->set_digest(std::string(32, 'x'));
        const auto answer = daemon_.ask(request);
        if (answer.has_error()) return "error: " + answer.error().detail();
        return answer.time_stamped().failure();
    }
    bool becomes(const std::string& wanted, std::chrono::milliseconds within) {
        const auto until = Steady::now() + within;
        while (stamp() != wanted) {
            if (Steady::now() > until) return false;
            std::this_thread::sleep_for(10ms);
        }
        return true;
    }
    void expect_no_token_within_a_second_and_recovery(const std::function<void()>& trouble,
                                                      const std::function<void()>& cure) {
        trouble();
        EXPECT_TRUE(becomes("timeNotAvailable", 1s));
        for (int i = 0; i < 20; ++i) EXPECT_EQ(stamp(), "timeNotAvailable");
        cure();
        EXPECT_TRUE(becomes("", 5s));
    }

    DaemonUnderTest daemon_;
    SystemClock system_;
    SystemRandom random_;
    Logger logger_{"test"};
    InjectedClock clock_;
    InjectedDaemon time_daemon_;
    DaemonConfig config_;
    std::unique_ptr<Appliance> appliance_;
};

TEST_F(TsaClock, NoTokenLeavesWhileTheClockIsInTroubleAndAllIsWellAfterwardsWithoutARestart) {
    expect_no_token_within_a_second_and_recovery(
        [&] { clock_.set({false, 20ms, tsa::LeapNotice::kNone, false}); }, [&] { clock_.set(kGood); });
    expect_no_token_within_a_second_and_recovery(
        [&] { clock_.set({true, 5s, tsa::LeapNotice::kNone, false}); }, [&] { clock_.set(kGood); });
    expect_no_token_within_a_second_and_recovery([&] { time_daemon_.gone = true; },
                                                 [&] { time_daemon_.gone = false; });
    expect_no_token_within_a_second_and_recovery([&] { time_daemon_.usable = 1; },
                                                 [&] { time_daemon_.usable = 4; });
    expect_no_token_within_a_second_and_recovery(
        [&] { clock_.set({true, 20ms, tsa::LeapNotice::kInsert, true}); }, [&] { clock_.set(kGood); });

    // The monitor is dead: its last verdict runs out.
    expect_no_token_within_a_second_and_recovery([&] { time_daemon_.hung = true; },
                                                 [&] { time_daemon_.hung = false; });
    // A leap second is announced for the end of this day, which is near. That it is announced no more does
    // not end it: only when it is far behind or ahead does the clock count again.
    const auto move_to = [&](tsa::PreciseTime time) {
        clock_.offset_us += (time - clock_.read().real).count();
    };
    const auto today = std::chrono::floor<std::chrono::days>(clock_.read().real);
    move_to(today + std::chrono::days(1) - 30s);
    EXPECT_TRUE(becomes("timeNotAvailable", 1s));  // the step
    EXPECT_TRUE(becomes("", 5s));
    expect_no_token_within_a_second_and_recovery(
        [&] { clock_.set({true, 20ms, tsa::LeapNotice::kInsert, false}); },
        [&] {
            clock_.set(kGood);
            EXPECT_FALSE(becomes("", 1s));
            move_to(today + 36h);  // noon of the next day: no time before the unit was certified
        });

    // A step either way is seen by the very next token.
    for (const std::int64_t jump : {2'000'000, -2'000'000}) {
        clock_.offset_us += jump;
        EXPECT_EQ(stamp(), "timeNotAvailable");
        EXPECT_TRUE(becomes("", 5s));
    }

    // The TSA's own word of itself.
    sam::AdminRequest request;
    request.mutable_get_tsa_status();
    const auto status = daemon_.ask(request);
    ASSERT_FALSE(status.has_error()) << status.error().detail();
    EXPECT_EQ(status.tsa_status().time_state(), "trusted");
    EXPECT_GE(status.tsa_status().refused().at("timeNotAvailable"), 100u);
}

}  // namespace
}  // namespace sigillo::testing
