// `signed_props` of CSC's signDoc (§11.11): named attributes, decoded into what sigillod builds
// SignedAttributes from, and into the entries of a PDF's signature dictionary. Nothing that is not understood
// is passed on. Pure; safe from any thread.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "api/documents/contract/doc.pb.h"
#include "api/json/value.h"
#include "appliance/ipc/sam.pb.h"

namespace sigillo::api::documents {

enum class Format : std::uint8_t { kCades, kPades };

struct SignedProps {
    sam::SignedProperties properties;
    // PAdES: /Reason, /Location, /Name and /ContactInfo.
    std::string reason, location, name, contact_info;
};

// Values are base64 of the attribute's DER (EN 319 122-1 §5.2); of UTF-8 for the four of PAdES (EN 319 142-1
// §5.3). content-type, message-digest, signing-certificate-v2 and, in CAdES, signing-time may be named
// without a value: they are always there. The error: the names of the attributes that are unknown, wrong,
// given twice or not for this format, in the order given.
std::expected<SignedProps, std::vector<std::string>> read_signed_props(const json::Array& props,
                                                                       Format format);

}  // namespace sigillo::api::documents
