// A CMS SignedData (RFC 5652 §5) as its encoded parts, to be read, added to and written again.
//
// Reading takes BER: definite or indefinite lengths, content in pieces. Parts are kept as the bytes that they
// were, since signatures and time-stamps cover encodings: what is not changed is written as it was read.
// Writing gives definite lengths, content as one primitive OCTET STRING, and the SETs in DER's order (X.690
// §11.6); a document that was DER stays DER. Order in a SET means nothing, so a signer is named by its
// signature value and not by its place.
//
// Everything but the content is in memory, inside Limits::max_structure_bytes. Not thread-safe; a value type,
// except that content is read from the source that it came from.
//
// Errors of all functions, unless said otherwise: kInvalidArgument, kLimitExceeded or kUnsupported with
// `field` "document" (or the name of what was passed in: "token", "certificate", "content", …) and `detail`
// in words for the client.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "api/documents/cms/io.h"
#include "api/documents/cms/limits.h"

namespace sigillo::cms {

// SHA-256 of SignerInfo.signature's octets.
using SignerId = Sha256Value;

// Attribute { attrType, attrValues } of SignerInfo.unsignedAttrs.
struct Attribute {
    Bytes type;                 // OBJECT IDENTIFIER, whole element
    std::vector<Bytes> values;  // AttributeValues, whole elements
    Bytes whole;                // as read, or as encoded here
    static Attribute create(ByteView type, ByteView value);
};

// Whole elements, as read.
struct SignerInfo {
    Bytes version;
    Bytes sid;
    Bytes digest_algorithm;
    Bytes signed_attributes;  // [0] IMPLICIT; empty: none
    Bytes signature_algorithm;
    Bytes signature;        // OCTET STRING
    Bytes signature_value;  // its octets
    std::vector<Attribute> unsigned_attributes;
    Bytes whole;  // as read; empty when something changed since, or when it was made here

    void add_unsigned(Attribute attribute);
    SignerId id() const { return sha256(signature_value); }
    // The signed attributes as they were hashed: SET OF instead of [0] (RFC 5652 §5.4).
    Bytes signed_attributes_set() const;
    Bytes encode() const;
};

enum class Trailing : std::uint8_t {
    kNone,   // a .p7m or .p7s ends with the ContentInfo
    kZeros,  // /Contents of a PDF signature is filled up with zeros
};

// Where the parts of a document are: signed_data_read.cc.
class SignedDataReader;

class SignedData {
 public:
    // `source` must outlive the object when there is content.
    static Result<SignedData> read(const ByteSource& source, const Limits& limits = {},
                                   Trailing trailing = Trailing::kNone);
    // From memory; a view when there is content: `der` must outlive the object.
    static Result<SignedData> read(ByteView der, const Limits& limits = {},
                                   Trailing trailing = Trailing::kNone);
    static Result<SignedData> read(Bytes&&, const Limits& = {}, Trailing = Trailing::kNone) = delete;
    // Without signers yet. `content_type`: OBJECT IDENTIFIER, whole element.
    static SignedData empty(Bytes content_type, std::optional<Content> content);

    Status write(ByteSink& sink) const;
    Result<Bytes> write(std::size_t limit) const;  // into memory
    // The same without the content: a detached signature, and what libcrypto is given to read.
    Bytes write_detached() const;

    const Bytes& content_type() const { return content_type_; }
    const std::optional<Content>& content() const { return content_; }
    const std::vector<Bytes>& digest_algorithms() const { return digest_algorithms_; }
    const std::vector<Bytes>& certificates() const { return certificates_; }  // CertificateChoices
    const std::vector<Bytes>& revocations() const { return revocations_; }    // RevocationInfoChoices
    const std::vector<SignerInfo>& signers() const { return signers_; }
    std::vector<SignerInfo>& signers() { return signers_; }
    // kNotFound with `field` "signer"; kInvalidArgument when two have the same signature.
    Result<std::size_t> find_signer(const SignerId& id) const;

    // Nothing happens when an identical element is there.
    void add_digest_algorithm(ByteView algorithm);
    void add_certificate(ByteView choice);
    void add_revocation(ByteView choice);

    // CMSVersion as RFC 5652 §5.1 wants it for what is in it now.
    unsigned version() const;

 private:
    friend class SignedDataReader;
    Bytes content_type_;
    std::optional<Content> content_;
    std::shared_ptr<const ByteSource> memory_;  // the source, when read from memory
    std::vector<Bytes> digest_algorithms_;
    std::vector<Bytes> certificates_;
    std::vector<Bytes> revocations_;
    std::vector<SignerInfo> signers_;
};

}  // namespace sigillo::cms
