// JSON text to values, under limits (RFC 8259, read strictly). Everything that two readers could take for two
// different things is refused: duplicate keys, numbers that a double cannot hold, invalid UTF-8, U+0000, what
// follows the document. Pure; safe from any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "api/json/value.h"
#include "appliance/base/result.h"

namespace sigillo::api::json {

struct Limits {
    std::size_t depth = 6;        // the deepest body, a signer's identifiers, needs 3
    std::size_t values = 16'384;  // the largest body, 1,000 hashes, needs about 1,010
};

// kInvalidArgument: `detail` says what is wrong and where, in words for the client, and repeats nothing of
// the text (it may hold a PIN); `field` names a key that was given twice.
Result<Value> decode(std::string_view text, Limits limits = {});

// The same, where long strings were cut out of the text beforehand: `blobs` are their places among all
// strings of the text, names of members included, ascending from 0; the text has an empty string there. They
// become Blobs, numbered as here. A name that was cut out is refused.
Result<Value> decode(std::string_view text, Limits limits, std::span<const std::size_t> blobs);

// The offset of the first byte that is not part of well-formed UTF-8 (RFC 3629), or npos.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace sigillo::api::json
