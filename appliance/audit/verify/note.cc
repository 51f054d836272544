#include "appliance/audit/verify/note.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "appliance/audit/verify/canonical_json.h"
#include "appliance/base/digest.h"
#include "appliance/base/encoding.h"

namespace sigillo::audit {
namespace {

constexpr std::uint8_t kEd25519 = 1;  // signature type
constexpr std::string_view kDash = "\xe2\x80\x94 ";

bool is_space(char32_t c) {
    return c <= 0x20 || c == 0x7f || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool is_key_name(std::string_view name) {
    if (name.empty()) return false;
    while (!name.empty()) {
        const auto point = take_code_point(name);
        if (!point || is_space(*point) || *point == U'+') return false;
    }
    return true;
}

std::unexpected<Error> malformed(const std::string& why) {
    return fail(Errc::kCorrupt, "signed note: " + why);
}

}  // namespace

Result<NoteKey> NoteKey::create(std::string_view name, ByteView public_key) {
    if (!is_key_name(name)) return fail(Errc::kInvalidArgument, "verifier key: bad name", "key");
    if (public_key.size() != 32)
        return fail(Errc::kInvalidArgument, "verifier key: Ed25519 keys have 32 bytes", "key");
    NoteKey key;
    key.name_ = name;
    std::ranges::copy(public_key, key.public_key_.begin());
    const std::array<std::uint8_t, 2> separator{'\n', kEd25519};
    key.id_ = read_u32(sha256({as_bytes(name), separator, public_key}));
    return key;
}

Result<NoteKey> NoteKey::parse(std::string_view text) {
    const auto wrong = [](const char* why) {
        return fail(Errc::kInvalidArgument, std::string("verifier key: ") + why, "key");
    };
    const auto first = text.find('+');
    const auto second = first == std::string_view::npos ? first : text.find('+', first + 1);
    if (second == std::string_view::npos) return wrong("not <name>+<id>+<key>");
    const auto id = hex_decode(text.substr(first + 1, second - first - 1));
    const auto typed = base64_decode(text.substr(second + 1));
    if (!id || id->size() != 4) return wrong("its id is not 8 hex digits");
    if (!typed || typed->size() != 33 || typed->front() != kEd25519) return wrong("not an Ed25519 key");
    SIGILLO_ASSIGN(const NoteKey key, create(text.substr(0, first), ByteView(*typed).subspan(1)));
    if (key.id() != read_u32(*id)) return wrong("its id does not belong to name and key");
    return key;
}

std::string NoteKey::text() const {
    Bytes id;
    append_u32(id, id_);
    Bytes typed{kEd25519};
    append(typed, ByteView(public_key_));
    return name_ + '+' + hex_encode(id) + '+' + base64_encode(typed);
}

bool NoteKey::verifies(std::string_view text, ByteView signature) const {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key_.data(), public_key_.size()),
        EVP_PKEY_free);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    const bool holds = key && context &&
                       EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
                       EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                                        as_bytes(text).data(), text.size()) == 1;
    ERR_clear_error();
    return holds;
}

Result<Note> parse_note(std::string_view note) {
    if (note.size() > kNoteLimit) return malformed("longer than 64 KiB");
    if (!is_utf8(note)) return malformed("not UTF-8");
    if (std::ranges::any_of(note, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; }))
        return malformed("has control characters");
    const auto blank = note.rfind("\n\n");
    if (blank == std::string_view::npos) return malformed("no blank line before the signatures");
    Note parsed;
    parsed.text = note.substr(0, blank + 1);
    std::string_view rest = note.substr(blank + 2);
    if (rest.empty()) return malformed("no signature");
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        if (end == std::string_view::npos) return malformed("the last line has no end");
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        if (!line.starts_with(kDash)) return malformed("a signature line does not begin with a dash");
        line.remove_prefix(kDash.size());
        const auto space = line.find(' ');
        if (space == std::string_view::npos || !is_key_name(line.substr(0, space)))
            return malformed("a signature line has no key name");
        const auto bytes = base64_decode(line.substr(space + 1));
        if (!bytes || bytes->size() <= 4) return malformed("a signature is not base64 of more than 4 bytes");
        if (parsed.signatures.size() == kNoteSignatureLimit) return malformed("too many signatures");
        parsed.signatures.push_back(
            {std::string(line.substr(0, space)), read_u32(*bytes), to_bytes(ByteView(*bytes).subspan(4))});
    }
    return parsed;
}

std::string format_note(const Note& note) {
    std::string out = note.text + '\n';
    for (const NoteSignature& signature : note.signatures) {
        Bytes bytes;
        append_u32(bytes, signature.key_id);
        append(bytes, ByteView(signature.signature));
        out += kDash;
        out += signature.name + ' ' + base64_encode(bytes) + '\n';
    }
    return out;
}

Status check_note(const Note& note, const NoteKey& key) {
    bool signed_by_key = false;
    for (const NoteSignature& signature : note.signatures) {
        if (signature.name != key.name() || signature.key_id != key.id()) continue;
        if (!key.verifies(note.text, signature.signature))
            return malformed("the signature of " + key.name() + " does not hold");
        signed_by_key = true;
    }
    if (!signed_by_key) return malformed("not signed by " + key.name());
    return {};
}

}  // namespace sigillo::audit
