#include "appliance/activation/otp.h"

#include <gtest/gtest.h>

#include "tests/support/software_key_store.h"

namespace sigillo::activation {
namespace {

using sigillo::testing::SoftwareKeyStore;

// RFC 4226 appendix D and RFC 6238 appendix B.
SecretBytes rfc_seed() {
    return SecretBytes::copy_of("12345678901234567890");
}

std::string code_of(const SecretBytes& seed, std::uint64_t counter, std::uint32_t digits) {
    return std::string(as_text(otp_code(seed, counter, digits).expose()));
}

record::Otp otp_of(std::uint32_t digits, std::uint32_t period = 30) {
    record::Otp otp;
    otp.set_digits(digits);
    otp.set_period_s(period);
    otp.set_hash("SHA1");
    return otp;
}

WallTime at(std::int64_t seconds) {
    return from_unix_millis(seconds * 1'000);
}

TEST(Otp, hotp_has_the_values_of_rfc_4226_appendix_d) {
    const std::vector<std::string> values{"755224", "287082", "359152", "969429", "338314",
                                          "254676", "287922", "162583", "399871", "520489"};
    for (std::size_t counter = 0; counter < values.size(); ++counter)
        EXPECT_EQ(code_of(rfc_seed(), counter, 6), values[counter]) << counter;
}

TEST(Otp, totp_has_the_values_of_rfc_6238_appendix_b) {
    struct Vector {
        std::int64_t time;
        std::string code;
    };
    const std::vector<Vector> vectors{{59, "94287082"},
                                      {1'111'111'109, "07081804"},
                                      {1'111'111'111, "14050471"},
                                      {1'234'567'890, "89005924"},
                                      {2'000'000'000, "69279037"},
                                      {20'000'000'000, "65353130"}};
    for (const Vector& vector : vectors) {
        const auto steps =
            match_totp(rfc_seed(), otp_of(8), SecretBytes::copy_of(vector.code), at(vector.time), 0);
        EXPECT_EQ(steps, std::vector<std::int64_t>{vector.time / 30}) << vector.time;
    }
}

TEST(Otp, totp_is_accepted_one_step_around_now_and_no_further) {
    const std::int64_t step = 1'234'567'890 / 30;
    for (int drift = -3; drift <= 3; ++drift) {
        const SecretBytes code = otp_code(rfc_seed(), static_cast<std::uint64_t>(step + drift), 6);
        const auto steps = match_totp(rfc_seed(), otp_of(6), code, at(1'234'567'890), 1);
        EXPECT_EQ(!steps.empty(), drift >= -1 && drift <= 1) << drift;
        EXPECT_TRUE(steps.empty() || steps.front() == step + drift);
    }
}

TEST(Otp, hotp_looks_ahead_so_far_and_never_back) {
    for (std::int64_t counter = 0; counter <= 20; ++counter) {
        const SecretBytes code = otp_code(rfc_seed(), static_cast<std::uint64_t>(counter), 8);
        const auto steps = match_hotp(rfc_seed(), otp_of(8), code, 5, 10);
        EXPECT_EQ(!steps.empty(), counter > 5 && counter <= 15) << counter;
    }
}

TEST(Otp, the_first_code_of_a_hotp_token_is_counter_zero) {
    EXPECT_EQ(match_hotp(rfc_seed(), otp_of(6), SecretBytes::copy_of("755224"), -1, 10),
              std::vector<std::int64_t>{0});
}

TEST(Otp, near_misses_do_not_match) {
    for (const std::string_view code :
         {"", "75522", "7552240", " 755224", "755224 ", "75522a", "000000", "７５５２２４"})
        EXPECT_TRUE(match_hotp(rfc_seed(), otp_of(6), SecretBytes::copy_of(code), -1, 0).empty()) << code;
    EXPECT_TRUE(match_hotp(rfc_seed(), otp_of(6), SecretBytes::copy_of("287082"), -1, 1).empty())
        << "look-ahead of one";
}

TEST(Otp, a_record_that_makes_no_sense_matches_nothing) {
    record::Otp otp = otp_of(6);
    otp.set_hash("MD5");
    EXPECT_TRUE(match_hotp(rfc_seed(), otp, SecretBytes::copy_of("755224"), -1, 10).empty());
    EXPECT_TRUE(match_totp(rfc_seed(), otp_of(6, 0), SecretBytes::copy_of("755224"), at(0), 1).empty());
    EXPECT_TRUE(match_hotp(rfc_seed(), otp_of(0), SecretBytes(), -1, 10).empty());
}

TEST(Otp, a_step_not_beyond_the_last_one_is_spent) {
    EXPECT_EQ(first_unspent({4, 6}, -1), 4);
    EXPECT_EQ(first_unspent({4, 6}, 4), 6);
    EXPECT_EQ(first_unspent({4, 6}, 6), std::nullopt);
    EXPECT_EQ(first_unspent({}, -1), std::nullopt);
}

class NewOtpTest : public ::testing::Test {
 protected:
    SystemRandom random_;
    SoftwareKeyStore keys_;
    FactorId factor_ = FactorId::generate(random_);
    SignerId signer_ = SignerId::generate(random_);
};

TEST_F(NewOtpTest, the_uri_tells_authenticator_apps_everything_and_names_nobody) {
    OtpConfig config;
    config.issuer = "Banca d'Esempio & C.";
    const auto totp = new_otp(FactorType::kTotp, config, factor_, signer_, keys_, random_);
    ASSERT_TRUE(totp);
    const std::string uri(as_text(totp->otpauth.expose()));
    EXPECT_EQ(
        uri.find("otpauth://totp/Banca%20d%27Esempio%20%26%20C.:" + signer_.str().substr(0, 8) + "?secret="),
        0U)
        << uri;
    EXPECT_NE(uri.find("&issuer=Banca%20d%27Esempio%20%26%20C.&algorithm=SHA1&digits=6&period=30"),
              std::string::npos)
        << uri;
    const auto hotp = new_otp(FactorType::kHotp, config, factor_, signer_, keys_, random_);
    ASSERT_TRUE(hotp);
    EXPECT_NE(as_text(hotp->otpauth.expose()).find("&digits=6&counter=0"), std::string_view::npos);
}

TEST_F(NewOtpTest, seeds_have_160_bits_and_are_sealed_for_their_factor) {
    const auto made = new_otp(FactorType::kTotp, {}, factor_, signer_, keys_, random_);
    ASSERT_TRUE(made);
    const auto seed = open_seed(factor_, made->record, keys_);
    ASSERT_TRUE(seed);
    EXPECT_EQ(seed->size(), 20U);
    EXPECT_EQ(made->record.sealed_seed().find(as_text(seed->expose())), std::string::npos);
    const auto moved = open_seed(FactorId::generate(random_), made->record, keys_);
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().code, Errc::kCorrupt);
}

TEST_F(NewOtpTest, a_number_of_digits_that_apps_do_not_show_is_refused) {
    OtpConfig config;
    config.digits = 4;
    const auto made = new_otp(FactorType::kTotp, config, factor_, signer_, keys_, random_);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace sigillo::activation
