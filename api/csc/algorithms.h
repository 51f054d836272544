// CSC's algorithm identifiers: what signAlgo, hashAlgorithmOID and signAlgoParams mean (§5, §11.10).
// Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "appliance/base/digest.h"

namespace sigillo::api::csc {

// The numbers of sam.proto's SignHash.padding.
enum class Padding : std::uint8_t { kNone = 0, kPkcs1v15 = 1, kPss = 2 };

struct SignAlgorithm {
    Padding padding = Padding::kNone;
    std::optional<HashAlgorithm> hash;  // that it implies
};

std::optional<SignAlgorithm> sign_algorithm(std::string_view oid);

// The hash of DER RSASSA-PSS-params (RFC 4055 §3.1), if they are those of one of our schemes: SHA-256, -384
// or -512, MGF1 over the same, a salt as long as the digest, the default trailer; hash parameters NULL or
// absent.
std::optional<HashAlgorithm> pss_hash(ByteView der);

// For key/algo of credentials/info and signAlgorithms of info. `key`: "EC-P256", "RSA-2048" …
struct KeyDescription {
    std::span<const std::string_view> algorithms;
    unsigned bits = 0;
    std::string_view curve;  // OID; empty for RSA
};
std::optional<KeyDescription> key_description(std::string_view key);
std::span<const std::string_view> all_sign_algorithms();

}  // namespace sigillo::api::csc
