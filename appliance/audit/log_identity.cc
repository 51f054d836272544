#include "appliance/audit/log_identity.h"

#include <algorithm>

namespace sigillo::audit {
namespace {

// RFC 8410 §4: SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 bytes }.
constexpr std::array<std::uint8_t, 12> kEd25519Spki{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

}  // namespace

Result<LogIdentity> LogIdentity::create(std::string base_origin, std::shared_ptr<SigningKey> key) {
    const ByteView spki = key->public_key().spki;
    if (spki.size() != kEd25519Spki.size() + 32 || !equal(spki.first(kEd25519Spki.size()), kEd25519Spki))
        return fail(Errc::kInvalidArgument, "the log's key is not an Ed25519 key", "key");
    SIGILLO_ASSIGN(NoteKey note_key, NoteKey::create(base_origin, spki.subspan(kEd25519Spki.size())));
    return LogIdentity(std::move(base_origin), std::move(key), std::move(note_key));
}

Result<std::string> LogIdentity::sign(const Checkpoint& checkpoint) const {
    const auto note_key = keys_.find(checkpoint.origin);
    if (!note_key)
        return fail(Errc::kInternal, "checkpoint of " + checkpoint.origin + " is none of " + base_origin_);
    Note note{format_checkpoint(checkpoint), {}};
    SIGILLO_ASSIGN(Bytes signature, key_->sign_message(as_bytes(note.text)));
    note.signatures.push_back({note_key->name(), note_key->id(), std::move(signature)});
    if (!check_note(note, *note_key))
        return fail(Errc::kHsmFailed, "the HSM's signature of a checkpoint does not hold");
    return format_note(note);
}

}  // namespace sigillo::audit
