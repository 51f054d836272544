// The revision that holds a signature: appended to a document, complete but for the CMS itself.
//
// Every earlier octet stays in place, and only what must change is in the revision (ISO 32000-1 §7.5.6), so
// that a validator that compares revisions finds nothing but a signature. /ByteRange is final: whoever has
// the CMS writes its hexadecimal digits into the gap (embed.h), and no octet else.
//
// Call it in a sandboxed process of its own: PoDoFo reads what strangers wrote. No file system is needed. Not
// thread-safe with other users of PoDoFo.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/documents/pdf/appearance.h"
#include "api/documents/pdf/embed.h"
#include "api/documents/pdf/fonts.h"
#include "api/documents/pdf/limits.h"
#include "api/documents/pdf/placement.h"
#include "appliance/base/clock.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

enum class SubFilter : std::uint8_t {
    kCadesDetached,  // ETSI.CAdES.detached: a PAdES signature
    kRfc3161,        // ETSI.RFC3161: a document time-stamp (/Type /DocTimeStamp)
};

// DocMDP (ISO 32000-2 §12.8.2.2): what may change after a certification. Only the first signature can
// certify.
enum class Certification : std::uint8_t { kNone = 0, kNoChanges = 1, kFormFilling = 2, kAnnotations = 3 };

enum class FieldUse : std::uint8_t {
    kCreate,    // field_name is new; empty: "Signature1", "Signature2", … (DocTimeStamps: "Timestamp1" …)
    kExisting,  // field_name is a signature field of the document that is empty, with its own place
};

enum class LockAction : std::uint8_t { kAll, kInclude, kExclude };

// Fields that nobody may change after this signature (FieldMDP, ISO 32000-2 §12.8.2.4).
struct FieldLock {
    LockAction action = LockAction::kAll;
    std::vector<std::string> fields;  // fully qualified names; empty for kAll
};

// A further visible area of the same signature: a consent of its own (a clause), on any page.
struct Area {
    unsigned page = 1;
    Rectangle rectangle;
    Appearance appearance;
};

// An empty signature field for somebody who signs later. A certified document takes visible signatures in
// such fields alone, so whoever certifies makes them.
struct LaterField {
    std::string name;
    unsigned page = 1;
    Rectangle rectangle;
};

struct SignatureSpec {
    FieldUse field_use = FieldUse::kCreate;
    std::string field_name;
    SubFilter sub_filter = SubFilter::kCadesDetached;
    Certification certification = Certification::kNone;
    std::optional<FieldLock> lock;  // of a new field; an existing one has its own /Lock, which holds

    // Entries of the signature dictionary, UTF-8; empty: absent.
    std::string name;
    std::string reason;
    std::string location;
    std::string contact_info;
    std::optional<WallTime>
        signing_time;  // /M, and {time}; PAdES wants it (EN 319 142-1 §5.3), time-stamps have none

    std::size_t contents_size = 16'384;  // octets kept free for the CMS

    // A new field: page from 1; without rectangle it is invisible. An existing one has both.
    unsigned page = 1;
    std::optional<Rectangle> rectangle;
    Appearance appearance;  // of a visible field
    std::vector<Area> clauses;
    std::vector<LaterField> later_fields;
    // Further words for TextBlock::lines ("issuer"); an entry here goes before the built-in one of its name.
    std::map<std::string, std::string, std::less<>> placeholders;
};

struct Prepared {
    std::uint64_t original_size = 0;  // the first octets of the output are the document as it was
    std::array<std::uint64_t, 4> byte_range{};
    SignatureGap gap;
    std::string field_name;  // fully qualified
};

// Writes the document (a regular file or memfd, mapped; its offset stays) and the revision to `out` (regular
// file or memfd, truncated first). What stands in `out` after an error is undefined. kInvalidArgument: the
// document or a parameter; `detail` is for the client. `field` names the parameter: "document",
//   "page", "position", "field_name", "font", "text", "image", "handwriting", "certification", …
// kUnsupported (field "document"): encrypted, XFA, or built in a way that cannot be continued.
// kConflict: the field is signed; the document's certification or locks forbid it; a certification comes too
// late. kNotFound (field "field_name" or "page"). kAlreadyExists (field "field_name"). kLimitExceeded.
// kUnavailable: reading or writing failed, or no memory.
Result<Prepared> prepare_signature(int document, const SignatureSpec& spec, const Fonts& fonts,
                                   const Limits& limits, int out);

}  // namespace sigillo::pdf
