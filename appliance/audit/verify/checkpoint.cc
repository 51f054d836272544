#include "appliance/audit/verify/checkpoint.h"

#include <algorithm>

#include "appliance/base/encoding.h"

namespace sigillo::audit {
namespace {

constexpr std::string_view kEpochInfix = "/epoch-";

std::unexpected<Error> malformed(const std::string& why) {
    return fail(Errc::kCorrupt, "checkpoint: " + why);
}

}  // namespace

std::string format_checkpoint(const Checkpoint& checkpoint) {
    return checkpoint.origin + '\n' + std::to_string(checkpoint.size) + '\n' +
           base64_encode(checkpoint.root) + '\n';
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) return malformed("the last line has no end");
        if (end == 0) return malformed("an empty line");
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    if (lines.size() < 3) return malformed("fewer than three lines");
    const auto size = parse_decimal(lines[1]);
    if (!size) return malformed("the tree size is not a number in its only spelling");
    const auto root = base64_decode(lines[2]);
    if (!root || root->size() != 32) return malformed("the root hash is not base64 of 32 bytes");
    Checkpoint checkpoint{std::string(lines[0]), *size, {}};
    std::ranges::copy(*root, checkpoint.root.begin());
    return checkpoint;
}

std::string epoch_origin(std::string_view base, std::uint64_t epoch) {
    std::string origin(base);
    if (epoch > 1) origin.append(kEpochInfix).append(std::to_string(epoch));
    return origin;
}

std::optional<std::uint64_t> epoch_of_origin(std::string_view base, std::string_view origin) {
    if (origin == base) return 1;
    if (!origin.starts_with(base)) return std::nullopt;
    origin.remove_prefix(base.size());
    if (!origin.starts_with(kEpochInfix)) return std::nullopt;
    const auto number = parse_decimal(origin.substr(kEpochInfix.size()));
    return number && *number > 1 ? number : std::nullopt;
}

Result<TrustedKeys> TrustedKeys::parse(std::string_view text) {
    std::vector<NoteKey> keys;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        SIGILLO_ASSIGN(NoteKey key, NoteKey::parse(line));
        keys.push_back(std::move(key));
    }
    if (keys.empty()) return fail(Errc::kInvalidArgument, "no verifier key", "key");
    return TrustedKeys(std::move(keys));
}

std::optional<NoteKey> TrustedKeys::find(std::string_view origin) const {
    for (const NoteKey& key : keys_) {
        if (key.name() == origin) return key;
    }
    for (const NoteKey& key : keys_) {
        if (!epoch_of_origin(key.name(), origin)) continue;
        if (auto renamed = NoteKey::create(origin, key.public_key())) return *renamed;
    }
    return std::nullopt;
}

Result<SignedCheckpoint> open_checkpoint(std::string_view note, const TrustedKeys& keys) {
    SIGILLO_ASSIGN(const Note parsed, parse_note(note));
    SIGILLO_ASSIGN(Checkpoint checkpoint, parse_checkpoint(parsed.text));
    const auto key = keys.find(checkpoint.origin);
    if (!key) return malformed("no trusted key for a log of origin " + checkpoint.origin);
    SIGILLO_TRY(check_note(parsed, *key));
    return SignedCheckpoint{std::move(checkpoint), std::string(note)};
}

}  // namespace sigillo::audit
