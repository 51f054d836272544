#include "tsa/request/response.h"

#include "appliance/base/der.h"

namespace sigillo::tsa {
namespace {

constexpr std::uint64_t kRejection = 2;  // RFC 3161 §2.4.2 PKIStatus

}  // namespace

std::string_view failure_name(PkiFailureInfo info) {
    switch (info) {
        case PkiFailureInfo::kBadAlg:
            return "badAlg";
        case PkiFailureInfo::kBadRequest:
            return "badRequest";
        case PkiFailureInfo::kBadDataFormat:
            return "badDataFormat";
        case PkiFailureInfo::kTimeNotAvailable:
            return "timeNotAvailable";
        case PkiFailureInfo::kUnacceptedPolicy:
            return "unacceptedPolicy";
        case PkiFailureInfo::kUnacceptedExtension:
            return "unacceptedExtension";
        case PkiFailureInfo::kAddInfoNotAvailable:
            return "addInfoNotAvailable";
        case PkiFailureInfo::kSystemFailure:
            return "systemFailure";
    }
    return "systemFailure";
}

Bytes encode_rejection(const TspFailure& failure) {
    // X.690 §11.2.2: a named-bit list ends with its last one-bit.
    const unsigned bit = static_cast<unsigned>(failure.info);
    Bytes bits(2 + bit / 8);
    bits[0] = static_cast<std::uint8_t>(7 - bit % 8);
    bits.back() = static_cast<std::uint8_t>(0x80U >> (bit % 8));

    DerWriter der(64 + failure.text.size());
    der.element(kDerBitString, bits);
    const std::size_t texts = der.written();
    der.element(kDerUtf8String, as_bytes(failure.text));
    der.close(kDerSequence, texts);  // PKIFreeText
    der.integer(kRejection);
    der.close(kDerSequence, 0);  // PKIStatusInfo
    der.close(kDerSequence, 0);  // TimeStampResp
    return der.finish();
}

Result<ByteView> token_of(ByteView response) {
    DerReader outer(response);
    const auto whole = outer.next(kDerSequence);
    DerReader parts(whole ? whole->content : ByteView());
    const auto status = parts.next(kDerSequence);
    if (!status || !outer.empty()) return fail(Errc::kCorrupt, "not a TimeStampResp");
    if (parts.empty()) return fail(Errc::kNotFound, "the time stamp was refused");
    const auto token = parts.next(kDerSequence);
    if (!token || !parts.empty()) return fail(Errc::kCorrupt, "not a TimeStampResp");
    return token->whole;
}

}  // namespace sigillo::tsa
