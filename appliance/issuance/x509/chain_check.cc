#include "appliance/issuance/x509/chain_check.h"

#include <openssl/err.h>
#include <openssl/objects.h>

#include <string>

#include "appliance/issuance/x509/x509_internal.h"
#include "keystore/openssl/hsm_provider.h"

namespace sigillo {
namespace {

constexpr const char* kField = "chain";

std::string place(std::size_t index) {
    return "chain[" + std::to_string(index) + "]: ";
}

std::unexpected<Error> refuse(std::size_t index, const std::string& why) {
    ERR_clear_error();
    return fail(Errc::kInvalidArgument, place(index) + why, kField);
}

// ETSI TS 119 312: nothing below SHA-256. EdDSA has its digest built in.
bool is_strong_signature(X509* certificate) {
    int digest = NID_undef;
    int key = NID_undef;
    if (X509_get_signature_info(certificate, &digest, &key, nullptr, nullptr) != 1) return false;
    return digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512 ||
           (digest == NID_undef && (key == NID_ED25519 || key == NID_ED448));
}

// Empty when the key will do.
std::string weakness(const EVP_PKEY* key, const ChainLimits& limits) {
    const auto bits = static_cast<unsigned>(EVP_PKEY_get_bits(key));
    if (EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1) {
        if (bits < limits.min_rsa_bits) return "RSA key of " + std::to_string(bits) + " bits is too short";
        if (bits > limits.max_rsa_bits) return "RSA key of " + std::to_string(bits) + " bits is too long";
        return {};
    }
    if (EVP_PKEY_is_a(key, "EC") == 1) {
        // Whoever chooses the curve's parameters chooses the private key too.
        if (has_explicit_curve(key)) return "elliptic curve is given by explicit parameters";
        if (bits < limits.min_ec_bits)
            return "elliptic curve of " + std::to_string(bits) + " bits is too short";
        return {};
    }
    if (EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1) return {};
    return "public key is of an algorithm that is not accepted";
}

Status check_each(std::size_t index, X509* certificate, const CertificateFacts& facts, WallTime now,
                  const ChainLimits& limits) {
    if (!facts.critical_unknown.empty())
        return refuse(index, "unknown critical extension " + facts.critical_unknown.front());
    if (now < facts.not_before) return refuse(index, "not valid before " + rfc3339(facts.not_before));
    // notAfter is a second, and that whole second still counts.
    if (now >= facts.not_after + std::chrono::seconds(1))
        return refuse(index, "expired on " + rfc3339(facts.not_after));
    if (!is_strong_signature(certificate))
        return refuse(index, "signature algorithm " + facts.signature_oid + " is below SHA-256 or unknown");
    const std::string weak = weakness(X509_get0_pubkey(certificate), limits);
    return weak.empty() ? Status() : refuse(index, weak);
}

Status check_leaf(const CertificateFacts& leaf, const PublicKey& expected) {
    if (leaf.spki != expected.spki) return refuse(0, "certificate is for another key than the credential's");
    if (leaf.is_ca) return refuse(0, "certificate is a CA's, not a signer's");
    if (!leaf.key_usage) return refuse(0, "certificate has no keyUsage");
    if ((*leaf.key_usage & (kUsageDigitalSignature | kUsageContentCommitment)) == 0)
        return refuse(0, "keyUsage has neither digitalSignature nor nonRepudiation");
    return {};
}

// That certificate `index` was issued by the next one (or, the last, by itself).
Status check_link(std::size_t index, X509* certificate, std::size_t issuer_index, X509* issuer,
                  const CertificateFacts& issuer_facts) {
    if (X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) != 0)
        return refuse(index, "issuer is not the subject of " + place(issuer_index) + issuer_facts.subject_dn);
    if (!issuer_facts.is_ca)
        return refuse(issuer_index, "issues certificates but is no CA (basicConstraints)");
    if (issuer_facts.key_usage && (*issuer_facts.key_usage & kUsageCertificateSign) == 0)
        return refuse(issuer_index, "issues certificates but its keyUsage lacks keyCertSign");
    const int issued = X509_check_issued(issuer, certificate);
    if (issued != X509_V_OK)
        return refuse(index, std::string("is not issued by the next certificate: ") +
                                 X509_verify_cert_error_string(issued));
    if (X509_verify(certificate, X509_get0_pubkey(issuer)) != 1)
        return refuse(index, "signature does not hold");
    return {};
}

bool names_another_issuer_key(X509* certificate) {
    const ASN1_OCTET_STRING* issuer = X509_get0_authority_key_id(certificate);
    const ASN1_OCTET_STRING* own = X509_get0_subject_key_id(certificate);
    return issuer != nullptr && own != nullptr && ASN1_OCTET_STRING_cmp(issuer, own) != 0;
}

// What is left of RFC 5280 §6: path lengths, name constraints. The last certificate stands in as the anchor.
Status validate_path(const std::vector<X509Handle>& chain, const ChainLimits& limits) {
    const std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>> store(X509_STORE_new());
    const std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
    const std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * s) { sk_X509_free(s); })> between(
        sk_X509_new_null());
    bool ready = store != nullptr && context != nullptr && between != nullptr &&
                 X509_STORE_add_cert(store.get(), chain.back().get()) == 1;
    for (std::size_t i = 1; ready && i + 1 < chain.size(); ++i)
        ready = sk_X509_push(between.get(), chain[i].get()) > 0;
    if (!ready || X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), between.get()) != 1)
        return fail(Errc::kInternal, "path validation cannot start: " + take_libcrypto_reason());
    X509_VERIFY_PARAM* const rules = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_depth(rules, static_cast<int>(limits.max_certificates));
    // Times and critical extensions were judged before: libcrypto takes the last second of a validity for
    // over (RFC 5280 §4.1.2.5 does not) and does not know qcStatements.
    X509_VERIFY_PARAM_set_flags(
        rules, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_IGNORE_CRITICAL);
    if (X509_verify_cert(context.get()) == 1) {
        ERR_clear_error();
        return {};
    }
    const int depth = X509_STORE_CTX_get_error_depth(context.get());
    return refuse(static_cast<std::size_t>(depth < 0 ? 0 : depth),
                  std::string("path validation: ") +
                      X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
}

}  // namespace

