// The single place where CSC's error texts are (§10, §11, word for word, its spelling included) and where
// Errc becomes one of them.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "api/http/exchange.h"
#include "api/json/reader.h"
#include "appliance/base/result.h"

namespace sigillo::api::csc {

struct Failure {
    int status = 400;
    std::string error = "invalid_request";
    std::string description;
    int retry_after_s = 0;  // 0: no Retry-After
    friend bool operator==(const Failure&, const Failure&) = default;
};

template <class T>
using Outcome = std::expected<T, Failure>;

Response to_response(const Failure& failure);

// "Missing (or invalid type) string parameter credentialID"; an array of hashes is called `hash` there.
Failure missing(std::string_view type, std::string_view name);
Failure invalid(std::string_view name);         // "Invalid parameter X"
Failure failure(std::string_view description);  // any other 400 invalid_request
Failure from_fault(const json::Fault& fault);
Failure from_error(const Error& error);
// Before a handler is reached: no such method, no client certificate.
Failure refusal(int status, Errc code, std::string_view detail);

inline constexpr std::string_view kEmptyHashes = "Empty hash array";
inline constexpr std::string_view kEmptyHash = "Empty hash parameter";
inline constexpr std::string_view kInvalidBase64 = "Invalid Base64 hash string parameter";
inline constexpr std::string_view kInvalidLength = "Invalid digest value length";
inline constexpr std::string_view kInvalidNumSignatures = "Invalid value for parameter numSignatures";
inline constexpr std::string_view kTooManySignatures = "Numbers of signatures is too high";
inline constexpr std::string_view kContradiction =
    "String parameter hashAlgorithmOID contradicts with signAlgo parameter";

}  // namespace sigillo::api::csc
