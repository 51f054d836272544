// CHECKS 30, 37, 38, 39 at the authority: no token without clock, log, room and a signature that holds.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "appliance/base/encoding.h"
#include "appliance/base/oid.h"
#include "tests/tsa/tsa_under_test.h"

namespace sigillo::tsa::testing {
namespace {

void expect_refused(TsaUnderTest& tsa, PkiFailureInfo info, const TimeStampRequest& request) {
    const auto response = run_to_end(tsa.authority->issue(request));
    ASSERT_FALSE(response);
    EXPECT_EQ(failure_name(response.error().info), failure_name(info)) << response.error().text;
    const ReadResponse read = read_response(run_to_end(tsa.authority->respond(request)));
    EXPECT_EQ(read.status, 2);
    EXPECT_EQ(read.failures, std::vector<int>{static_cast<int>(info)});
}
void expect_refused(TsaUnderTest& tsa, PkiFailureInfo info) {
    expect_refused(tsa, info, request_for("x"));
}

TimeStampRequest with_policy(const std::string& dotted) {
    const Bytes policy = encode_oid(dotted).value();
    const Digest digest = digest_of(HashAlgorithm::kSha256, as_bytes("x"));
    return TimeStampRequest::create({HashAlgorithm::kSha256, digest.bytes(), false, policy, {}, true})
        .value();
}

TEST(TsaAuthority, EveryTokenStandsInTheLogWithSerialImprintPolicyTimeAndUnit) {
    TsaUnderTest tsa;
    const UnitId unit = tsa.add_unit();
    const ReadResponse read =
        read_response(run_to_end(tsa.authority->issue(with_policy(kOtherPolicy))).value());
    const auto leaves = tsa.events("tsa.token");
    ASSERT_EQ(leaves.size(), 1u);
    EXPECT_EQ(leaves[0]["serial"], read.serial_hex);
    EXPECT_EQ(leaves[0]["hash_alg"], "2.16.840.1.101.3.4.2.1");
    EXPECT_EQ(leaves[0]["imprint"], base64_encode(read.imprint));
    EXPECT_EQ(leaves[0]["policy"], kOtherPolicy);
    EXPECT_EQ(leaves[0]["gen_time"], read.gen_time);
    EXPECT_EQ(leaves[0]["unit"], unit.str());
}

TEST(TsaAuthority, StartAndStopStandInTheLog) {
    TsaUnderTest tsa;
    const UnitId unit = tsa.add_unit();
    tsa.restart();
    ASSERT_TRUE(run_to_end(tsa.authority->issue(request_for("x"))));
    ASSERT_TRUE(tsa.authority->stop("the test is over"));
    const auto started = tsa.events("tsa.started");
    ASSERT_EQ(started.size(), 2u);
    EXPECT_EQ(started[1]["accuracy_us"], 1'000'000);
    EXPECT_EQ(started[1]["clock_checked"], true);
    EXPECT_EQ(started[1]["policies"], (nlohmann::json{kPolicy, kOtherPolicy}));
    EXPECT_EQ(started[1]["units"], nlohmann::json::array({unit.str()}));
    EXPECT_NE(started[0]["first_serial"], started[1]["first_serial"]);
    const auto stopped = tsa.events("tsa.stopped");
    ASSERT_EQ(stopped.size(), 1u);
    EXPECT_EQ(stopped[0]["tokens"], 1);
}

TEST(TsaAuthority, PolicyOfTheRequestOrTheFirst) {
    TsaUnderTest tsa;
    tsa.add_unit();
    EXPECT_EQ(read_response(run_to_end(tsa.authority->issue(request_for("x"))).value()).policy, kPolicy);
    EXPECT_EQ(read_response(run_to_end(tsa.authority->issue(with_policy(kOtherPolicy))).value()).policy,
              kOtherPolicy);
    expect_refused(tsa, PkiFailureInfo::kUnacceptedPolicy, with_policy("1.2.3.4"));
    expect_refused(tsa, PkiFailureInfo::kUnacceptedPolicy, with_policy(tsa.config.unchecked_policy));
    EXPECT_EQ(tsa.events("tsa.token").size(), 2u);
}

TEST(TsaAuthority, UnitsServeTheirOwnPoliciesAlone) {
    TsaUnderTest tsa;
    const UnitId first = tsa.add_unit(KeyAlgorithm::kEcP256, {}, {kPolicy});
    expect_refused(tsa, PkiFailureInfo::kSystemFailure, with_policy(kOtherPolicy));
    const UnitId second = tsa.add_unit(KeyAlgorithm::kEcP384, {}, {kOtherPolicy});
    ASSERT_TRUE(run_to_end(tsa.authority->issue(with_policy(kPolicy))));
    ASSERT_TRUE(run_to_end(tsa.authority->issue(with_policy(kOtherPolicy))));
    const auto leaves = tsa.events("tsa.token");
    EXPECT_EQ(leaves[0]["unit"], first.str());
    EXPECT_EQ(leaves[1]["unit"], second.str());
}

TEST(TsaAuthority, TokensOfAnUncheckedClockBearItsPolicyAndNoOther) {
    TsaUnderTest tsa;
    tsa.add_unit(KeyAlgorithm::kEcP256, {}, {kPolicy});
    tsa.time.is_checked = false;
    tsa.restart();
    EXPECT_EQ(read_response(run_to_end(tsa.authority->issue(request_for("x"))).value()).policy,
              tsa.config.unchecked_policy);
    EXPECT_TRUE(run_to_end(tsa.authority->issue(with_policy(tsa.config.unchecked_policy))));
    expect_refused(tsa, PkiFailureInfo::kUnacceptedPolicy, with_policy(kPolicy));
    EXPECT_EQ(tsa.events("tsa.started").back()["clock_checked"], false);
}

TEST(TsaAuthority, ConfigurationsThatMakeNoSenseAreRefused) {
    TsaUnderTest tsa;
    const auto refused = [&](const AuthorityConfig& config, const char* field) {
        const auto made = Authority::create(
            config, {*tsa.ledger, *tsa.units, tsa.time, *tsa.reserve, tsa.random, tsa.logger});
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().code, Errc::kInvalidArgument);
        EXPECT_EQ(made.error().field, field);
    };
    AuthorityConfig config = tsa.config;
    config.policies = {};
    refused(config, "policies");
    config.policies = {"x"};
    refused(config, "oid");
    config.policies = {kPolicy, config.unchecked_policy};
    refused(config, "policies");
    for (const auto accuracy : {Microseconds(999), Microseconds(1'000'001), Microseconds(0)}) {
        tsa.time.stated = accuracy;
        refused(tsa.config, "accuracy");
    }
}

TEST(TsaAuthority, WithoutATrustedClockNothingIsStampedOrLogged) {
    TsaUnderTest tsa;
    const UnitId unit = tsa.add_unit();
    const auto before = tsa.key_of(unit)->calls();
    tsa.time.good = false;
    expect_refused(tsa, PkiFailureInfo::kTimeNotAvailable);
    EXPECT_EQ(tsa.key_of(unit)->calls(), before);
    EXPECT_TRUE(tsa.events("tsa.token").empty());
    tsa.time.good = true;
    EXPECT_TRUE(run_to_end(tsa.authority->issue(request_for("x"))));
    EXPECT_EQ(tsa.authority->counters().granted, 1u);
    EXPECT_EQ(tsa.authority->counters().refused[3], 2u);  // timeNotAvailable
}

TEST(TsaAuthority, ClockLostWhileSigningMeansThatTheTokenDoesNotLeave) {
    TsaUnderTest tsa;
    tsa.add_unit();
    tsa.time.calls = 0;
    tsa.time.before_each = [&](int call) { tsa.time.good = call == 1; };
    const auto response = run_to_end(tsa.authority->issue(request_for("x")));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().info, PkiFailureInfo::kTimeNotAvailable);
    EXPECT_EQ(tsa.events("tsa.token").size(), 1u);  // more than was given out, never less
}

