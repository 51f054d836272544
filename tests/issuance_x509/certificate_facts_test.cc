#include "appliance/issuance/x509/certificate_facts.h"

#include <gtest/gtest.h>

#include "appliance/base/encoding.h"
#include "appliance/base/oid.h"
#include "appliance/base/text.h"
#include "tests/issuance_x509/foreign_ca.h"

namespace sigillo {
namespace {

using namespace testing;

Bytes certificate(const ForeignSpec& spec, const ForeignKey& key) {
    return der_of(foreign_certificate(spec, key, key).get());
}

TEST(CertificateFacts, say_what_is_in_the_certificate) {
    const ForeignKey key = ec_key("P-384");
    ForeignSpec spec{.subject = "Zoë, \"the\" <first>+second", .issuer = "Root", .serial = 0x5AAC41CD};
    spec.extensions = {{"keyUsage", "critical,nonRepudiation,digitalSignature"},
                       {"extendedKeyUsage", "emailProtection,1.3.6.1.5.5.7.3.36"},
                       {"certificatePolicies", "0.4.0.194112.1.2"}};
    const auto facts = parse_certificate(certificate(spec, key));
    ASSERT_TRUE(facts) << to_string(facts.error());
    EXPECT_EQ(facts->subject_dn, "CN=Zoë\\, \\\"the\\\" \\<first\\>\\+second");
    EXPECT_EQ(facts->issuer_dn, "CN=Root");
    EXPECT_EQ(facts->serial_hex, "5AAC41CD");
    EXPECT_EQ(unix_seconds(facts->not_before), spec.not_before);
    EXPECT_EQ(unix_seconds(facts->not_after), spec.not_after);
    EXPECT_EQ(facts->spki, key.public_key().spki);
    EXPECT_EQ(facts->spki_sha256, sha256(key.public_key().spki));
    EXPECT_EQ(facts->key_algorithm, KeyAlgorithm::kEcP384);
    EXPECT_EQ(facts->key_type, "EC secp384r1");
    EXPECT_EQ(facts->key_bits, 384U);
    EXPECT_EQ(facts->signature_oid, "1.2.840.10045.4.3.2");
    EXPECT_EQ(facts->key_usage, kUsageDigitalSignature | kUsageContentCommitment);
    EXPECT_FALSE(facts->is_ca);
    EXPECT_EQ(facts->extended_key_usage,
              (std::vector<std::string>{"1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36"}));
    EXPECT_EQ(facts->policies, std::vector<std::string>{"0.4.0.194112.1.2"});
    EXPECT_EQ(facts->qualified, QcStatements());
}

TEST(CertificateFacts, absent_extensions_are_told_from_empty_ones) {
    const ForeignKey key = rsa_key(2048);
    const auto facts = parse_certificate(certificate({}, key));
    ASSERT_TRUE(facts) << to_string(facts.error());
    EXPECT_FALSE(facts->key_usage);
    EXPECT_FALSE(facts->path_length);
    EXPECT_EQ(facts->key_algorithm, KeyAlgorithm::kRsa2048);
    ForeignSpec ca{.extensions = {{"basicConstraints", "critical,CA:TRUE,pathlen:3"}}};
    const auto ca_facts = parse_certificate(certificate(ca, key));
    ASSERT_TRUE(ca_facts);
    EXPECT_TRUE(ca_facts->is_ca);
    EXPECT_EQ(ca_facts->path_length, 3U);
}

TEST(CertificateFacts, a_serial_with_a_leading_high_bit_keeps_an_even_number_of_digits) {
    const auto facts = parse_certificate(certificate({.serial = 0x0F}, ec_key()));
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->serial_hex, "0F");
    const auto high = parse_certificate(certificate({.serial = 0xFF}, ec_key()));
    ASSERT_TRUE(high);
    EXPECT_EQ(high->serial_hex, "FF");
}

TEST(CertificateFacts, serials_beyond_twenty_octets_and_zero_are_refused) {
    ForeignSpec spec;
    spec.change = [](X509* c) {
        const Bytes octets(21, 0x11);
        const BignumHandle number(BN_bin2bn(octets.data(), 21, nullptr));
        BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(c));
    };
    EXPECT_FALSE(parse_certificate(certificate(spec, ec_key())));
    EXPECT_FALSE(parse_certificate(certificate({.serial = 0}, ec_key())));
}

