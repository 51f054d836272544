// A CMS SignedData around SignedAttributes of ours, put together with as little as it takes, and keys and
// certificates of the openssl command's own: so that what judges our encoding is not ours.
#pragma once

#include <string>

#include "keystore/algorithms.h"
#include "tests/support/openssl_command.h"

namespace sigillo::ades::testing {

// A key and its self-signed certificate, in files.
class ForeignSigner {
 public:
    // `key`: openssl's words after `-newkey`: "rsa:2048", "ec:…" with its options. Throws std::runtime_error
    // with openssl's words.
    ForeignSigner(const std::string& name, const std::vector<std::string>& key);

    const Bytes& certificate() const { return certificate_; }  // DER
    std::string certificate_file() const { return (scratch_ / "certificate.pem").string(); }
    std::string key_file() const { return (scratch_ / "key.pem").string(); }
    // By `openssl pkeyutl`.
    Bytes sign(SignatureScheme scheme, ByteView message) const;

 private:
    sigillo::testing::ScratchDirectory scratch_;
    Bytes certificate_;
};

// Detached, with one SignerInfo: version 1, issuerAndSerialNumber.
Bytes detached_cms(ByteView certificate, SignatureScheme scheme, ByteView signed_attributes,
                   ByteView signature);

// What is between `openssl asn1parse`'s offsets and lengths: one line an element, indented by depth.
std::string asn1parse(ByteView der);

}  // namespace sigillo::ades::testing