TEST(TsaAuthority, CorruptedSignatureNeverLeaves) {
    TsaUnderTest tsa;
    const UnitId unit = tsa.add_unit();
    tsa.key_of(unit)->corrupt(true);
    expect_refused(tsa, PkiFailureInfo::kSystemFailure);
    tsa.key_of(unit)->corrupt(false);
    EXPECT_TRUE(run_to_end(tsa.authority->issue(request_for("x"))));
}

TEST(TsaAuthority, HsmThatRefusesIsASystemFailureAndPasses) {
    TsaUnderTest tsa;
    const UnitId unit = tsa.add_unit();
    for (const Errc code : {Errc::kHsmRefused, Errc::kHsmFailed, Errc::kUnavailable}) {
        tsa.key_of(unit)->fail_with(Error{code, "injected"});
        expect_refused(tsa, PkiFailureInfo::kSystemFailure);
    }
    tsa.key_of(unit)->fail_with(std::nullopt);
    EXPECT_TRUE(run_to_end(tsa.authority->issue(request_for("x"))));
}

TEST(TsaAuthority, BelowTheDiskReserveNothingIsStamped) {
    TsaUnderTest tsa;
    tsa.add_unit();
    tsa.reserve_config.bytes = std::uint64_t{1} << 62;
    tsa.restart();
    expect_refused(tsa, PkiFailureInfo::kSystemFailure);
    EXPECT_TRUE(tsa.events("tsa.token").empty());
    tsa.reserve_config.bytes = 1;
    tsa.restart();
    EXPECT_TRUE(run_to_end(tsa.authority->issue(request_for("x"))));
    tsa.reserve_config.path = "/nowhere/at/all";
    tsa.restart();
    expect_refused(tsa, PkiFailureInfo::kSystemFailure);
}

