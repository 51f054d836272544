#include "api/documents/cms/certificate.h"

#include <openssl/x509v3.h>

#include <algorithm>

#include "api/documents/cms/libcrypto.h"
#include "api/documents/cms/signed_data.h"

namespace sigillo::cms {
namespace {

using GeneralNames = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;
using AccessPtr = std::unique_ptr<AUTHORITY_INFO_ACCESS, Freed<AUTHORITY_INFO_ACCESS_free>>;
using PointsPtr = std::unique_ptr<CRL_DIST_POINTS, Freed<CRL_DIST_POINTS_free>>;
using UsagesPtr = std::unique_ptr<EXTENDED_KEY_USAGE, Freed<EXTENDED_KEY_USAGE_free>>;

std::unexpected<Error> refuse(std::string detail, Errc code = Errc::kInvalidArgument) {
    return fail(code, std::move(detail), "certificate");
}

template <class Handle>
Handle extension(const X509* certificate, int nid) {
    return Handle(
        static_cast<typename Handle::pointer>(X509_get_ext_d2i(certificate, nid, nullptr, nullptr)));
}

// RFC 3986 §2: no URL has other characters than visible ASCII. Those of other schemes (ldap) lead nowhere
// here.
void add_url(std::vector<std::string>& to, const GENERAL_NAME* name, const Limits& limits) {
    if (name->type != GEN_URI || to.size() >= limits.max_urls) return;
    const std::string_view url = as_text(view_of(name->d.uniformResourceIdentifier));
    const bool web = url.starts_with("http://") || url.starts_with("https://");
    const bool visible = std::ranges::all_of(url, [](char c) { return c > ' ' && c < '\x7F'; });
    if (web && visible && url.size() <= limits.max_url_bytes) to.emplace_back(url);
}

void read_access(const X509* x509, Certificate& out, const Limits& limits) {
    const auto access = extension<AccessPtr>(x509, NID_info_access);
    for (int i = 0; access != nullptr && i < sk_ACCESS_DESCRIPTION_num(access.get()); ++i) {
        const ACCESS_DESCRIPTION* one = sk_ACCESS_DESCRIPTION_value(access.get(), i);
        const int method = OBJ_obj2nid(one->method);
        if (method == NID_ad_OCSP) add_url(out.ocsp_urls, one->location, limits);
        if (method == NID_ad_ca_issuers) add_url(out.ca_issuer_urls, one->location, limits);
    }
    const auto points = extension<PointsPtr>(x509, NID_crl_distribution_points);
    for (int i = 0; points != nullptr && i < sk_DIST_POINT_num(points.get()); ++i) {
        const DIST_POINT* point = sk_DIST_POINT_value(points.get(), i);
        if (point->distpoint == nullptr || point->distpoint->type != 0) continue;  // fullName alone
        const GENERAL_NAMES* names = point->distpoint->name.fullname;
        for (int n = 0; n < sk_GENERAL_NAME_num(names); ++n)
            add_url(out.crl_urls, sk_GENERAL_NAME_value(names, n), limits);
    }
}

void read_usages(const X509* x509, Certificate& out) {
    const auto usages = extension<UsagesPtr>(x509, NID_ext_key_usage);
    for (int i = 0; usages != nullptr && i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
        const int usage = OBJ_obj2nid(sk_ASN1_OBJECT_value(usages.get(), i));
        if (usage == NID_time_stamp) out.time_stamping = true;
        if (usage == NID_OCSP_sign) out.ocsp_signing = true;
    }
    out.ocsp_no_check = X509_get_ext_by_NID(x509, NID_id_pkix_OCSP_noCheck, -1) >= 0;
}

}  // namespace

Result<X509Ptr> parse_certificate(ByteView der, const Limits& limits) {
    if (der.size() > limits.max_certificate_bytes)
        return refuse(
            "a certificate has more than " + std::to_string(limits.max_certificate_bytes) + " octets",
            Errc::kLimitExceeded);
    auto x509 = parse_der<X509Ptr>(d2i_X509, der);
    if (x509 == nullptr) return refuse("a certificate cannot be parsed");
    if (X509_get0_pubkey(x509.get()) == nullptr) {
        ERR_clear_error();
        return refuse("a certificate's public key cannot be read");
    }
    return x509;
}

Result<Certificate> read_certificate(ByteView der, const Limits& limits) {
    SIGILLO_ASSIGN(const X509Ptr x509, parse_certificate(der, limits));
    const auto not_before = wall_time(X509_get0_notBefore(x509.get()));
    const auto not_after = wall_time(X509_get0_notAfter(x509.get()));
    if (!not_before || !not_after) return refuse("a certificate's validity cannot be read");
    Certificate out;
    out.der = to_bytes(der);
    out.sha256 = sha256(der);
    out.subject_dn = name_text(X509_get_subject_name(x509.get()));
    out.issuer_dn = name_text(X509_get_issuer_name(x509.get()));
    out.serial_hex = serial_text(X509_get0_serialNumber(x509.get()));
    out.not_before = *not_before;
    out.not_after = *not_after;
    out.self_signed = X509_self_signed(x509.get(), 1) == 1;
    out.is_ca = X509_check_ca(x509.get()) == 1;
    read_usages(x509.get(), out);
    read_access(x509.get(), out, limits);
    ERR_clear_error();
    return out;
}

Result<std::vector<Bytes>> read_ca_issuers(ByteView answer, const Limits& limits) {
    if (answer.size() > limits.max_structure_bytes)
        return refuse("an answer with certificates is too long", Errc::kLimitExceeded);
    if (parse_der<X509Ptr>(d2i_X509, answer) != nullptr) {
        SIGILLO_ASSIGN(Certificate one, read_certificate(answer, limits));
        return std::vector<Bytes>{std::move(one.der)};
    }
    const auto bag = SignedData::read(answer, limits);
    if (!bag) return refuse("neither a certificate nor a SignedData with certificates");
    std::vector<Bytes> out;
    for (const Bytes& choice : bag->certificates())
        if (parse_der<X509Ptr>(d2i_X509, choice) != nullptr) out.push_back(choice);
    if (out.empty()) return refuse("a SignedData without certificates");
    return out;
}

bool issued_by(const Certificate& certificate, const Certificate& issuer) {
    const auto subject = parse_der<X509Ptr>(d2i_X509, certificate.der);
    const auto maker = parse_der<X509Ptr>(d2i_X509, issuer.der);
    const bool holds = subject != nullptr && maker != nullptr &&
                       X509_check_issued(maker.get(), subject.get()) == X509_V_OK &&
                       X509_verify(subject.get(), X509_get0_pubkey(maker.get())) == 1;
    ERR_clear_error();
    return holds;
}

}  // namespace sigillo::cms
