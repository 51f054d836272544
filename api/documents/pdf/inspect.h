// What a document holds: its signatures, empty signature fields, validation data, pages.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/documents/pdf/dss.h"
#include "api/documents/pdf/limits.h"
#include "api/documents/pdf/prepare.h"
#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

struct SignatureInfo {
    std::vector<std::string> fields;  // fully qualified; more than one where clauses share a signature
    std::string type;                 // "Sig" or "DocTimeStamp"
    std::string filter;               // "Adobe.PPKLite"
    std::string sub_filter;           // "ETSI.CAdES.detached", "ETSI.RFC3161", "adbe.pkcs7.detached", …
    std::array<std::uint64_t, 4> byte_range{};
    Bytes cms;  // /Contents without the padding, as far as it is DER, else all of it; empty: not signed yet
    std::string vri_key;  // SHA-1 of /Contents with the padding, upper-case hexadecimal
    // The range begins at 0, excludes nothing but /Contents, and ends at the end of a revision.
    bool byte_range_sound = false;
    bool covers_whole_file = false;              // nothing was appended since
    std::uint64_t revision_size = 0;             // octets of the document as it was signed
    std::optional<Certification> certification;  // DocMDP of this signature
    std::optional<FieldLock> lock;               // FieldMDP of this signature
    std::string name;
    std::string reason;
    std::string location;
    std::string contact_info;
    std::string signing_time;  // /M as it stands
};

struct EmptyField {
    std::string name;
    std::optional<unsigned> page;  // from 1
    bool visible = false;
};

struct PageInfo {
    double width = 0;  // points, as displayed: what a Rectangle is measured in
    double height = 0;
    int rotation = 0;  // 0, 90, 180, 270
};

struct DocumentInfo {
    bool encrypted = false;  // then the rest is empty
    bool xfa = false;
    std::string version;                    // "1.7"
    std::vector<SignatureInfo> signatures;  // in the order in which they were made
    std::vector<EmptyField> empty_fields;
    std::optional<Certification> certification;  // what /Perms /DocMDP allows
    std::vector<PageInfo> pages;
    ValidationData validation_data;  // the whole store
    std::vector<std::string> vri_keys;
};

// `document`, sandbox and errors as prepare_signature.
Result<DocumentInfo> inspect(int document, const Limits& limits);

}  // namespace sigillo::pdf
