// A JSON body with documents in it, read as a stream: long base64 strings go straight into files in memory,
// and only what is left of the text is kept and decoded, under the limits of json/decode.h.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "api/documents/memory_file.h"
#include "api/http/exchange.h"
#include "api/json/decode.h"
#include "api/json/value.h"
#include "appliance/base/result.h"

namespace sigillo::api::documents {

struct BodyLimits {
    json::Limits json{.depth = 12, .values = 65'536};  // a handwriting has thousands of points
    // Bytes of the body without its long strings.
    std::size_t text_bytes = std::size_t{1} << 20;
    // Characters from which a string is a long one: below it the tree takes less than a descriptor does.
    std::size_t long_string = std::size_t{16} << 10;
    std::size_t long_strings = 300;  // 256 documents, and their pictures
};

// A long string that was base64, decoded; or one that was not.
struct LongString {
    std::shared_ptr<MemoryFile> file;  // empty: it was not base64
    std::uint64_t size = 0;
    std::optional<Digest> sha256;
};

struct RequestBody {
    json::Object object;
    std::vector<LongString> long_strings;  // by json::Blob::number
};

// kInvalidArgument (not acceptable JSON, not an object; `detail` is for the client, `field` a key given
// twice), kLimitExceeded (field "body"), kUnavailable.
Result<RequestBody> read_body(const Request& request, const BodyLimits& limits);

// The bytes that a member stands for, whether its string was long or short. kInvalidArgument: it is no
// string, or not base64.
Result<LongString> content_of(const json::Value& value, const RequestBody& body);

}  // namespace sigillo::api::documents
