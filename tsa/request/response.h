// How a time-stamping authority says no: TimeStampResp with a PKIFailureInfo (RFC 3161 §2.4.2). In this
// layer, so that whoever parses requests can answer the malformed ones itself. Pure functions; safe from any
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::tsa {

// RFC 3161 §2.4.2: "These are the only values of PKIFailureInfo that SHALL be supported."
enum class PkiFailureInfo : std::uint8_t {
    kBadAlg = 0,                // unrecognized or unsupported algorithm identifier
    kBadRequest = 2,            // transaction not permitted or supported
    kBadDataFormat = 5,         // the data submitted has the wrong format
    kTimeNotAvailable = 14,     // the TSA's time source is not available
    kUnacceptedPolicy = 15,     // the requested TSA policy is not supported
    kUnacceptedExtension = 16,  // the requested extension is not supported
    kAddInfoNotAvailable =
        17,               // the additional information requested could not be understood or is not available
    kSystemFailure = 25,  // the request cannot be handled due to system failure
};

inline constexpr std::array kAllFailures{PkiFailureInfo::kBadAlg,
                                         PkiFailureInfo::kBadRequest,
                                         PkiFailureInfo::kBadDataFormat,
                                         PkiFailureInfo::kTimeNotAvailable,
                                         PkiFailureInfo::kUnacceptedPolicy,
                                         PkiFailureInfo::kUnacceptedExtension,
                                         PkiFailureInfo::kAddInfoNotAvailable,
                                         PkiFailureInfo::kSystemFailure};

// "badAlg", "timeNotAvailable", … as RFC 3161 spells them; for metrics and logs.
std::string_view failure_name(PkiFailureInfo info);

struct TspFailure {
    PkiFailureInfo info = PkiFailureInfo::kSystemFailure;
    std::string text;  // UTF-8, for the client's programmer: nothing about the inside of the appliance
    friend bool operator==(const TspFailure&, const TspFailure&) = default;
};

// DER of TimeStampResp: status rejection (2), the text as PKIFreeText, the one bit of failInfo, no token.
Bytes encode_rejection(const TspFailure& failure);

// The TimeStampToken (DER ContentInfo) inside a TimeStampResp of our own that was granted; a view into it.
// kNotFound when it is a rejection, kCorrupt when it is no TimeStampResp.
Result<ByteView> token_of(ByteView response);

}  // namespace sigillo::tsa