Result<CheckedChain> check_chain(std::span<const Bytes> chain, const PublicKey& expected, WallTime now,
                                 const ChainLimits& limits) {
    if (chain.empty()) return fail(Errc::kInvalidArgument, "chain is empty", kField);
    if (chain.size() > limits.max_certificates)
        return fail(Errc::kLimitExceeded,
                    "chain has more than " + std::to_string(limits.max_certificates) + " certificates",
                    kField);
    if (chain.size() < limits.min_certificates)
        return fail(Errc::kInvalidArgument,
                    "chain has fewer than " + std::to_string(limits.min_certificates) +
                        " certificates: give the issuer's too",
                    kField);
    CheckedChain checked;
    std::vector<X509Handle> parsed;
    for (std::size_t i = 0; i < chain.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j)
            if (chain[i] == chain[j]) return refuse(i, "is the same certificate as " + place(j));
        auto certificate = parse_x509(chain[i], limits.certificate);
        auto facts = certificate ? facts_of(certificate->get())
                                 : Result<CertificateFacts>(std::unexpected(certificate.error()));
        if (!facts) return fail(facts.error().code, place(i) + facts.error().detail, kField);
        parsed.push_back(*std::move(certificate));
        checked.certificates.push_back(*std::move(facts));
    }
    SIGILLO_TRY(check_leaf(checked.leaf(), expected));
    for (std::size_t i = 0; i < parsed.size(); ++i)
        SIGILLO_TRY(check_each(i, parsed[i].get(), checked.certificates[i], now, limits));
    for (std::size_t i = 0; i + 1 < parsed.size(); ++i)
        SIGILLO_TRY(check_link(i, parsed[i].get(), i + 1, parsed[i + 1].get(), checked.certificates[i + 1]));
    const std::size_t last = parsed.size() - 1;
    X509* const top = parsed[last].get();
    // A certificate that names itself as issuer but carries another's key identifier is a CA's new key signed
    // with its old one: its signature cannot be checked here.
    if (X509_NAME_cmp(X509_get_issuer_name(top), X509_get_subject_name(top)) == 0 &&
        !names_another_issuer_key(top))
        SIGILLO_TRY(check_link(last, top, last, top, checked.certificates[last]));
    SIGILLO_TRY(validate_path(parsed, limits));
    return checked;
}

}  // namespace sigillo
