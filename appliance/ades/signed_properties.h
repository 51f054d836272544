// What a signer says beside the document (EN 319 122-1 §5.2): decoded, bounded, and encoded as CMS
// Attributes.
//
// Nothing is parsed here: typed fields come in, DER goes out. Texts are UTF-8 without control characters and
// without characters that turn the direction of writing around, so that what a validator shows is what was
// meant. Pure functions; safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "appliance/base/digest.h"
#include "appliance/base/result.h"

namespace sigillo::ades {

enum class Format : std::uint8_t {
    kCades = 1,  // EN 319 122-1
    kPades = 2,  // EN 319 142-1: the CMS inside a PDF
};
std::string_view format_name(Format format);  // "cades", "pades": the log's words

// §5.2.5; at least one of the three.
struct SignerLocation {
    std::string country;
    std::string locality;
    std::vector<std::string> postal_address;  // lines, at most 6
};

// §5.2.9.1, with the policy's hash: what was agreed on cannot be exchanged later.
struct SignaturePolicy {
    std::string oid;  // dotted
    Digest hash;
    std::string uri;  // SPuri: where the policy is, visible ASCII; or empty
};

// §5.2.4.1
struct ContentHints {
    std::string description;   // or empty
    std::string content_type;  // dotted; empty: id-data
};

struct SignedProperties {
    // §5.2.3, dotted: 1.2.840.113549.1.9.16.6.1 proofOfOrigin … .6 proofOfCreation, or a community's own.
    std::vector<std::string> commitment_types;
    std::optional<SignerLocation> signer_location;
    std::optional<SignaturePolicy> signature_policy;
    std::optional<ContentHints> content_hints;
    std::string mime_type;  // §5.2.4.2: "application/pdf"; or empty
};

struct PropertyLimits {
    std::size_t text = 256;            // bytes of one text: a line of an address, a description
    std::size_t uri = 1'024;           // bytes
    std::size_t oid = 128;             // characters of a dotted identifier; those in use have below 50
    std::size_t commitment_types = 8;  // the standard defines six
};

// Encoded attributes, each a whole DER Attribute. The same properties give the same bytes.
struct EncodedProperties {
    std::vector<Bytes> attributes;
};

// In PAdES signer-location, content-hints and mime-type are refused: a PDF says its place in /Location, and
// its content is a PDF (EN 319 142-1 §6.3). kInvalidArgument, kLimitExceeded: `field` "signed_props",
// `detail` names the property and what is wrong.
Result<EncodedProperties> encode_properties(Format format, const SignedProperties& properties,
                                            const PropertyLimits& limits = {});

}  // namespace sigillo::ades
