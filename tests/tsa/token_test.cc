// Tokens as other people's programs see them: libcrypto's parser and verifier, and the openssl command.
#include <gtest/gtest.h>
#include <openssl/cms.h>

#include <cstdlib>
#include <fstream>

#include "appliance/base/der.h"
#include "appliance/base/encoding.h"
#include "tests/tsa/request_builder.h"
#include "tests/tsa/tsa_under_test.h"

namespace sigillo::tsa::testing {
namespace {

TimeStampRequest parse(const RequestOptions& options) {
    return TimeStampRequest::parse(libcrypto_request(options)).value();
}

std::string key_name(const ::testing::TestParamInfo<KeyAlgorithm>& tested) {
    std::string name(key_algorithm_name(tested.param));
    std::erase(name, '-');
    return name;
}

class EveryKey : public ::testing::TestWithParam<KeyAlgorithm> {};

TEST_P(EveryKey, TokensVerifyWithEveryHashNonceAndCertReq) {
    TsaUnderTest tsa;
    const UnitId unit = tsa.add_unit(GetParam());
    const std::vector<Bytes> chain = {to_bytes(tsa.record(unit).chain(0))};
    for (const auto hash : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512})
        for (const bool certificates : {false, true})
            for (const Bytes& nonce :
                 {Bytes{}, Bytes{0x01}, hex_decode("00ffffffffffffffff").value(), Bytes(20, 0x55)}) {
                RequestOptions options{
                    .hash = hash, .policy = kPolicy, .nonce = nonce, .cert_req = certificates};
                const auto response = run_to_end(tsa.authority->issue(parse(options)));
                ASSERT_TRUE(response) << response.error().text;
                const ReadResponse read = read_response(*response);
                EXPECT_EQ(read.status, 0);
                EXPECT_TRUE(read.reencodes);
                EXPECT_EQ(read.policy, kPolicy);
                EXPECT_EQ(read.imprint, to_bytes(digest_of(hash, as_bytes(options.document)).bytes()));
                EXPECT_EQ(read.certificates, certificates ? 1u : 0u);
                EXPECT_EQ(read.serial_hex.size(), 38u);
                EXPECT_EQ(verify_response(*response, libcrypto_request(options), tsa.ca.certificate(),
                                          certificates ? std::vector<Bytes>() : chain),
                          "");
                // … and not for another document.
                options.document = "another";
                EXPECT_NE(verify_response(*response, libcrypto_request(options), tsa.ca.certificate(), chain),
                          "");
            }
}

INSTANTIATE_TEST_SUITE_P(TsaToken, EveryKey,
                         ::testing::Values(KeyAlgorithm::kEcP256, KeyAlgorithm::kEcP384,
                                           KeyAlgorithm::kRsa2048, KeyAlgorithm::kRsa3072,
                                           KeyAlgorithm::kRsa4096),
                         key_name);

// ---- the openssl command
// ----------------------------------------------------------------------------------------

void write(const std::filesystem::path& path, std::string_view contents) {
    std::ofstream(path, std::ios::binary) << contents;
}

int run(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str());
}

class OpensslCommand : public ::testing::TestWithParam<KeyAlgorithm> {};

TEST_P(OpensslCommand, QueriesAndVerifies) {
    TsaUnderTest tsa;
    const UnitId unit = tsa.add_unit(GetParam());
    write(tsa.scratch / "ca.pem", pem_of(tsa.ca.certificate()));
    write(tsa.scratch / "tsu.pem", pem_of(as_bytes(tsa.record(unit).chain(0))));
    write(tsa.scratch / "data", "what is stamped");
    write(tsa.scratch / "other", "what is not");
    const std::string at = tsa.scratch.path().string() + "/";
    for (const std::string hash : {"sha256", "sha384", "sha512"})
        for (const std::string flags :
             {"-cert", "-no_nonce", "-cert -no_nonce", "", "-tspolicy 1.2.840.99999.7.2"}) {
            const std::string what = hash + " " + flags;
            ASSERT_EQ(
                run("openssl ts -query -data " + at + "data -" + hash + " " + flags + " -out " + at + "q"),
                0);
            const Bytes query = must(read_file(tsa.scratch / "q"));
            const auto request = TimeStampRequest::parse(query);
            ASSERT_TRUE(request) << what << request.error().text;
            const auto response = run_to_end(tsa.authority->issue(*request));
            ASSERT_TRUE(response) << what << response.error().text;
            write(tsa.scratch / "r", as_text(*response));
            const std::string untrusted = request->cert_req() ? "" : " -untrusted " + at + "tsu.pem";
            const std::string verify =
                "openssl ts -verify -in " + at + "r -CAfile " + at + "ca.pem" + untrusted;
            EXPECT_EQ(run(verify + " -queryfile " + at + "q"), 0) << what;
            EXPECT_EQ(run(verify + " -data " + at + "data"), 0) << what;
            EXPECT_NE(run(verify + " -data " + at + "other"), 0) << what;
            // The token by itself, as /csc/v2/signatures/timestamp hands it out.
            write(tsa.scratch / "t", as_text(must(token_of(*response))));
            EXPECT_EQ(run("openssl ts -verify -token_in -in " + at + "t -CAfile " + at + "ca.pem" +
                          untrusted + " -data " + at + "data"),
                      0)
                << what;
        }
    for (const std::string hash : {"sha1", "md5", "sha224", "sha3-256"}) {
        ASSERT_EQ(run("openssl ts -query -data " + at + "data -" + hash + " -out " + at + "q"), 0) << hash;
        const auto request = TimeStampRequest::parse(must(read_file(tsa.scratch / "q")));
        ASSERT_FALSE(request) << hash;
        EXPECT_EQ(request.error().info, PkiFailureInfo::kBadAlg) << hash;
    }
}