TEST(TsaAuthority, LogThatCannotBeWrittenMeansNoToken) {
    TsaUnderTest tsa;
    const UnitId unit = tsa.add_unit();
    const auto before = tsa.key_of(unit)->calls();
    tsa.store->close();
    expect_refused(tsa, PkiFailureInfo::kSystemFailure);
    EXPECT_EQ(tsa.key_of(unit)->calls(), before);
}

TEST(TsaAuthority, WithoutAUnitThereIsNoToken) {
    TsaUnderTest tsa;
    expect_refused(tsa, PkiFailureInfo::kSystemFailure);
    tsa.ready_unit();
    expect_refused(tsa, PkiFailureInfo::kSystemFailure);
}

TEST(TsaAuthority, OutsideTheKeysUsagePeriodNothingIsStamped) {
    TsaUnderTest tsa;
    CertificateOptions options;
    options.key_from = std::chrono::hours(-1);
    options.key_until = std::chrono::hours(24);
    tsa.add_unit(KeyAlgorithm::kEcP256, options);
    ASSERT_TRUE(run_to_end(tsa.authority->issue(request_for("x"))));
    tsa.time.offset_us = 25LL * 3600 * 1'000'000;
    expect_refused(tsa, PkiFailureInfo::kSystemFailure);
    tsa.time.offset_us = -2LL * 3600 * 1'000'000;
    expect_refused(tsa, PkiFailureInfo::kSystemFailure);
    tsa.time.offset_us = 23LL * 3600 * 1'000'000;
    EXPECT_TRUE(run_to_end(tsa.authority->issue(request_for("x"))));
}

TEST(TsaAuthority, SerialsAreUniqueOverThreadsRestartsAndNodesAndAllStandInTheLog) {
    TsaUnderTest tsa;
    tsa.add_unit();
    constexpr int kThreads = 8, kEach = 60;
    std::set<std::string> serials;
    std::mutex mutex;
    for (const std::uint16_t node : {std::uint16_t{0}, std::uint16_t{7}}) {
        tsa.config.node = node;
        tsa.restart();
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < kEach; ++i) {
                    const auto response = run_to_end(tsa.authority->issue(request_for("x")));
                    ASSERT_TRUE(response) << response.error().text;
                    const std::string serial = read_response(*response).serial_hex;
                    const std::lock_guard lock(mutex);
                    EXPECT_TRUE(serials.insert(serial).second) << serial;
                }
            });
        for (std::thread& thread : threads) thread.join();
    }
    EXPECT_EQ(serials.size(), std::size_t{2 * kThreads * kEach});
    std::set<std::string> logged;
    for (const auto& leaf : tsa.events("tsa.token")) logged.insert(leaf["serial"].get<std::string>());
    EXPECT_EQ(logged, serials);
    EXPECT_TRUE(
        std::ranges::all_of(serials, [](const std::string& serial) { return serial.starts_with("01000"); }));
}

