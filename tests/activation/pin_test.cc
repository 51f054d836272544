#include "appliance/activation/pin.h"

#include <gtest/gtest.h>

#include <thread>

#include "appliance/activation/x25519.h"
#include "appliance/base/encoding.h"
#include "tests/support/software_key_store.h"

namespace sigillo::activation {
namespace {

using sigillo::testing::SoftwareKeyStore;

SecretBytes text(std::string_view t) {
    return SecretBytes::copy_of(t);
}

class PinTest : public ::testing::Test {
 protected:
    static PinConfig fast() { return {.memory_kib = 64, .passes = 1}; }

    SystemRandom random_;
    SoftwareKeyStore keys_;
    Pins pins_{fast(), keys_, random_};
    FactorId factor_ = FactorId::generate(random_);
    CredentialId credential_ = CredentialId::generate(random_);
};

TEST_F(PinTest, acceptable_pins_are_long_enough_printable_and_no_pattern) {
    for (const std::string_view good :
         {"142536", "a1b2c3d4", "correct horse battery", "112233", "123457", "!!!!!!a"})
        EXPECT_TRUE(pins_.acceptable(text(good))) << good;
    for (const std::string_view bad : {"", "14253", "123456", "654321", "012345", "890123", "210987",
                                       "000000", "aaaaaa", "142536\n", "14253\x7f",
                                       "12\xc3\xa8"
                                       "456",
                                       "123456789012345678901234567890123"}) {
        const auto verdict = pins_.acceptable(text(bad));
        ASSERT_FALSE(verdict) << bad;
        EXPECT_EQ(verdict.error().code, Errc::kInvalidArgument);
        EXPECT_EQ(verdict.error().field, "pin");
        EXPECT_TRUE(bad.empty() || verdict.error().detail.find(bad) == std::string::npos)
            << "a PIN in an error";
    }
}

TEST_F(PinTest, what_is_sealed_to_a_pin_opens_with_it) {
    const auto record = pins_.enrol(factor_, text("142536"));
    ASSERT_TRUE(record);
    const Bytes wrapped = random_.bytes(72);
    const auto sealed = seal_to(as_bytes(record->public_key()), wrapped, credential_, random_);
    ASSERT_TRUE(sealed);
    const auto key = pins_.unlock(factor_, *record, text("142536"));
    ASSERT_TRUE(key) << to_string(key.error());
    const auto opened = open_with(*key, *sealed, credential_);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->equals(wrapped));
}

TEST_F(PinTest, a_wrong_pin_opens_nothing) {
    const auto record = pins_.enrol(factor_, text("142536"));
    ASSERT_TRUE(record);
    for (const std::string_view wrong :
         {"142537", "", "142536 ", "1425361425361425361425361425361425361425"}) {
        const auto key = pins_.unlock(factor_, *record, text(wrong));
        ASSERT_FALSE(key) << wrong;
        EXPECT_EQ(key.error().code, Errc::kAuthenticationFailed);
    }
}

TEST_F(PinTest, a_record_moved_to_another_factor_does_not_open) {
    const auto record = pins_.enrol(factor_, text("142536"));
    ASSERT_TRUE(record);
    EXPECT_FALSE(pins_.unlock(FactorId::generate(random_), *record, text("142536")));
    record::Pin other_public = *record;
    other_public.set_public_key(std::string(32, 'x'));
    EXPECT_FALSE(pins_.unlock(factor_, other_public, text("142536")));
}

TEST_F(PinTest, another_hsm_makes_a_right_pin_worthless) {
    const auto record = pins_.enrol(factor_, text("142536"));
    ASSERT_TRUE(record);
    SoftwareKeyStore elsewhere;
    Pins thief(fast(), elsewhere, random_);
    EXPECT_FALSE(thief.unlock(factor_, *record, text("142536")));
}

TEST_F(PinTest, a_changed_pin_opens_what_the_old_one_sealed) {
    const auto record = pins_.enrol(factor_, text("142536"));
    ASSERT_TRUE(record);
    const Bytes wrapped = random_.bytes(72);
    const auto sealed = seal_to(as_bytes(record->public_key()), wrapped, credential_, random_);
    const auto changed = pins_.change(factor_, *record, text("142536"), text("857463"));
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->public_key(), record->public_key());
    EXPECT_FALSE(pins_.unlock(factor_, *changed, text("142536")));
    const auto key = pins_.unlock(factor_, *changed, text("857463"));
    ASSERT_TRUE(key);
    EXPECT_TRUE(open_with(*key, *sealed, credential_));
    EXPECT_FALSE(pins_.change(factor_, *record, text("999999x"), text("857463")))
        << "changed with a wrong PIN";
    EXPECT_FALSE(pins_.change(factor_, *record, text("142536"), text("111111")))
        << "changed into a trivial one";
}