TEST(CertificateFacts, names_that_lie_about_their_encoding_come_out_as_valid_utf8) {
    ForeignSpec spec;
    spec.change = [](X509* c) {
        const unsigned char latin[] = {'J', 0xF6, 'r', 'g', 0xFF};
        X509_NAME_add_entry_by_NID(X509_get_subject_name(c), NID_surname, V_ASN1_NUMERICSTRING, latin, 5, -1,
                                   0);
        X509_NAME_add_entry_by_NID(X509_get_subject_name(c), NID_initials, V_ASN1_T61STRING, latin, 5, -1, 0);
        const unsigned char control[] = {'a', 0, '\n', 'b'};
        X509_NAME_add_entry_by_NID(X509_get_subject_name(c), NID_givenName, V_ASN1_PRINTABLESTRING, control,
                                   4, -1, 0);
        const unsigned char wide[] = {0x00, 'W', 0x20, 0xAC};
        X509_NAME_add_entry_by_NID(X509_get_subject_name(c), NID_title, V_ASN1_BMPSTRING, wide, 4, -1, 0);
    };
    const auto facts = parse_certificate(certificate(spec, ec_key()));
    ASSERT_TRUE(facts) << to_string(facts.error());
    EXPECT_TRUE(count_utf8(facts->subject_dn)) << facts->subject_dn;
    EXPECT_EQ(facts->subject_dn.find('\n'), std::string::npos);
    EXPECT_EQ(facts->subject_dn.find('\0'), std::string::npos);
}

TEST(CertificateFacts, a_utf8_string_that_is_none_is_refused) {
    Bytes der = certificate({.subject = "J\xC3\xB6rg"}, ec_key());
    ASSERT_TRUE(parse_certificate(der));
    const std::string_view name = "J\xC3\xB6rg";
    const auto at = std::search(der.begin(), der.end(), as_bytes(name).begin(), as_bytes(name).end());
    ASSERT_NE(at, der.end());
    *(at + 1) = 0xF6;
    EXPECT_FALSE(parse_certificate(der));
}

TEST(CertificateFacts, no_prefix_and_no_changed_octet_upsets_the_parser) {
    ForeignSpec spec;
    spec.extensions = {{"basicConstraints", "critical,CA:TRUE"},
                       {"keyUsage", "critical,nonRepudiation"},
                       {"certificatePolicies", "0.4.0.194112.1.2"},
                       {"1.3.6.1.5.5.7.1.3", "DER:300A3008060604008E460101"}};
    Bytes der = certificate(spec, ec_key());
    for (std::size_t size = 0; size < der.size(); ++size)
        EXPECT_FALSE(parse_certificate(ByteView(der).first(size)));
    for (std::size_t at = 0; at < der.size(); ++at)
        for (const std::uint8_t mask : Bytes{0x01, 0x80, 0xFF}) {
            der[at] ^= mask;
            const auto facts = parse_certificate(der);
            EXPECT_TRUE(!facts || count_utf8(facts->subject_dn)) << "octet " << at;
            der[at] ^= mask;
        }
}

Result<QcStatements> qc(const std::string& hex) {
    return parse_qc_statements(*hex_decode(hex));
}