TEST(TsaSerial, MillionSerialsOfTenStartsAreUniqueAndPositiveIntegersOf152Bits) {
    SystemRandom random;
    std::set<SerialNumber> seen;
    for (int start = 0; start < 10; ++start) {
        SerialNumbers serials(static_cast<std::uint16_t>(0x0102), random);
        EXPECT_TRUE(seen.insert(serials.first()).second);
        std::vector<std::thread> threads;
        std::mutex mutex;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] {
                std::vector<SerialNumber> own(25'000);
                for (SerialNumber& serial : own) serial = serials.next();
                const std::lock_guard lock(mutex);
                seen.insert(own.begin(), own.end());
            });
        for (std::thread& thread : threads) thread.join();
    }
    EXPECT_EQ(seen.size(), 1'000'010u);
    for (const SerialNumber& serial : seen) {
        ASSERT_EQ(serial[0], 0x01);
        ASSERT_EQ(serial[1], 0x01);
        ASSERT_EQ(serial[2], 0x02);
    }
}

TEST(TsaAuthority, RotationUnderLoadRefusesNobodyAndTheLogShowsOneLineBetweenTheUnits) {
    TsaUnderTest tsa;
    UnitId serving = tsa.add_unit();
    std::atomic<bool> stop{false};
    std::atomic<int> granted{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 6; ++t)
        threads.emplace_back([&] {
            while (!stop) {
                const auto response = run_to_end(tsa.authority->issue(request_for("x")));
                EXPECT_TRUE(response) << response.error().text;
                if (response) ++granted;
            }
        });
    std::vector<UnitId> order{serving};
    for (int i = 0; i < 4; ++i) {
        const UnitId next = tsa.ready_unit();
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        must(tsa.units->rotate(serving, next));
        serving = next;
        order.push_back(next);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    stop = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_GT(granted, 0);

    std::size_t current = 0;
    std::size_t tokens = 0;
    for (const auto& leaf : tsa.events()) {
        if (leaf["type"] == "tsu.rotated") {
            EXPECT_EQ(leaf["replaces"], order[current].str());
            ++current;
        }
        if (leaf["type"] != "tsa.token") continue;
        EXPECT_EQ(leaf["unit"], order[current].str());
        ++tokens;
    }
    EXPECT_EQ(current, 4u);
    EXPECT_EQ(tokens, static_cast<std::size_t>(granted));
}

TEST(TsaAuthority, ChangesOfTheClocksStateStandInTheLog) {
    TsaUnderTest tsa;
    TimeChange change;
    change.before = TimeState::kTrusted;
    change.now = {TimeState::kJumped, "stepped by +2000 ms", Microseconds(1234), 4, ""};
    change.at = PreciseTime(std::chrono::seconds(1'800'000'000));
    tsa.authority->time_changed(change);
    const auto leaves = tsa.events("tsa.time");
    ASSERT_EQ(leaves.size(), 1u);
    EXPECT_EQ(leaves[0]["state"], "jumped");
    EXPECT_EQ(leaves[0]["before"], "trusted");
    EXPECT_EQ(leaves[0]["reason"], "stepped by +2000 ms");
    EXPECT_EQ(leaves[0]["error_us"], 1234);
    EXPECT_EQ(leaves[0]["sources"], 4);
    EXPECT_EQ(leaves[0]["at"], "20270115080000Z");
}

}  // namespace
}  // namespace sigillo::tsa::testing
