#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "appliance/audit/verify/leaf.h"
#include "appliance/base/ids.h"
#include "appliance/sigillo-audit/opened_log.h"
#include "appliance/sigillo-audit/proof_file.h"

namespace sigillo::audit_tool {
namespace {

// The first fourteen digits of a time, YYYYMMDDhhmmss, as genTime has them too; empty when it is none. Taken:
// "2026-11-23", "2026-11-23T08:44:57Z", and genTime itself.
std::string digits_of(std::string_view time, bool end_of_day) {
    std::string digits;
    for (const char c : time.substr(0, time.find('.'))) {
        if (c >= '0' && c <= '9')
            digits += c;
        else if (c != '-' && c != ':' && c != 'T' && c != 'Z')
            return {};
    }
    if (digits.size() == 8) digits += end_of_day ? "235960" : "000000";
    return digits.size() == 14 ? digits : std::string();
}

struct Token {
    std::uint64_t index = 0;
    audit::Leaf leaf;
    std::string text(std::string_view name) const { return std::string(leaf.text(name).value_or("")); }
};

struct Range {
    std::string from;
    std::string to;
    bool holds(std::string_view gen_time) const {
        const std::string at = digits_of(gen_time, false);
        return !at.empty() && (from.empty() || from <= at) && (to.empty() || at <= to);
    }
};

Result<nlohmann::json> json_of(const audit::LogSnapshot& snapshot, const Token& token, bool proofs) {
    nlohmann::json out{{"leaf", token.index},
                       {"serial", token.text("serial")},
                       {"hash_alg", token.text("hash_alg")},
                       {"imprint", token.text("imprint")},
                       {"policy", token.text("policy")},
                       {"gen_time", token.text("gen_time")},
                       {"unit", token.text("unit")}};
    if (proofs) {
        SIGILLO_ASSIGN(out["proof"], proof_of(snapshot, token.index));
    }
    return out;
}

}  // namespace

int show_tokens(const LogArguments& log, const TokenArguments& what) {
    if (!what.unit.empty() && !is_id(what.unit))
        return report_usage({Errc::kInvalidArgument, "--unit: an id has 32 digits of 0-9 a-f"});
    const Range range{digits_of(what.from, false), digits_of(what.to, true)};
    if (range.from.empty() != what.from.empty() || range.to.empty() != what.to.empty())
        return report_usage(
            {Errc::kInvalidArgument, "--from, --to: UTC, as 2026-11-23 or 2026-11-23T08:44:57Z"});
    const auto snapshot = open_log(log);
    if (!snapshot) return report(snapshot.error());
    if (!range.from.empty() && !range.to.empty() && range.to < range.from)
        return report_usage({Errc::kInvalidArgument, "--to is before --from"});
    std::vector<Token> tokens;
    bool of_tsa = false;
    {
        ProgressLine progress("reading " + log.log.string());
        const Status walked = snapshot->verify_tree(
            [&](std::uint64_t index, ByteView bytes) -> Status {
                SIGILLO_ASSIGN(audit::Leaf leaf, audit::parse_leaf(bytes));
                of_tsa = of_tsa || is_of_tsa(leaf);
                if (leaf.type != "tsa.token") return {};
                if (!what.unit.empty() && leaf.text("unit") != what.unit) return {};
                if (range.holds(leaf.text("gen_time").value_or("")))
                    tokens.push_back({index, std::move(leaf)});
                return {};
            },
            progress.callback());
        if (!walked) return report_failure(walked.error());
    }
    if (!of_tsa && snapshot->checkpoint().size > 0)
        return report_usage({Errc::kInvalidArgument, "this is no log of a time-stamping authority"});
    if (log.json) {
        nlohmann::json out{{"unit", what.unit},
                           {"from", what.from},
                           {"to", what.to},
                           {"checkpoint", snapshot->head().note},
                           {"tokens", nlohmann::json::array()}};
        for (const Token& token : tokens) {
            auto entry = json_of(*snapshot, token, what.proofs);
            if (!entry) return report(entry.error());
            out["tokens"].push_back(*std::move(entry));
        }
        std::cout << out.dump() << std::endl;
        return kHolds;
    }
    for (const Token& token : tokens)
        std::cout << "leaf " << token.index << "  " << printable(token.text("gen_time")) << "  serial "
                  << printable(token.text("serial")) << "  unit " << printable(token.text("unit"))
                  << "\n    imprint " << printable(token.text("imprint")) << "  ("
                  << printable(token.text("hash_alg")) << ")  policy " << printable(token.text("policy"))
                  << '\n';
    std::cout << "These are all tokens" << (what.unit.empty() ? "" : " of this unit")
              << (what.from.empty() && what.to.empty() ? "" : " of this time") << ": "
              << grouped(tokens.size()) << ", as of the checkpoint of size "
              << grouped(snapshot->checkpoint().size) << " of " << snapshot->checkpoint().origin << ".\n";
    std::cout.flush();
    return kHolds;
}

}  // namespace sigillo::audit_tool