TEST(QcStatements, a_qualified_signature_certificate_is_recognised) {
    // QcCompliance; QcSSCD; QcType { esign }; QcCClegislation { IT }; QcPDS left as it is
    const auto found =
        qc("302e"
           "3008060604008e460101"
           "3008060604008e460104"
           "3013060604008e4601063009060704008e46010601"
           "3003060104" /* 0.4 */);
    ASSERT_TRUE(found) << to_string(found.error());
    EXPECT_TRUE(found->qc_compliance);
    EXPECT_TRUE(found->qc_sscd);
    EXPECT_EQ(found->types, std::vector<QcType>{QcType::kSignature});
    EXPECT_EQ(found->statement_oids,
              (std::vector<std::string>{"0.4.0.1862.1.1", "0.4.0.1862.1.4", "0.4.0.1862.1.6", "0.4"}));
    const auto country =
        qc("3010300e060604008e46010730041302"
           "4954");
    ASSERT_TRUE(country) << to_string(country.error());
    EXPECT_EQ(country->legislation, std::vector<std::string>{"IT"});
    EXPECT_FALSE(country->qc_compliance);
    const auto seal =
        qc("30173015060604008e460106300b060704008e46010602"
           "0500");
    EXPECT_FALSE(seal);
}

TEST(QcStatements, what_is_not_understood_is_not_believed) {
    for (const char* hex : {
             "",                                  // nothing
             "3000ff",                            // bytes after it
             "300a3008060604008e4601",            // cut short
             "300c300a060604008e4601010500",      // QcCompliance with information
             "300a3008020604008e460101",          // an INTEGER for an identifier
             "300a3008060680008e460101",          // an identifier with a leading zero
             "30823008060604008e460101",          // a length that is not there
             "3081083006060404008e46",            // a length in the long form that fits the short one
             "30803008060604008e4601010000",      // BER's indefinite length
             "1f0a3008060604008e460101",          // a tag of several octets
             "300e300c060604008e46010730021300",  // a country of no letters
             "300c300a060604008e4601060500",      // QcType that is no sequence
         }) {
        const auto found = qc(hex);
        ASSERT_FALSE(found) << hex;
        EXPECT_EQ(found.error().code, Errc::kInvalidArgument);
    }
    const auto empty = qc("3000");
    ASSERT_TRUE(empty);
    EXPECT_EQ(*empty, QcStatements());
}

TEST(Oid, identifiers_are_bounded) {
    EXPECT_EQ(dotted_oid(Bytes{0x2A, 0x86, 0x48}), "1.2.840");
    EXPECT_EQ(dotted_oid(Bytes{0x88, 0x37, 0x03}), "2.999.3");
    EXPECT_FALSE(dotted_oid(Bytes{}));
    EXPECT_FALSE(dotted_oid(Bytes{0x2A, 0x86}));
    EXPECT_FALSE(dotted_oid(Bytes(65, 0x01)));
    EXPECT_FALSE(dotted_oid(Bytes{0x2A, 0x90, 0x80, 0x80, 0x80, 0x00}));  // 2^32
}

TEST(Text, utf8_is_strict) {
    EXPECT_EQ(count_utf8("Zoë"), 3U);
    EXPECT_EQ(count_utf8("\xF0\x9F\x98\x80"), 1U);
    for (const char* bad : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                            "\xF5\x80\x80\x80", "\x80", "\xC3", "\xE2\x82", "\xFF"})
        EXPECT_FALSE(count_utf8(bad));
    EXPECT_TRUE(has_deceptive_characters("a\nb"));
    EXPECT_TRUE(
        has_deceptive_characters("a\xE2\x80\xAE"
                                 "b"));                     // U+202E
    EXPECT_TRUE(has_deceptive_characters("\xC2\x85"));      // U+0085
    EXPECT_TRUE(has_deceptive_characters("\xE2\x80\x8B"));  // U+200B
    EXPECT_TRUE(has_deceptive_characters("\xEF\xBB\xBF"));  // U+FEFF
    EXPECT_FALSE(has_deceptive_characters("Ἀλέξανδρος D'Àrc"));
}

}  // namespace
}  // namespace sigillo