INSTANTIATE_TEST_SUITE_P(TsaToken, OpensslCommand,
                         ::testing::Values(KeyAlgorithm::kEcP256, KeyAlgorithm::kEcP384,
                                           KeyAlgorithm::kRsa2048),
                         key_name);

// ---- what a token says
// -------------------------------------------------------------------------------------------

TEST(TsaToken, IsACmsSignedDataOfVersionThreeWithOneSignerAndSignedAttributesInOrder) {
    TsaUnderTest tsa;
    tsa.add_unit();
    const Bytes response = run_to_end(tsa.authority->issue(request_for("x"))).value();
    const ByteView token = must(token_of(response));
    const unsigned char* cursor = token.data();
    const std::unique_ptr<CMS_ContentInfo, decltype([](CMS_ContentInfo* c) { CMS_ContentInfo_free(c); })> cms(
        d2i_CMS_ContentInfo(nullptr, &cursor, static_cast<long>(token.size())));
    ASSERT_TRUE(cms);
    ASSERT_EQ(sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms.get())), 1);
    CMS_SignerInfo* signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms.get()), 0);
    // content-type, message-digest, signing-certificate-v2; no signing-time, no SHA-1 signing-certificate.
    ASSERT_EQ(CMS_signed_get_attr_count(signer), 3);
    EXPECT_GE(CMS_signed_get_attr_by_NID(signer, NID_pkcs9_contentType, -1), 0);
    EXPECT_GE(CMS_signed_get_attr_by_NID(signer, NID_pkcs9_messageDigest, -1), 0);
    EXPECT_GE(CMS_signed_get_attr_by_NID(signer, NID_id_smime_aa_signingCertificateV2, -1), 0);
    EXPECT_LE(CMS_unsigned_get_attr_count(signer), 0);
    // libcrypto sorts what it encodes: the same octets say that ours is DER throughout.
    unsigned char* again = nullptr;
    const int size = i2d_CMS_ContentInfo(cms.get(), &again);
    ASSERT_GT(size, 0);
    EXPECT_TRUE(equal(token, ByteView(again, static_cast<std::size_t>(size))));
    OPENSSL_free(again);
}

TEST(TsaToken, NonceIsEchoedOctetForOctet) {
    TsaUnderTest tsa;
    tsa.add_unit();
    for (const Bytes& nonce :
         {Bytes{0x00}, Bytes{0x00, 0x80}, Bytes{0x80}, Bytes{0xF0, 0x01}, Bytes(64, 0x33)}) {
        const Bytes response =
            run_to_end(tsa.authority->issue(request_for("x", HashAlgorithm::kSha256, false, nonce))).value();
        DerWriter expected(80);
        expected.element(kDerInteger, nonce);
        EXPECT_FALSE(std::ranges::search(response, expected.view()).empty()) << hex_encode(nonce);
        EXPECT_TRUE(read_response(response).reencodes);
    }
}

TEST(TsaToken, ImprintIsRepeatedAsItCame) {
    TsaUnderTest tsa;
    tsa.add_unit();
    for (const bool null_parameters : {false, true}) {
        RequestOptions options;
        options.parameters = null_parameters ? Bytes{0x05, 0x00} : Bytes{};
        const auto request = TimeStampRequest::parse(build_request(options)).value();
        const Bytes response = run_to_end(tsa.authority->issue(request)).value();
        EXPECT_FALSE(std::ranges::search(response, build_imprint(options)).empty()) << null_parameters;
    }
}

