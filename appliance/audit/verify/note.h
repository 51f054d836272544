// Signed notes with Ed25519 keys: https://c2sp.org/signed-note. Pure functions; safe from any thread.
// Errors: kInvalidArgument for a key that is none, kCorrupt for a note that is malformed or not signed as it
// should be.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::audit {

// A verifier key: a name and an Ed25519 public key.
class NoteKey {
 public:
    // `name`: not empty, UTF-8 without spaces, control characters and '+'. `public_key`: 32 bytes (RFC 8032).
    static Result<NoteKey> create(std::string_view name, ByteView public_key);
    // "<name>+<id in 8 hex digits>+<base64(0x01 ‖ public key)>".
    static Result<NoteKey> parse(std::string_view text);

    const std::string& name() const { return name_; }
    std::uint32_t id() const { return id_; }  // SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)[:4]
    ByteView public_key() const { return public_key_; }
    std::string text() const;

    // Ed25519 over `text`.
    bool verifies(std::string_view text, ByteView signature) const;
    friend bool operator==(const NoteKey&, const NoteKey&) = default;

 private:
    NoteKey() = default;
    std::string name_;
    std::uint32_t id_ = 0;
    std::array<std::uint8_t, 32> public_key_{};
};

struct NoteSignature {
    std::string name;
    std::uint32_t key_id = 0;
    Bytes signature;
};

struct Note {
    std::string text;  // with its final newline
    std::vector<NoteSignature> signatures;
};

inline constexpr std::size_t kNoteLimit = 64 << 10;      // bytes
inline constexpr std::size_t kNoteSignatureLimit = 100;  // the specification wants 16 or more to be taken

Result<Note> parse_note(std::string_view note);
std::string format_note(const Note& note);
// Holds when at least one signature is of `key` and every one of `key` verifies; others are ignored.
Status check_note(const Note& note, const NoteKey& key);

}  // namespace sigillo::audit
