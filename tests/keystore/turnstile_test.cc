#include "keystore/pkcs11/turnstile.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

namespace sigillo::pkcs11 {
namespace {

using namespace std::chrono_literals;

TEST(Turnstile, AnswersUnavailableWhenNoPlaceComesFree) {
    Turnstile gate(1);
    const auto held = gate.enter(1ms, CallKind::kShort);
    ASSERT_TRUE(held);
    const auto start = std::chrono::steady_clock::now();
    const auto refused = gate.enter(50ms, CallKind::kShort);
    const auto waited = std::chrono::steady_clock::now() - start;
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kUnavailable);
    EXPECT_GE(waited, 50ms);
    EXPECT_LT(waited, 2s);
    EXPECT_FALSE(gate.try_enter(CallKind::kShort));
}

TEST(Turnstile, AWaiterGetsThePlaceThatIsLeft) {
    Turnstile gate(1);
    std::optional<Turnstile::Pass> held = gate.try_enter(CallKind::kShort);
    ASSERT_TRUE(held);
    std::atomic<bool> entered{false};
    std::thread waiter([&] { entered = gate.enter(10s, CallKind::kShort).has_value(); });
    while (gate.usage().waiting == 0) std::this_thread::yield();
    held.reset();
    waiter.join();
    EXPECT_TRUE(entered);
    EXPECT_EQ(gate.usage().busy, 0u);
    EXPECT_EQ(gate.usage().waiting, 0u);
}

TEST(Turnstile, NoPlaceIsGivenTwice) {
    Turnstile gate(3);
    std::array<std::atomic<int>, 3> inside{};
    std::atomic<bool> clash{false};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread)
        threads.emplace_back([&] {
            for (int round = 0; round < 2000; ++round) {
                const auto pass = gate.enter(10s, CallKind::kShort);
                if (!pass || inside[pass->index()]++ != 0) clash = true;
                if (pass) --inside[pass->index()];
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_FALSE(clash);
}

TEST(Turnstile, TellsHowLongTheOldestIsInsideByKind) {
    Turnstile gate(2);
    const auto slow = gate.try_enter(CallKind::kGeneration);
    std::this_thread::sleep_for(30ms);
    const auto quick = gate.try_enter(CallKind::kShort);
    const Turnstile::Usage usage = gate.usage();
    EXPECT_EQ(usage.busy, 2u);
    EXPECT_GE(usage.oldest_generation, 30ms);
    EXPECT_EQ(usage.oldest, usage.oldest_generation);
    EXPECT_LT(usage.oldest_short, usage.oldest_generation);
}

}  // namespace
}  // namespace sigillo::pkcs11