TEST(TsaToken, TsaNameIsTheUnitsSubjectOrLeftOut) {
    for (const bool named : {true, false}) {
        TsaUnderTest tsa;
        tsa.config.name_in_tokens = named;
        tsa.restart();
        const UnitId unit = tsa.add_unit();
        RequestOptions options;
        const Bytes response = run_to_end(tsa.authority->issue(parse(options))).value();
        const auto certificate = must(read_unit_certificate(as_bytes(tsa.record(unit).chain(0))));
        DerWriter tst(512);
        tst.raw(certificate.subject).close(der_context(4), 0).close(der_context(0), 0);
        EXPECT_EQ(!std::ranges::search(response, tst.view()).empty(), named);
        EXPECT_EQ(verify_response(response, libcrypto_request(options), tsa.ca.certificate()), "");
    }
}

TEST(TsaToken, GenTimeHasAFractionThatFitsTheAccuracyWithoutTrailingZeros) {
    using namespace std::chrono;
    EXPECT_EQ(gen_time_digits(seconds(1)), 1u);
    EXPECT_EQ(gen_time_digits(milliseconds(500)), 2u);
    EXPECT_EQ(gen_time_digits(milliseconds(100)), 2u);
    EXPECT_EQ(gen_time_digits(milliseconds(1)), 4u);
    EXPECT_EQ(gen_time_digits(microseconds(1)), 6u);
    EXPECT_EQ(gen_time_resolution(1), milliseconds(100));
    EXPECT_EQ(gen_time_resolution(6), microseconds(1));

    const PreciseTime whole = sys_days(year(2026) / 11 / 23) + hours(9) + minutes(15);
    EXPECT_EQ(GenTime(whole, 1).text(), "20261123091500Z");
    EXPECT_EQ(GenTime(whole + milliseconds(499), 1).text(), "20261123091500.4Z");
    EXPECT_EQ(GenTime(whole + milliseconds(499), 1).time(), whole + milliseconds(400));
    EXPECT_EQ(GenTime(whole + milliseconds(99), 1).text(), "20261123091500Z");
    EXPECT_EQ(GenTime(whole + milliseconds(500), 3).text(), "20261123091500.5Z");
    EXPECT_EQ(GenTime(whole + microseconds(500'010), 6).text(), "20261123091500.50001Z");
    EXPECT_EQ(GenTime(whole + microseconds(999'999), 6).text(), "20261123091500.999999Z");
    EXPECT_EQ(GenTime(sys_days(year(2000) / 2 / 29) + hours(23) + minutes(59) + seconds(59), 0).text(),
              "20000229235959Z");
    EXPECT_EQ(GenTime(sys_days(year(9999) / 12 / 31), 6).text(), "99991231000000Z");
}

TEST(TsaToken, AccuracyIsInSecondsMillisecondsAndMicroseconds) {
    using namespace std::chrono;
    EXPECT_EQ(hex_encode(encode_accuracy(seconds(1))), "3003020101");
    EXPECT_EQ(hex_encode(encode_accuracy(milliseconds(500))), "3004800201f4");
    EXPECT_EQ(hex_encode(encode_accuracy(microseconds(100))), "3003810164");
    EXPECT_EQ(hex_encode(encode_accuracy(microseconds(1'002'003))), "3009020101800102810103");
}

TEST(TsaToken, GenTimeIsOfTheTimeSourceAndTheStatedAccuracy) {
    TsaUnderTest tsa;
    tsa.time.stated = std::chrono::milliseconds(10);  // three digits
    tsa.restart();
    tsa.add_unit();
    tsa.time.offset_us = 3600LL * 1'000'000;
    const auto before = std::chrono::system_clock::now() + std::chrono::hours(1);
    const ReadResponse read = read_response(run_to_end(tsa.authority->issue(request_for("x"))).value());
    const auto after = std::chrono::system_clock::now() + std::chrono::hours(1);
    const auto text = [](auto time) {
        return std::string(GenTime(std::chrono::time_point_cast<Microseconds>(time), 0).text().substr(0, 14));
    };
    EXPECT_GE(read.gen_time.substr(0, 14), text(before));
    EXPECT_LE(read.gen_time.substr(0, 14), text(after));
    EXPECT_LE(read.gen_time.size(), 19u);
}

}  // namespace
}  // namespace sigillo::tsa::testing
