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
// Of signDoc: what is wrong with a document or its appearance is said in brackets behind the parameter, since
// §11.11 has no words for it.
Failure from_document_error(const Error& error);
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

// signDoc (§11.11)
inline constexpr std::string_view kInvalidDigests = "Invalid object parameter documentDigests";
inline constexpr std::string_view kInvalidDocuments = "Invalid array parameter documents";
inline constexpr std::string_view kNeitherDocuments = "Empty documentDigests and documents objects";
inline constexpr std::string_view kBothDocuments = "Both documentDigests and documents parameters passed";
inline constexpr std::string_view kInvalidBase64Hashes = "Invalid Base64 hashes string parameter";
inline constexpr std::string_view kInvalidBase64Documents = "Invalid Base64 documents string parameter";
inline constexpr std::string_view kDocumentsNotAuthorized =
    "documentDigests or documents are not authorized by the SAD";
inline constexpr std::string_view kDocumentDoesNotMatch =
    "Document or documentDigest does not match authorized hash";
inline constexpr std::string_view kValidityOutOfBounds = "Out of bounds parameter validity_period";
inline constexpr std::string_view kStillAtWork =
    "The previous async request has been accepted but not yet completed";

}  // namespace sigillo::api::csc
