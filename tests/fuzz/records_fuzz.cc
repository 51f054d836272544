// Records out of a store that somebody else wrote, and text encodings.
#include "appliance/base/encoding.h"
#include "appliance/store/expiry.h"
#include "appliance/store/records.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;

FUZZ_TARGET(input) {
    static const RecordCodec codec(SecretBytes(32));
    const Bytes key = to_bytes("key");
    FUZZ_CHECK(!codec.decode(tables::kSads.space, key, input));  // nobody guesses a MAC
    const Bytes stored = codec.encode(tables::kSads.space, key, 7, input);
    const auto decoded = codec.decode(tables::kSads.space, key, stored);
    FUZZ_CHECK(decoded && decoded->version == 7 && equal(decoded->payload, input));
    (void)parse_expiry_key(input);
    const std::string_view text = as_text(input);
    if (const auto bytes = base64_decode(text)) FUZZ_CHECK(base64_encode(*bytes) == text);
    if (const auto bytes = base64url_decode(text)) FUZZ_CHECK(base64url_encode(*bytes) == text);
    if (const auto bytes = hex_decode(text)) FUZZ_CHECK(hex_encode(*bytes) == text);
}
