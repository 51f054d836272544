#include "api/documents/cms/revocation.h"

#include "api/documents/cms/revocation_read.h"

namespace sigillo::cms {
namespace {

Status timely(const RevocationAnswer& answer, const RevocationRules& rules, const char* field) {
    const auto refuse = [&](const std::string& detail) {
        return fail(Errc::kInvalidArgument,
                    (answer.kind == RevocationKind::kCrl ? "CRL: " : "OCSP response: ") + detail, field);
    };
    if (answer.this_update > rules.now + rules.skew || answer.produced_at > rules.now + rules.skew)
        return refuse("it is from the future: " + rfc3339(answer.this_update));
    if (answer.next_update && *answer.next_update + rules.skew < rules.now)
        return refuse("it is out of date since " + rfc3339(*answer.next_update));
    if (!answer.next_update &&
        answer.this_update + rules.max_age_without_next_update + rules.skew < rules.now)
        return refuse("it is without nextUpdate and old: " + rfc3339(answer.this_update));
    if (rules.not_older_than && answer.this_update < *rules.not_older_than)
        return refuse("it is older than " + rfc3339(*rules.not_older_than) + ": " +
                      rfc3339(answer.this_update));
    return {};
}

struct Pair {
    X509Ptr certificate;
    X509Ptr issuer;
};

Result<Pair> parse_pair(const Certificate& certificate, const Certificate& issuer) {
    Pair pair{parse_der<X509Ptr>(d2i_X509, certificate.der), parse_der<X509Ptr>(d2i_X509, issuer.der)};
    if (pair.certificate == nullptr || pair.issuer == nullptr)
        return fail(Errc::kInvalidArgument, "a certificate cannot be parsed", "certificate");
    return pair;
}

template <class Parsed>
Result<RevocationAnswer> check(const Parsed& parsed, const Certificate& certificate,
                               const Certificate& issuer, const RevocationRules& rules, const Limits& limits,
                               const char* field) {
    SIGILLO_ASSIGN(const Pair pair, parse_pair(certificate, issuer));
    auto answer = ask(parsed.get(), pair.certificate.get(), pair.issuer.get(), limits);
    if (!answer) {
        answer.error().code =
            answer.error().code == Errc::kNotFound ? Errc::kInvalidArgument : answer.error().code;
        return answer;
    }
    SIGILLO_TRY(timely(*answer, rules, field));
    return answer;
}

}  // namespace

Result<RevocationAnswer> check_ocsp(ByteView response, const Certificate& certificate,
                                    const Certificate& issuer, const RevocationRules& rules,
                                    const Limits& limits) {
    SIGILLO_ASSIGN(const OcspBasicPtr parsed, parse_ocsp(response, limits));
    return check(parsed, certificate, issuer, rules, limits, "ocsp");
}

Result<RevocationAnswer> check_crl(ByteView crl, const Certificate& certificate, const Certificate& issuer,
                                   const RevocationRules& rules, const Limits& limits) {
    SIGILLO_ASSIGN(const CrlPtr parsed, parse_crl(crl, limits));
    return check(parsed, certificate, issuer, rules, limits, "crl");
}

}  // namespace sigillo::cms
