// The cross-reference of a file, read here: tables, streams and hybrids, from the last section back to the
// first, into one stream that stands behind the file in memory and nowhere else.
//
// PoDoFo reads the objects, and this instead of the file's own sections: it knows no stream whose fields have
// more than four octets (pyHanko writes eight), loses what a hybrid file hides from old readers, and recurses
// over revisions.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "api/documents/pdf/limits.h"
#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

// The offset that stands behind the last "startxref". kInvalidArgument (field "document"): there is none.
Result<std::uint64_t> last_section(ByteView file);

struct CrossReference {
    std::string section;  // a cross-reference stream, "startxref" and "%%EOF", to stand right behind the file
    std::map<std::string, std::string>
        trailer;  // sources: /Root, /Info, /ID, /Encrypt, as far as they are there
};
// kInvalidArgument (field "document"): a section is broken. kLimitExceeded (field "document").
Result<CrossReference> read_cross_reference(ByteView file, const Limits& limits);

}  // namespace sigillo::pdf
