#include "appliance/activation/policy.h"

#include <array>
#include <utility>

namespace sigillo::activation {
namespace {

constexpr std::array<std::string_view, kFactorTypes> kWords{"click", "pin", "totp", "hotp"};
constexpr std::array<std::string_view, 3> kLaterWords{"otp_email", "otp_sms", "grapho"};
constexpr std::string_view kField = "activation";

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}
bool is_word_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

std::string_view factor_word(FactorType type) {
    return kWords[static_cast<std::size_t>(type)];
}

Result<FactorType> factor_from_word(std::string_view word, std::string_view field) {
    for (std::size_t i = 0; i < kWords.size(); ++i)
        if (kWords[i] == word) return static_cast<FactorType>(i);
    for (const std::string_view later : kLaterWords)
        if (later == word)
            return fail(Errc::kUnsupported, "factor " + std::string(word) + " is not available yet",
                        std::string(field));
    return fail(Errc::kInvalidArgument, "unknown factor; known are click, pin, totp, hotp",
                std::string(field));
}

bool authenticates(FactorType type) {
    return kAuthenticatingFactors.contains(type);
}
bool is_otp(FactorType type) {
    return type == FactorType::kTotp || type == FactorType::kHotp;
}

std::vector<FactorType> FactorSet::members() const {
    std::vector<FactorType> types;
    for (std::size_t i = 0; i < kFactorTypes; ++i)
        if (contains(static_cast<FactorType>(i))) types.push_back(static_cast<FactorType>(i));
    return types;
}

// Recursive descent. `a and (b and c)` becomes `a and b and c`: a tree has no node below one of its own kind,
// which makes its text canonical.
struct Policy::Parser {
    struct Tree {
        Op op = Op::kWord;
        FactorType word = FactorType::kClick;
        std::vector<Tree> children;
    };

    std::string_view text;
    std::size_t depth_limit;
    std::size_t at = 0;
    std::size_t depth = 0;

    std::unexpected<Error> syntax(std::string_view what) const {
        return fail(Errc::kInvalidArgument, std::string(what) + " at character " + std::to_string(at + 1),
                    std::string(kField));
    }
    void skip_blanks() {
        while (at < text.size() && is_blank(text[at])) ++at;
    }
    std::string_view peek_word() {
        skip_blanks();
        std::size_t end = at;
        while (end < text.size() && is_word_character(text[end])) ++end;
        return text.substr(at, end - at);
    }
    static void adopt(Tree& parent, Tree child) {
        if (child.op != parent.op) {
            parent.children.push_back(std::move(child));
            return;
        }
        for (Tree& grandchild : child.children) parent.children.push_back(std::move(grandchild));
    }

    Result<Tree> sequence(Op op, std::string_view keyword) {
        Tree parent{op, FactorType::kClick, {}};
        while (true) {
            SIGILLO_ASSIGN(Tree child, op == Op::kOr ? sequence(Op::kAnd, "and") : primary());
            adopt(parent, std::move(child));
            if (peek_word() != keyword) break;
            at += keyword.size();
        }
        if (parent.children.size() > 1) return parent;
        Tree only = std::move(parent.children.front());
        return only;
    }
    Result<Tree> primary() {
        const std::string_view word = peek_word();
        if (!word.empty()) {
            if (word == "and" || word == "or") return syntax("a factor is missing");
            SIGILLO_ASSIGN(const FactorType type, factor_from_word(word, kField));
            at += word.size();
            return Tree{Op::kWord, type, {}};
        }
        if (at >= text.size()) return syntax("a factor is missing");
        if (text[at] != '(') return syntax("expected a factor or '('");
        if (++depth > depth_limit)
            return fail(Errc::kLimitExceeded, "parentheses nested deeper than " + std::to_string(depth_limit),
                        std::string(kField));
        ++at;
        SIGILLO_ASSIGN(Tree inner, sequence(Op::kOr, "or"));
        skip_blanks();
        if (at >= text.size() || text[at] != ')') return syntax("')' is missing");
        ++at;
        --depth;
        return inner;
    }

    static void flatten(const Tree& tree, Policy& policy) {
        if (tree.op == Op::kWord) {
            policy.words_.insert(tree.word);
            policy.text_ += factor_word(tree.word);
        } else {
            bool first = true;
            for (const Tree& child : tree.children) {
                if (!first) policy.text_ += tree.op == Op::kAnd ? " and " : " or ";
                first = false;
                const bool brackets = tree.op == Op::kAnd && child.op == Op::kOr;
                if (brackets) policy.text_ += '(';
                flatten(child, policy);
                if (brackets) policy.text_ += ')';
            }
        }
        policy.nodes_.push_back({tree.op, tree.word, static_cast<std::uint16_t>(tree.children.size())});
    }
};

Result<Policy> Policy::parse(std::string_view text, const PolicyLimits& limits) {
    if (text.size() > limits.length)
        return fail(Errc::kLimitExceeded,
                    "an activation policy has at most " + std::to_string(limits.length) + " characters",
                    std::string(kField));
    Parser parser{text, limits.depth};
    SIGILLO_ASSIGN(const Parser::Tree tree, parser.sequence(Op::kOr, "or"));
    parser.skip_blanks();
    if (parser.at != text.size()) return parser.syntax("expected 'and', 'or' or the end");
    Policy policy;
    Parser::flatten(tree, policy);
    if (policy.seals_key() && !policy.every_branch_needs(FactorType::kPin))
        return fail(Errc::kInvalidArgument,
                    "a PIN seals the key, so every branch of the policy must need pin, or none",
                    std::string(kField));
    return policy;
}

bool Policy::evaluate(FactorSet satisfied) const {
    std::vector<bool> results;
    results.reserve(nodes_.size());
    for (const Node& node : nodes_) {
        if (node.op == Op::kWord) {
            results.push_back(satisfied.contains(node.word));
            continue;
        }
        bool all = true;
        bool any = false;
        for (std::uint16_t i = 0; i < node.operands; ++i) {
            all = all && results.back();
            any = any || results.back();
            results.pop_back();
        }
        results.push_back(node.op == Op::kAnd ? all : any);
    }
    return results.back();
}

bool Policy::every_branch_needs(FactorType type) const {
    return !satisfiable_without({type});
}

bool Policy::satisfiable_without(FactorSet factors) const {
    return evaluate(words_.without(factors));
}

Status check_class(const Policy& policy, record::CredentialClass credential_class) {
    if (credential_class == record::CLASS_SIMPLE) return {};
    if (policy.satisfiable_without(kAuthenticatingFactors))
        return fail(Errc::kInvalidArgument,
                    "classes advanced and qualified need pin, totp or hotp in every branch of the policy",
                    std::string(kField));
    return {};
}

}  // namespace sigillo::activation
