// What the files of this folder share about libcrypto's objects. Not for others.
#pragma once

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/ts.h>
#include <openssl/x509.h>

#include <memory>
#include <optional>
#include <string>

#include "api/documents/cms/limits.h"
#include "appliance/base/bytes.h"
#include "appliance/base/clock.h"
#include "appliance/base/result.h"

namespace sigillo::cms {

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
struct FreedStack {
    void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using X509StackPtr = std::unique_ptr<STACK_OF(X509), FreedStack>;
using CrlPtr = std::unique_ptr<X509_CRL, Freed<X509_CRL_free>>;
using CmsPtr = std::unique_ptr<CMS_ContentInfo, Freed<CMS_ContentInfo_free>>;
using OcspResponsePtr = std::unique_ptr<OCSP_RESPONSE, Freed<OCSP_RESPONSE_free>>;
using OcspBasicPtr = std::unique_ptr<OCSP_BASICRESP, Freed<OCSP_BASICRESP_free>>;
using TstInfoPtr = std::unique_ptr<TS_TST_INFO, Freed<TS_TST_INFO_free>>;
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;

// The whole of `der`, or null. Leaves nothing in libcrypto's queue of errors.
template <class Handle, class T>
Handle parse_der(T* (*parse)(T**, const unsigned char**, long), ByteView der) {
    const unsigned char* cursor = der.data();
    Handle object(parse(nullptr, &cursor, static_cast<long>(der.size())));
    if (object != nullptr && cursor != der.data() + der.size()) object.reset();
    if (object == nullptr) ERR_clear_error();
    return object;
}

template <class T>
Bytes encode_der(const T* object, int (*encode)(const T*, unsigned char**)) {
    const int size = encode(object, nullptr);
    if (size <= 0) return {};
    Bytes der(static_cast<std::size_t>(size));
    unsigned char* cursor = der.data();
    return encode(object, &cursor) == size ? der : Bytes();
}

inline ByteView view_of(const ASN1_STRING* string) {
    return {ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string))};
}

// A certificate whose key can be read; no longer than the limits allow. Errors as those of certificate.h.
// Each parse decodes the key, which takes libcrypto about 100 us: parse once.
Result<X509Ptr> parse_certificate(ByteView der, const Limits& limits);

std::string oid_text(const ASN1_OBJECT* object);  // dotted; empty when absurdly long
std::string name_text(const X509_NAME* name);     // RFC 4514; octets that are no UTF-8 become '?'
std::string serial_text(const ASN1_INTEGER* serial);
// UTCTime or GeneralizedTime, fractions of a second to the millisecond.
std::optional<WallTime> wall_time(const ASN1_TIME* time);

}  // namespace sigillo::cms
