#include <algorithm>
#include <array>

#include "appliance/issuance/x509/certificate_authority_state.h"

namespace sigillo {
namespace {

// What serial_text gave, and nothing else.
Result<Asn1Integer> serial_of(const std::string& hex) {
    const bool shaped = !hex.empty() && hex.size() <= 40 && hex.size() % 2 == 0 &&
                        std::all_of(hex.begin(), hex.end(),
                                    [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); });
    BIGNUM* number = nullptr;
    if (shaped) BN_hex2bn(&number, hex.c_str());
    const BignumHandle owned(number);
    Asn1Integer serial(number != nullptr ? BN_to_ASN1_INTEGER(number, nullptr) : nullptr);
    // One spelling for each number, so that none can be listed twice.
    if (serial == nullptr || BN_is_zero(number) == 1 || serial_text(serial.get()) != hex)
        return fail(Errc::kInvalidArgument, "\"" + hex + "\" is not a serial number", "serial");
    return serial;
}

}  // namespace

Result<Bytes> CertificateAuthority::make_crl(std::span<const RevokedCertificate> revoked,
                                             std::uint64_t number) {
    State& s = *state_;
    if (revoked.size() > s.config.max_crl_entries)
        return fail(Errc::kLimitExceeded,
                    "more than " + std::to_string(s.config.max_crl_entries) + " certificates are revoked",
                    "max_crl_entries");
    SIGILLO_ASSIGN(const WallTime now, s.valid_now());
    std::vector<std::string_view> serials;
    serials.reserve(revoked.size());
    for (const RevokedCertificate& entry : revoked) serials.push_back(entry.serial_hex);
    std::sort(serials.begin(), serials.end());
    if (const auto twice = std::adjacent_find(serials.begin(), serials.end()); twice != serials.end())
        return fail(Errc::kInvalidArgument, "serial " + std::string(*twice) + " is revoked twice", "serial");

    const X509CrlHandle list(X509_CRL_new_ex(s.provider.context(), nullptr));
    const Asn1Time from = asn1_time_of(now);
    const Asn1Time next = asn1_time_of(now + s.config.crl_validity);
    if (list == nullptr || from == nullptr || next == nullptr ||
        X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) != 1 ||
        X509_CRL_set_issuer_name(list.get(), s.name()) != 1 ||
        X509_CRL_set1_lastUpdate(list.get(), from.get()) != 1 ||
        X509_CRL_set1_nextUpdate(list.get(), next.get()) != 1)
        return object_not_built("revocation list");
    std::array<X509ExtensionHandle, 16> reasons;  // by code, encoded once
    for (const RevokedCertificate& entry : revoked) {
        SIGILLO_ASSIGN(const Asn1Integer serial, serial_of(entry.serial_hex));
        const Asn1Time when = asn1_time_of(entry.revoked_at);
        X509RevokedHandle item(X509_REVOKED_new());
        if (item == nullptr || when == nullptr ||
            X509_REVOKED_set_serialNumber(item.get(), serial.get()) != 1 ||
            X509_REVOKED_set_revocationDate(item.get(), when.get()) != 1)
            return object_not_built("revocation list");
        // RFC 5280 §5.3.1: rather no reason than "unspecified".
        if (entry.reason != RevocationReason::kUnspecified) {
            X509ExtensionHandle& reason = reasons.at(static_cast<std::size_t>(entry.reason));
            if (reason == nullptr) {
                SIGILLO_ASSIGN(reason, crl_reason_extension(static_cast<int>(entry.reason)));
            }
            if (X509_REVOKED_add_ext(item.get(), reason.get(), -1) != 1)
                return object_not_built("revocation list");
        }
        if (X509_CRL_add0_revoked(list.get(), item.get()) != 1) return object_not_built("revocation list");
        (void)item.release();  // the list's now
    }
    X509_CRL_sort(list.get());
    SIGILLO_ASSIGN(const auto list_number, crl_number_extension(number));
    for (X509_EXTENSION* extension : {s.authority_key.get(), list_number.get()})
        if (X509_CRL_add_ext(list.get(), extension, -1) != 1) return object_not_built("revocation list");
    return sign_object(list.get(), X509_CRL_sign, i2d_X509_CRL, s.signer, "signing a revocation list");
}

}  // namespace sigillo
