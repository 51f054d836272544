// Activation policy: an expression over factors ("pin and totp") that says what a signer must show.
//
//   expression = term *( "or" term )
//   term       = primary *( "and" primary )
//   primary    = factor / "(" expression ")"
//
// Words are lower case; blanks separate them. Policies are monotone (there is no "not"), so that every
// question about branches is one evaluation. Values; const access is safe from any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/base/result.h"
#include "appliance/store/records.pb.h"

namespace sigillo::activation {

// The factors that can be used today. The parser knows more, and says "not available yet".
enum class FactorType : std::uint8_t { kClick, kPin, kTotp, kHotp };

inline constexpr std::size_t kFactorTypes = 4;

std::string_view factor_word(FactorType type);  // "click", "pin", "totp", "hotp": CSC authData ids, too
// kUnsupported for otp_email, otp_sms, grapho ("not available yet"); kInvalidArgument for any other word.
// Both with `field`.
Result<FactorType> factor_from_word(std::string_view word, std::string_view field);
// Whether showing it proves something that only the signer knows or has. Such a factor can be guessed, so
// attempts are counted (lockout.h).
bool authenticates(FactorType type);
bool is_otp(FactorType type);

class FactorSet {
 public:
    constexpr FactorSet() = default;
    constexpr FactorSet(std::initializer_list<FactorType> types) {
        for (const FactorType type : types) insert(type);
    }
    constexpr void insert(FactorType type) { bits_ = static_cast<std::uint8_t>(bits_ | bit(type)); }
    constexpr bool contains(FactorType type) const { return (bits_ & bit(type)) != 0; }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr FactorSet without(FactorSet other) const {
        FactorSet rest;
        rest.bits_ = static_cast<std::uint8_t>(bits_ & ~other.bits_);
        return rest;
    }
    std::vector<FactorType> members() const;  // in the enum's order
    friend constexpr bool operator==(FactorSet, FactorSet) = default;

 private:
    static constexpr std::uint8_t bit(FactorType type) {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(type));
    }
    std::uint8_t bits_ = 0;
};

inline constexpr FactorSet kAuthenticatingFactors{FactorType::kPin, FactorType::kTotp, FactorType::kHotp};

struct PolicyLimits {
    std::size_t length = 256;  // bytes: room for every sensible expression over four words
    std::size_t depth = 8;     // nested parentheses: bounds the parser's stack
};
// What a stored policy is read with: above all that a configuration may admit, so that tighter limits for new
// ones leave those that exist alone; its canonical text may be longer than the one that came.
inline constexpr PolicyLimits kStoredPolicyLimits{.length = 4'096, .depth = 64};

class Policy {
 public:
    // Errors, all with field "activation": kInvalidArgument (syntax, unknown word, `pin` in some branches but
    // not in all: such a key could not be sealed), kUnsupported (a factor that is not available
    // yet), kLimitExceeded (longer or deeper than `limits`).
    static Result<Policy> parse(std::string_view text, const PolicyLimits& limits = {});

    // Canonical: one blank between words, the fewest parentheses. parse(text()) yields the same policy.
    const std::string& text() const { return text_; }
    FactorSet words() const { return words_; }
    bool evaluate(FactorSet satisfied) const;
    // Whether no branch can be satisfied without `type`.
    bool every_branch_needs(FactorType type) const;
    // Whether some branch needs none of `factors`.
    bool satisfiable_without(FactorSet factors) const;
    // Whether the PIN seals the key.
    bool seals_key() const { return words_.contains(FactorType::kPin); }
    // Whether attempts can be guesses.
    bool guessable() const { return !words_.without({FactorType::kClick}).empty(); }

 private:
    struct Parser;
    enum class Op : std::uint8_t { kWord, kAnd, kOr };
    struct Node {  // postfix; kAnd and kOr take the results of the last `operands` sub-expressions
        Op op;
        FactorType word;
        std::uint16_t operands;
    };
    Policy() = default;

    std::string text_;
    FactorSet words_;
    std::vector<Node> nodes_;
};

// Whether a credential of this class may have this policy: advanced and qualified need an authenticating
// factor in every branch. kInvalidArgument, field "activation".
Status check_class(const Policy& policy, record::CredentialClass credential_class);

}  // namespace sigillo::activation
