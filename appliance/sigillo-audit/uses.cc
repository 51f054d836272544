#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "appliance/audit/verify/uses.h"
#include "appliance/base/ids.h"
#include "appliance/sigillo-audit/opened_log.h"

namespace sigillo::audit_tool {
namespace {

struct Use {
    audit::Leaf intent;
    std::optional<audit::Leaf> outcome;
    std::uint64_t outcome_index = 0;

    std::string result() const {
        return outcome ? std::string(outcome->text("result").value_or("?")) : "open";
    }
};

using Uses = std::map<std::uint64_t, Use>;  // by the Intent's index

std::vector<std::string> list_of(const audit::Leaf& leaf, std::string_view name) {
    const auto found = leaf.lists.find(name);
    return found == leaf.lists.end() ? std::vector<std::string>() : found->second;
}

void collect(Uses& uses, std::uint64_t index, const audit::Leaf& leaf) {
    if (leaf.type == "signing.intent") {
        uses[index].intent = leaf;
    } else if (leaf.type == "signing.outcome") {
        const auto use = uses.find(leaf.number("intent").value_or(index));
        if (use == uses.end()) return;  // its Intent stands in an earlier epoch
        use->second.outcome = leaf;
        use->second.outcome_index = index;
    }
}

nlohmann::json to_json(std::uint64_t index, const Use& use) {
    nlohmann::json out{{"intent", index},
                       {"seq", use.intent.number("seq").value_or(0)},
                       {"time", use.intent.time},
                       {"client", std::string(use.intent.text("client").value_or(""))},
                       {"activation", use.intent.number("activation").value_or(0)},
                       {"hash_alg", std::string(use.intent.text("hash_alg").value_or(""))},
                       {"hashes", list_of(use.intent, "hashes")},
                       {"result", use.result()}};
    if (const auto documents = list_of(use.intent, "documents"); !documents.empty()) {
        out["documents"] = documents;
        out["messages"] = list_of(use.intent, "messages");
        out["formats"] = list_of(use.intent, "formats");
    }
    if (use.outcome) {
        out["outcome"] = use.outcome_index;
        out["signatures"] = list_of(*use.outcome, "signatures");
    }
    return out;
}

void print(std::uint64_t index, const Use& use) {
    std::cout << "leaf " << index << "  " << printable(use.intent.time) << "  seq "
              << use.intent.number("seq").value_or(0) << "  " << printable(use.result());
    if (use.outcome) std::cout << " (leaf " << use.outcome_index << ")";
    std::cout << '\n';
    const auto hashes = list_of(use.intent, "hashes");
    const auto signatures = use.outcome ? list_of(*use.outcome, "signatures") : std::vector<std::string>();
    const auto documents = list_of(use.intent, "documents");
    const auto messages = list_of(use.intent, "messages");
    for (std::size_t i = 0; i < hashes.size(); ++i) {
        // What was authorised, what the signature says of it, and below what the key signed.
        if (i < documents.size()) std::cout << "    document " << printable(documents[i]);
        if (i < messages.size() && i < documents.size() && messages[i] != documents[i])
            std::cout << "  in a revision of digest " << printable(messages[i]);
        if (i < documents.size()) std::cout << '\n';
        std::cout << "    hash " << printable(hashes[i]);
        if (i < signatures.size()) std::cout << "  signature SHA-256 " << printable(signatures[i]);
        std::cout << '\n';
    }
}

}  // namespace

int show_uses(const LogArguments& log, const std::string& credential) {
    if (!is_id(credential))
        return report_usage({Errc::kInvalidArgument, "--credential: an id has 32 digits of 0-9 a-f"});
    const auto snapshot = open_log(log);
    if (!snapshot) return report(snapshot.error());
    audit::UseChecker checker;
    Uses uses;
    bool of_tsa = false, named = false;
    {
        ProgressLine progress("reading " + log.log.string());
        const Status walked = snapshot->verify_tree(
            [&](std::uint64_t index, ByteView bytes) -> Status {
                SIGILLO_ASSIGN(const audit::Leaf leaf, audit::parse_leaf(bytes));
                SIGILLO_TRY(checker.take(index, leaf));
                of_tsa = of_tsa || is_of_tsa(leaf);
                if (leaf.text("credential") == credential) {
                    named = true;
                    collect(uses, index, leaf);
                }
                return {};
            },
            progress.callback());
        if (!walked) return report_failure(walked.error());
    }
    if (of_tsa)
        return report_usage({Errc::kInvalidArgument,
                             "this is the log of a time-stamping authority: no key of a signer is in it"});
    const auto found = checker.credentials().find(credential);
    const auto state = found == checker.credentials().end() ? audit::UseChecker::Credential{} : found->second;
    const bool earlier = state.first_seq > 1;
    if (log.json) {
        nlohmann::json out{{"credential", credential},
                           {"complete", !earlier},
                           {"first_seq", state.first_seq},
                           {"last_seq", state.seq},
                           {"checkpoint", snapshot->head().note},
                           {"uses", nlohmann::json::array()}};
        for (const auto& [index, use] : uses) out["uses"].push_back(to_json(index, use));
        std::cout << out.dump() << std::endl;
        return kHolds;
    }
    for (const auto& [index, use] : uses) print(index, use);
    const std::string as_of = " as of the checkpoint of size " + grouped(snapshot->checkpoint().size) +
                              " of " + snapshot->checkpoint().origin;
    if (!named)
        std::cout << "No entry of this log names this key" << as_of << ".\n";
    else if (state.seq == 0)
        std::cout << "This key was never used" << as_of << ".\n";
    else if (earlier)
        std::cout << "These are all uses in this epoch (its leaves are numbered " << state.first_seq << " to "
                  << state.seq << " without a gap)" << as_of << "; those before are in earlier epochs.\n";
    else
        std::cout << "These are all uses of this key: " << grouped(uses.size())
                  << ". Its leaves, intents and "
                  << "outcomes, are numbered 1 to " << grouped(state.seq) << " without a gap" << as_of
                  << ".\n";
    std::cout.flush();
    return kHolds;
}

}  // namespace sigillo::audit_tool
