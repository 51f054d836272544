#include "appliance/activation/policy.h"

#include <gtest/gtest.h>

#include <random>

namespace sigillo::activation {
namespace {

std::string canonical(std::string_view text) {
    const auto policy = Policy::parse(text);
    return policy ? policy->text() : to_string(policy.error());
}

Errc refusal(std::string_view text, const PolicyLimits& limits = {}) {
    const auto policy = Policy::parse(text, limits);
    if (policy) return Errc{};
    EXPECT_EQ(policy.error().field, "activation");
    return policy.error().code;
}

// Every set of the four factors.
std::vector<FactorSet> all_sets() {
    std::vector<FactorSet> sets;
    for (unsigned bits = 0; bits < 16; ++bits) {
        FactorSet set;
        for (unsigned i = 0; i < 4; ++i)
            if ((bits >> i & 1U) != 0) set.insert(static_cast<FactorType>(i));
        sets.push_back(set);
    }
    return sets;
}

TEST(Policy, and_binds_tighter_than_or) {
    const auto policy = Policy::parse("click or totp and hotp");
    ASSERT_TRUE(policy);
    EXPECT_TRUE(policy->evaluate({FactorType::kClick}));
    EXPECT_TRUE(policy->evaluate({FactorType::kTotp, FactorType::kHotp}));
    EXPECT_FALSE(policy->evaluate({FactorType::kTotp}));
    EXPECT_FALSE(policy->evaluate({}));
}

TEST(Policy, parentheses_bind_tightest) {
    const auto policy = Policy::parse("(click or totp) and hotp");
    ASSERT_TRUE(policy);
    EXPECT_FALSE(policy->evaluate({FactorType::kClick}));
    EXPECT_TRUE(policy->evaluate({FactorType::kClick, FactorType::kHotp}));
}

TEST(Policy, canonical_text_has_one_blank_and_the_fewest_parentheses) {
    EXPECT_EQ(canonical("  ((pin))and( totp )"), "pin and totp");
    EXPECT_EQ(canonical("pin and (totp or hotp)"), "pin and (totp or hotp)");
    EXPECT_EQ(canonical("(click and totp) or hotp"), "click and totp or hotp");
    EXPECT_EQ(canonical("click or (totp or hotp)"), "click or totp or hotp");
    EXPECT_EQ(canonical("click and (totp and hotp)"), "click and totp and hotp");
    EXPECT_EQ(canonical("totp\tor\thotp"), "totp or hotp");
}

TEST(Policy, malformed_expressions_are_refused) {
    for (const std::string_view text :
         {"", " ", "and", "pin and", "or pin", "pin or or totp", "pin totp", "(pin", "pin)", "()",
          "pin && totp", "PIN", "pin And totp", "pinand totp", "totp\nor hotp", "pass", "pin and totp or",
          "not pin", "pin,totp"})
        EXPECT_EQ(refusal(text), Errc::kInvalidArgument) << text;
}

TEST(Policy, factors_of_later_are_known_and_not_available_yet) {
    for (const std::string_view text : {"otp_email", "pin and otp_sms", "grapho or click"}) {
        const auto policy = Policy::parse(text);
        ASSERT_FALSE(policy);
        EXPECT_EQ(policy.error().code, Errc::kUnsupported) << text;
        EXPECT_NE(policy.error().detail.find("not available yet"), std::string::npos);
    }
}

TEST(Policy, length_and_depth_are_bounded) {
    EXPECT_EQ(refusal(std::string(257, ' ')), Errc::kLimitExceeded);
    EXPECT_EQ(refusal("((pin))", {.depth = 1}), Errc::kLimitExceeded);
    EXPECT_EQ(refusal("(((((((((pin)))))))))"), Errc::kLimitExceeded);
    EXPECT_EQ(refusal("((((((((pin))))))))"), Errc{});
    EXPECT_EQ(refusal("(pin) and (pin) and (pin)", {.depth = 1}), Errc{}) << "depth is nesting, not number";
    EXPECT_EQ(refusal(std::string(200'000, '('), {.length = 1 << 20}), Errc::kLimitExceeded);
}

TEST(Policy, a_pin_is_needed_in_every_branch_or_in_none) {
    EXPECT_EQ(refusal("pin or totp"), Errc::kInvalidArgument);
    EXPECT_EQ(refusal("pin and totp or hotp"), Errc::kInvalidArgument);
    EXPECT_EQ(refusal("pin and totp or pin and hotp"), Errc{});
    EXPECT_EQ(refusal("pin and (totp or hotp)"), Errc{});
    EXPECT_EQ(refusal("(pin or totp) and pin"), Errc{});
}

TEST(Policy, classes_advanced_and_qualified_need_an_authenticating_factor_in_every_branch) {
    const auto fits = [](std::string_view text, record::CredentialClass credential_class) {
        return check_class(*Policy::parse(text), credential_class).has_value();
    };
    EXPECT_TRUE(fits("click", record::CLASS_SIMPLE));
    EXPECT_TRUE(fits("click or totp", record::CLASS_SIMPLE));
    for (const auto strong : {record::CLASS_ADVANCED, record::CLASS_QUALIFIED}) {
        EXPECT_FALSE(fits("click", strong));
        EXPECT_FALSE(fits("click or totp", strong));
        EXPECT_TRUE(fits("click and totp", strong));
        EXPECT_TRUE(fits("totp or hotp", strong));
        EXPECT_TRUE(fits("pin", strong));
    }
}

TEST(Policy, guessable_means_that_something_is_counted) {
    EXPECT_FALSE(Policy::parse("click")->guessable());
    EXPECT_FALSE(Policy::parse("click and click")->guessable());
    EXPECT_TRUE(Policy::parse("click or hotp")->guessable());
    EXPECT_TRUE(Policy::parse("pin")->seals_key());
    EXPECT_FALSE(Policy::parse("totp")->seals_key());
}

// A random expression with the truth table that it must have.
struct Random {
    std::mt19937 engine;
    unsigned pick(unsigned below) { return std::uniform_int_distribution<unsigned>(0, below - 1)(engine); }

    struct Made {
        std::string text;
        std::vector<bool> truth;  // over all_sets()
    };
    Made make(unsigned depth) {
        if (depth == 0 || pick(3) == 0) {
            const auto type = static_cast<FactorType>(pick(4));
            Made made{std::string(factor_word(type)), {}};
            for (const FactorSet& set : all_sets()) made.truth.push_back(set.contains(type));
            return made;
        }
        const bool conjunction = pick(2) == 0;
        Made made = make(depth - 1);
        made.text = "(" + made.text + ")";
        for (unsigned more = 1 + pick(2); more > 0; --more) {
            const Made other = make(depth - 1);
            made.text += (conjunction ? " and (" : " or (") + other.text + ")";
            for (std::size_t i = 0; i < made.truth.size(); ++i)
                made.truth[i] =
                    conjunction ? made.truth[i] && other.truth[i] : made.truth[i] || other.truth[i];
        }
        return made;
    }
};

TEST(Policy, thousands_of_expressions_mean_what_they_say_and_have_one_canonical_text) {
    Random random{std::mt19937(20'261'123)};
    const PolicyLimits wide{.length = 1 << 16, .depth = 64};
    const auto sets = all_sets();
    unsigned accepted = 0;
    for (int i = 0; i < 4'000; ++i) {
        const auto made = random.make(4);
        const auto policy = Policy::parse(made.text, wide);
        // `pin` in all branches or none: read from the truth table.
        bool without_pin = false;
        for (std::size_t s = 0; s < sets.size(); ++s)
            without_pin = without_pin || (made.truth[s] && !sets[s].contains(FactorType::kPin));
        const bool mentions_pin = made.text.find("pin") != std::string::npos;
        ASSERT_EQ(policy.has_value(), !mentions_pin || !without_pin) << made.text;
        if (!policy) continue;
        ++accepted;
        for (std::size_t s = 0; s < sets.size(); ++s)
            ASSERT_EQ(policy->evaluate(sets[s]), made.truth[s]) << made.text;
        for (unsigned t = 0; t < kFactorTypes; ++t) {
            const auto type = static_cast<FactorType>(t);
            bool escapes = false;
            for (std::size_t s = 0; s < sets.size(); ++s)
                escapes = escapes || (made.truth[s] && !sets[s].contains(type));
            ASSERT_EQ(policy->every_branch_needs(type), !escapes) << made.text;
        }
        const auto again = Policy::parse(policy->text(), wide);
        ASSERT_TRUE(again) << policy->text();
        ASSERT_EQ(again->text(), policy->text());
        ASSERT_LE(policy->text().size(), made.text.size());
    }
    EXPECT_GT(accepted, 500U);
}

TEST(Policy, random_bytes_never_parse_into_something_that_cannot_be_printed) {
    std::mt19937 engine(7);
    const std::vector<std::string> pieces{"pin", "totp", "hotp", "click", "and",     "or",
                                          "(",   ")",    " ",    "x",     "otp_sms", "\x80"};
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        for (auto n = engine() % 12; n > 0; --n)
            text += pieces[engine() % pieces.size()] + (engine() % 2 != 0 ? " " : "");
        const auto policy = Policy::parse(text);
        ASSERT_TRUE(!policy || canonical(policy->text()) == policy->text()) << text;
    }
}

}  // namespace
}  // namespace sigillo::activation
