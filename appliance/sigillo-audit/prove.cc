#include <iostream>
#include <nlohmann/json.hpp>

#include "appliance/base/encoding.h"
#include "appliance/base/file.h"
#include "appliance/sigillo-audit/opened_log.h"
#include "appliance/sigillo-audit/proof_file.h"

namespace sigillo::audit_tool {
namespace {

using nlohmann::json;

constexpr std::size_t kProofLimit = 1 << 20;

// The members of a proof file; FORMAT.md, "Proof files".
Result<json> parse_proof(const std::filesystem::path& file) {
    auto bytes = read_file(file, kProofLimit);
    if (!bytes) return fail(Errc::kInvalidArgument, bytes.error().detail, "proof");
    json proof = json::parse(as_text(*bytes), nullptr, false);
    const auto is_text = [&](const char* name) { return proof.contains(name) && proof[name].is_string(); };
    if (!proof.is_object() || !is_text("leaf") || !is_text("checkpoint") || !proof.contains("index") ||
        !proof["index"].is_number_unsigned() || !proof.contains("proof") || !proof["proof"].is_array())
        return fail(Errc::kCorrupt, file.string() + " is no proof file");
    return proof;
}

Status check(const json& proof, const audit::TrustedKeys& keys) {
    SIGILLO_ASSIGN(const auto head, audit::open_checkpoint(proof["checkpoint"].get<std::string>(), keys));
    auto leaf = base64_decode(proof["leaf"].get<std::string>());
    if (!leaf) return fail(Errc::kCorrupt, "\"leaf\" is not base64");
    std::vector<audit::Hash> path;
    for (const json& item : proof["proof"]) {
        const auto bytes =
            item.is_string() ? base64_decode(item.get<std::string>()) : fail(Errc::kCorrupt, "");
        if (!bytes) return fail(Errc::kCorrupt, "\"proof\" has a member that is not base64");
        SIGILLO_ASSIGN(path.emplace_back(), audit::to_hash(*bytes));
    }
    const auto index = proof["index"].get<std::uint64_t>();
    if (!audit::verify_inclusion(index, head.checkpoint.size, audit::leaf_hash(*leaf), path,
                                 head.checkpoint.root))
        return fail(Errc::kCorrupt, "the leaf is not at index " + std::to_string(index) +
                                        " under the checkpoint of size " +
                                        std::to_string(head.checkpoint.size));
    std::cout << "Leaf " << index << " is in " << head.checkpoint.origin << " as of size "
              << grouped(head.checkpoint.size) << ":\n"
              << printable(as_text(*leaf)) << std::endl;
    return {};
}

}  // namespace

Result<json> proof_of(const audit::LogSnapshot& snapshot, std::uint64_t index) {
    SIGILLO_ASSIGN(const auto proven, snapshot.prove(index));
    json proof{{"origin", snapshot.checkpoint().origin},
               {"index", index},
               {"size", snapshot.checkpoint().size},
               {"leaf", base64_encode(proven.leaf)},
               {"proof", json::array()},
               {"checkpoint", snapshot.head().note}};
    for (const audit::Hash& hash : proven.proof) proof["proof"].push_back(base64_encode(hash));
    return proof;
}

int prove_leaf(const LogArguments& log, std::uint64_t index, const std::filesystem::path& out) {
    const auto snapshot = open_log(log);
    if (!snapshot) return report(snapshot.error());
    const auto proof = proof_of(*snapshot, index);
    if (!proof) return report(proof.error());
    const std::string text = proof->dump(2) + '\n';
    if (out.empty()) {
        std::cout << text << std::flush;
        return kHolds;
    }
    if (auto written = write_file_durably(out, as_bytes(text), 0644); !written)
        return report_usage({Errc::kInvalidArgument, "--out: " + written.error().detail});
    return kHolds;
}

int check_proof(const std::filesystem::path& file, const std::filesystem::path& key) {
    const auto keys = read_keys(key);
    if (!keys) return report(keys.error());
    const auto proof = parse_proof(file);
    if (!proof) return report(proof.error());
    if (auto status = check(*proof, *keys); !status) return report_failure(status.error());
    return kHolds;
}

}  // namespace sigillo::audit_tool
