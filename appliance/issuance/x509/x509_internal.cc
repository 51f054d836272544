#include "appliance/issuance/x509/x509_internal.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include <array>
#include <ctime>

#include "appliance/base/der.h"
#include "keystore/openssl/hsm_provider.h"

namespace sigillo {

std::optional<KeyAlgorithm> algorithm_of(const EVP_PKEY* key) {
    const int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_is_a(key, "RSA") == 1) {
        if (bits == 2048) return KeyAlgorithm::kRsa2048;
        if (bits == 3072) return KeyAlgorithm::kRsa3072;
        if (bits == 4096) return KeyAlgorithm::kRsa4096;
        return std::nullopt;
    }
    if (EVP_PKEY_is_a(key, "ED25519") == 1) return KeyAlgorithm::kEd25519;
    if (EVP_PKEY_is_a(key, "EC") != 1 || has_explicit_curve(key)) return std::nullopt;
    std::array<char, 64> group{};
    if (EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) != 1) return std::nullopt;
    const int curve = OBJ_txt2nid(group.data());
    if (curve == NID_X9_62_prime256v1) return KeyAlgorithm::kEcP256;
    if (curve == NID_secp384r1) return KeyAlgorithm::kEcP384;
    return std::nullopt;
}

bool has_explicit_curve(const EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "EC") != 1) return false;
    int from_explicit = 0;
    std::array<char, 64> group{};
    return EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &from_explicit) !=
               1 ||
           from_explicit != 0 || EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) != 1;
}

Result<EvpKey> parse_public_key(const PublicKey& key) {
    const unsigned char* cursor = key.spki.data();
    EvpKey parsed(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(key.spki.size())));
    const bool whole = parsed != nullptr && cursor == key.spki.data() + key.spki.size();
    if (!whole) {
        const std::string reason = take_libcrypto_reason();
        return fail(Errc::kInvalidArgument, "SubjectPublicKeyInfo cannot be parsed: " + reason, "key");
    }
    if (algorithm_of(parsed.get()) != key.algorithm)
        return fail(Errc::kInvalidArgument,
                    "public key is not " + std::string(key_algorithm_name(key.algorithm)), "key");
    return parsed;
}

Status set_public_key(X509_PUBKEY* out, const PublicKey& key) {
    DerReader outer(key.spki);
    DerReader fields(outer.next(kDerSequence).value_or(DerElement{}).content);
    (void)fields.next(kDerSequence);  // the algorithm, which is known
    const auto bits = fields.next(kDerBitString);
    if (!bits || bits->content.size() < 2)
        return fail(Errc::kInvalidArgument, "SubjectPublicKeyInfo is not DER", "key");
    const ByteView octets = bits->content.subspan(1);
    const int curve = key.algorithm == KeyAlgorithm::kEcP384 ? NID_secp384r1 : NID_X9_62_prime256v1;
    const bool rsa = is_rsa(key.algorithm);
    auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(octets.data(), octets.size()));
    const int set = copy == nullptr ? 0
                    : rsa ? X509_PUBKEY_set0_param(out, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, nullptr,
                                                   copy, static_cast<int>(octets.size()))
                          : X509_PUBKEY_set0_param(out, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
                                                   OBJ_nid2obj(curve), copy, static_cast<int>(octets.size()));
    if (set != 1) {
        OPENSSL_free(copy);
        return fail(Errc::kInternal, "public key cannot be set: " + take_libcrypto_reason());
    }
    SIGILLO_ASSIGN(const Bytes written, encode_der<X509_PUBKEY>(out, i2d_X509_PUBKEY));
    if (written != key.spki) return fail(Errc::kInternal, "public key is not written as it was given");
    return {};
}

std::string oid_text(const ASN1_OBJECT* object) {
    std::array<char, 256> text{};
    const int size = OBJ_obj2txt(text.data(), static_cast<int>(text.size()), object, 1);
    return size > 0 && static_cast<std::size_t>(size) < text.size() ? std::string(text.data())
                                                                    : std::string();
}

Result<WallTime> wall_time_of(const ASN1_TIME* time) {
    std::tm parts{};
    // RFC 5280 §4.1.2.5: seconds, no fractions, Zulu; UTCTime has 13 characters then, GeneralizedTime 15.
    const int wanted = time != nullptr && time->type == V_ASN1_UTCTIME ? 13 : 15;
    if (time == nullptr || time->length != wanted || time->data[wanted - 1] != 'Z' ||
        ASN1_TIME_to_tm(time, &parts) != 1)
        return fail(Errc::kInvalidArgument, "time is not as RFC 5280 has it", "certificate");
    return WallTime(std::chrono::seconds(timegm(&parts)));
}

Asn1Time asn1_time_of(WallTime time) {
    return Asn1Time(ASN1_TIME_set(nullptr, unix_seconds(time)));
}

}  // namespace sigillo
