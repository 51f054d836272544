// The auditor's commands. Each returns the exit code: 0 holds, 1 does not; usage errors (2) never come this
// far, but for files named on the command line that cannot be read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace sigillo::audit_tool {

inline constexpr int kHolds = 0;
inline constexpr int kDoesNotHold = 1;
inline constexpr int kUsage = 2;

struct LogArguments {
    std::filesystem::path log;  // directory
    std::filesystem::path key;  // file of verifier keys
    bool json = false;
};

struct ShowArguments {
    std::uint64_t from = 0;
    std::optional<std::uint64_t> to;  // inclusive
    std::string type;                 // or a prefix of it that ends with a dot; empty: all
};

struct TokenArguments {
    std::string unit;  // empty: all units
    std::string from;  // UTC, RFC 3339 or a date; both ends included, empty: open
    std::string to;
    bool proofs = false;  // with --json: each token's proof of inclusion
};

int verify_log(const LogArguments& log, const std::filesystem::path& old_checkpoint);
int show_leaves(const LogArguments& log, const ShowArguments& what);
int show_uses(const LogArguments& log, const std::string& credential);
int show_tokens(const LogArguments& log, const TokenArguments& what);
int prove_leaf(const LogArguments& log, std::uint64_t index, const std::filesystem::path& out);
int check_proof(const std::filesystem::path& proof, const std::filesystem::path& key);

}  // namespace sigillo::audit_tool