TEST_F(PinTest, trouble_of_the_hsm_is_no_wrong_pin) {
    const auto record = pins_.enrol(factor_, text("142536"));
    ASSERT_TRUE(record);
    keys_.fail_with(Error{Errc::kUnavailable, "token gone"});
    const auto key = pins_.unlock(factor_, *record, text("142536"));
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, Errc::kUnavailable);
}

TEST_F(PinTest, runs_of_argon2_are_bounded_in_number_and_waiting_ends) {
    PinConfig slow = fast();
    slow.memory_kib = 65'536;
    slow.passes = 3;
    slow.concurrent_runs = 1;
    slow.wait = std::chrono::milliseconds(1);
    Pins pins(slow, keys_, random_);
    std::atomic<int> busy{0};
    std::atomic<int> done{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i)
            threads.emplace_back([&] {
                const auto record = pins.enrol(factor_, text("142536"));
                if (record)
                    ++done;
                else if (record.error().code == Errc::kUnavailable)
                    ++busy;
            });
    }
    EXPECT_EQ(busy + done, 8);
    EXPECT_GE(done, 1);
    EXPECT_GE(busy, 1);
    EXPECT_TRUE(pins.enrol(factor_, text("142536"))) << "slots come back";
}

TEST_F(PinTest, a_sealed_key_is_bound_to_its_credential_and_to_every_bit) {
    const SecretBytes key = random_.secret(32);
    const auto public_half = x25519_public(key);
    ASSERT_TRUE(public_half);
    const auto sealed = seal_to(*public_half, as_bytes("wrapped"), credential_, random_);
    ASSERT_TRUE(sealed);
    EXPECT_FALSE(open_with(key, *sealed, CredentialId::generate(random_)));
    EXPECT_FALSE(open_with(random_.secret(32), *sealed, credential_));
    for (std::size_t i = 0; i < sealed->size(); ++i) {
        Bytes damaged = *sealed;
        damaged[i] ^= 0x01;
        const auto opened = open_with(key, damaged, credential_);
        ASSERT_FALSE(opened) << i;
        EXPECT_EQ(opened.error().code, Errc::kCorrupt);
    }
    for (std::size_t size = 0; size < sealed->size(); ++size)
        ASSERT_FALSE(open_with(key, ByteView(*sealed).first(size), credential_)) << size;
}

TEST_F(PinTest, sealing_to_no_key_is_refused) {
    EXPECT_FALSE(seal_to(Bytes(31, 1), as_bytes("wrapped"), credential_, random_));
    EXPECT_FALSE(seal_to(Bytes(32, 0), as_bytes("wrapped"), credential_, random_))
        << "a point of small order";
}

TEST_F(PinTest, the_opening_key_in_a_sads_record_needs_the_sad) {
    const SecretBytes sad = text("the client's secret");
    const SecretBytes key = random_.secret(32);
    const auto sealed = seal_opening_key(sad, key, credential_);
    ASSERT_TRUE(sealed);
    const auto opened = open_opening_key(sad, *sealed, credential_);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->equals(key.expose()));
    EXPECT_FALSE(open_opening_key(text("another secret"), *sealed, credential_));
    EXPECT_FALSE(open_opening_key(sad, *sealed, CredentialId::generate(random_)));
}

TEST(X25519, has_the_values_of_rfc_7748_section_6_1) {
    const auto bytes = [](std::string_view hex) { return *hex_decode(hex); };
    const SecretBytes bob = SecretBytes::copy_of(
        ByteView(bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")));
    const auto bob_public = x25519_public(bob);
    ASSERT_TRUE(bob_public);
    EXPECT_EQ(hex_encode(*bob_public), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    const Bytes alice_public = bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    const auto shared = x25519(bob, alice_public);
    ASSERT_TRUE(shared);
    EXPECT_EQ(hex_encode(shared->expose()),
              "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

}  // namespace
}  // namespace sigillo::activation
