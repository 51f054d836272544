// CHECKS 39: malformed TS_REQ, weak hash, wrong imprint length, extensions: the right PKIFailureInfo.
#include <gtest/gtest.h>
#include <openssl/ts.h>

#include <functional>

#include "appliance/base/der.h"
#include "appliance/base/encoding.h"
#include "appliance/base/oid.h"
#include "tests/tsa/request_builder.h"
#include "tests/tsa/tsa_under_test.h"

namespace sigillo::tsa::testing {
namespace {

using Info = PkiFailureInfo;

void expect_refused(ByteView der, Info info, const std::string& what = {}) {
    const auto request = TimeStampRequest::parse(der);
    ASSERT_FALSE(request) << what;
    EXPECT_EQ(failure_name(request.error().info), failure_name(info)) << what << ": " << request.error().text;
    // What the client gets is a TimeStampResp that libcrypto reads.
    const ReadResponse response = read_response(encode_rejection(request.error()));
    EXPECT_EQ(response.status, 2) << what;
    EXPECT_EQ(response.failures, std::vector<int>{static_cast<int>(info)}) << what;
    EXPECT_EQ(response.text, request.error().text) << what;
    EXPECT_TRUE(response.reencodes) << what;
}

TimeStampRequest expect_taken(ByteView der, const std::string& what = {}) {
    auto request = TimeStampRequest::parse(der);
    EXPECT_TRUE(request) << what << ": " << request.error().text;
    return request ? *std::move(request) : request_for("");
}

TEST(TsRequest, ReadsWhatLibcryptoWrites) {
    for (const auto hash : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512})
        for (const bool certificates : {false, true})
            for (const bool with_nonce : {false, true}) {
                RequestOptions options;
                options.hash = hash;
                options.cert_req = certificates;
                options.nonce = with_nonce ? Bytes{0x7B, 1, 2, 3} : Bytes{};
                options.policy = with_nonce ? kPolicy : "";
                const Bytes der = libcrypto_request(options);
                const TimeStampRequest request = expect_taken(der);
                EXPECT_EQ(request.imprint(), digest_of(hash, as_bytes(options.document)));
                EXPECT_TRUE(request.null_parameters());  // libcrypto's way
                EXPECT_EQ(request.cert_req(), certificates);
                EXPECT_TRUE(equal(request.nonce(), options.nonce));
                EXPECT_EQ(request.policy().empty(), !with_nonce);
                EXPECT_EQ(build_request(options), der);  // so the builder below is right too
            }
}

TEST(TsRequest, NoncesOfZeroOneSixtyFourAndAHundredAndSixtyBits) {
    for (const Bytes& nonce : {Bytes{0x00}, Bytes{0x01}, hex_decode("00ffffffffffffffff").value(),
                               hex_decode("7f" + std::string(38, 'a')).value(), Bytes(64, 0x11)}) {
        RequestOptions options;
        options.nonce = nonce;
        EXPECT_TRUE(equal(expect_taken(build_request(options), hex_encode(nonce)).nonce(), nonce));
    }
}

TEST(TsRequest, NegativeNonceIsEchoedUnlessForbidden) {
    RequestOptions options;
    options.nonce = {0xF0, 0x01};
    EXPECT_TRUE(equal(expect_taken(build_request(options)).nonce(), options.nonce));
    RequestLimits limits;
    limits.negative_nonce = false;
    const auto refused = TimeStampRequest::parse(build_request(options), limits);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().info, Info::kBadDataFormat);
}

TEST(TsRequest, NonceOfAMegabyteAndBodyOfTenAreRefused) {
    RequestOptions options;
    options.nonce = Bytes(65, 0x11);
    expect_refused(build_request(options), Info::kBadDataFormat, "65 octets");
    options.nonce = Bytes(1 << 20, 0x11);
    expect_refused(build_request(options), Info::kBadDataFormat, "a megabyte");
    expect_refused(Bytes(10 << 20, 0x30), Info::kBadDataFormat, "ten");
    RequestLimits large;
    large.max_bytes = 20 << 20;
    const auto refused = TimeStampRequest::parse(build_request(options), large);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().info, Info::kBadDataFormat);
}

TEST(TsRequest, WeakAndUnknownHashesAreBadAlg) {
    const struct {
        const char* oid;
        std::size_t size;
    } hashes[] = {{"1.3.14.3.2.26", 20},          {"1.2.840.113549.2.5", 16},
                  {"2.16.840.1.101.3.4.2.4", 28}, {"2.16.840.1.101.3.4.2.8", 32},
                  {"1.3.36.3.2.1", 20},           {"1.2.3", 32},
                  {"2.16.840.1.101.3.4.2", 32},   {"2.16.840.1.101.3.4.2.1.1", 32},
                  {"1.2.840.10045.4.3.2", 32}};
    for (const auto& hash : hashes) {
        RequestOptions options;
        options.hash_oid = hash.oid;
        options.digest = Bytes(hash.size, 0xAB);
        expect_refused(build_request(options), Info::kBadAlg, hash.oid);
    }
}

TEST(TsRequest, ParametersOfAHashAreAbsentOrNull) {
    RequestOptions options;
    options.parameters = {};
    EXPECT_FALSE(expect_taken(build_request(options)).null_parameters());
    options.parameters = {0x30, 0x00};
    expect_refused(build_request(options), Info::kBadAlg, "a SEQUENCE");
    options.parameters = {0x05, 0x00, 0x05, 0x00};
    expect_refused(build_request(options), Info::kBadDataFormat, "two");
}

TEST(TsRequest, ImprintOfAnotherLengthIsBadDataFormat) {
    for (const auto hash : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512})
        for (const std::size_t size : {0u, 1u, 20u, 31u, 33u, 47u, 49u, 63u, 65u, 4096u}) {
            RequestOptions options;
            options.hash = hash;
            options.digest = Bytes(size, 0xCD);
            expect_refused(build_request(options), Info::kBadDataFormat, std::to_string(size));
        }
}

TEST(TsRequest, VersionsOtherThanOneAreBadRequest) {
    for (const Bytes& version : {Bytes{0}, Bytes{2}, Bytes{0xFF}, Bytes{0x01, 0x00}}) {
        RequestOptions options;
        options.version = version;
        expect_refused(build_request(options), Info::kBadRequest, hex_encode(version));
    }
    RequestOptions options;
    options.version = {0x00, 0x01};
    expect_refused(build_request(options), Info::kBadDataFormat, "not minimal");
}

TEST(TsRequest, ExtensionsAreRefusedCriticalOrNot) {
    for (const char* extension : {"300a06032a03040403020101", "300d06032a03040101ff0403020101"}) {
        RequestOptions options;
        const Bytes one = hex_decode(extension).value();
        options.extensions = one;
        expect_refused(build_request(options), Info::kUnacceptedExtension, extension);
        options.extensions = concat(one, one);
        expect_refused(build_request(options), Info::kUnacceptedExtension, extension);
    }
    for (const char* extension : {"30", "3000", "0500", "300506032a0304", "300a06032a03040403020101ff"}) {
        RequestOptions options;
        options.extensions = hex_decode(extension).value();
        expect_refused(build_request(options), Info::kBadDataFormat, extension);
    }
    RequestOptions options;
    options.extensions = Bytes{};  // SIZE (1..MAX)
    expect_refused(build_request(options), Info::kBadDataFormat, "none");
}

TEST(TsRequest, OverlongPolicyIsUnaccepted) {
    RequestOptions options;
    options.policy = "1.2";
    for (int i = 0; i < 70; ++i) options.policy += ".1";
    expect_refused(build_request(options), Info::kUnacceptedPolicy);
}

TEST(TsRequest, BooleansAreDer) {
    const Bytes good = build_request({});  // ends with certReq TRUE
    ASSERT_EQ(good.back(), 0xFF);
    for (const int value : {0x01, 0x7F, 0xFE}) {
        Bytes der = good;
        der.back() = static_cast<std::uint8_t>(value);
        expect_refused(der, Info::kBadDataFormat);
    }
    Bytes spelled_out = good;  // FALSE, which DER would leave out: common, and harmless
    spelled_out.back() = 0x00;
    EXPECT_FALSE(expect_taken(spelled_out).cert_req());
}

TEST(TsRequest, MalformedDerOfEveryKindIsRefused) {
    RequestOptions options;
    options.policy = kPolicy;
    const Bytes good = build_request(options);
    expect_taken(good);
    for (std::size_t size = 0; size < good.size(); ++size)
        expect_refused(ByteView(good).first(size), Info::kBadDataFormat, "cut at " + std::to_string(size));
    expect_refused(concat(good, Bytes{0}), Info::kBadDataFormat, "one more");
    expect_refused(concat(good, good), Info::kBadDataFormat, "twice");
    expect_refused(Bytes{}, Info::kBadDataFormat, "nothing");

    const ByteView content = ByteView(good).subspan(2);
    ASSERT_LT(content.size(), 128u);
    const auto size = static_cast<std::uint8_t>(content.size());
    expect_refused(concat(Bytes{0x30, 0x80}, content, Bytes{0, 0}), Info::kBadDataFormat, "indefinite");
    expect_refused(concat(Bytes{0x30, 0x81, size}, content), Info::kBadDataFormat, "long form");
    expect_refused(concat(Bytes{0x30, 0x82, 0, size}, content), Info::kBadDataFormat, "leading zero");
    expect_refused(concat(Bytes{0x30, 0x84, 0, 0, 0, size}, content), Info::kBadDataFormat, "four octets");
    expect_refused(concat(Bytes{0x30, 0xFF}, content), Info::kBadDataFormat, "reserved");
    expect_refused(concat(Bytes{0x31, size}, content), Info::kBadDataFormat, "a SET");
    expect_refused(concat(Bytes{0x3F, 0x30, size}, content), Info::kBadDataFormat, "tag of two octets");
    // As many levels as fit into a body.
    DerWriter deep(8192);
    while (deep.written() < 8000) deep.close(kDerSequence, 0);
    expect_refused(deep.view(), Info::kBadDataFormat, "deep");
    expect_refused(concat(Bytes{0x30, 0x82, 0x1F, 0x40}, Bytes(8000, 0x30)), Info::kBadDataFormat,
                   "deep, cut");
}

TEST(TsRequest, FieldsInAnotherOrderOrTwiceAreRefused) {
    const Bytes version = hex_decode("020101").value();
    const Bytes nonce = hex_decode("020105").value();
    const Bytes policy = hex_decode("06022a03").value();
    const Bytes certificates = hex_decode("0101ff").value();
    const Bytes imprint = build_imprint(RequestOptions{});
    const auto refused = [](const Bytes& content, const std::string& what) {
        DerWriter der(256);
        der.element(kDerSequence, content);
        expect_refused(der.view(), Info::kBadDataFormat, what);
    };
    refused(concat(imprint, version), "imprint first");
    refused(version, "no imprint");
    refused(concat(version, imprint, nonce, policy), "nonce before policy");
    refused(concat(version, imprint, certificates, nonce), "certReq before nonce");
    refused(concat(version, imprint, nonce, nonce), "two nonces");
    refused(concat(version, imprint, policy, policy), "two policies");
    refused(concat(version, imprint, certificates, certificates), "two certReqs");
    refused(concat(version, imprint, imprint), "two imprints");
    refused(concat(version, imprint, hex_decode("a100").value()), "an unknown field");
    refused(concat(version, imprint, hex_decode("0200").value()), "an empty nonce");
    refused(concat(version, imprint, hex_decode("02020005").value()), "a padded nonce");
    refused(concat(version, imprint, hex_decode("0202ffff").value()), "a padded negative nonce");
    refused(concat(version, imprint, hex_decode("0600").value()), "an empty policy");
    refused(concat(version, imprint, hex_decode("06032a8003").value()), "a padded policy");
    refused(concat(version, imprint, hex_decode("06022a83").value()), "an unfinished policy");
    refused(concat(version, imprint, hex_decode("0100").value()), "an empty BOOLEAN");
}

TEST(TsRequest, AnyBitFlippedIsTakenOrRefusedButNeverMore) {
    RequestOptions options;
    options.policy = kPolicy;
    const Bytes good = build_request(options);
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        Bytes der = good;
        der[bit / 8] = static_cast<std::uint8_t>(der[bit / 8] ^ (1U << (bit % 8)));
        const auto request = TimeStampRequest::parse(der);
        if (request) {
            EXPECT_TRUE(TimeStampRequest::create(request->fields()));
        }
    }
}

TEST(TsRequest, TypedFieldsAreCheckedAgain) {
    const Digest digest = digest_of(HashAlgorithm::kSha256, as_bytes("x"));
    RequestFields fields{HashAlgorithm::kSha256, digest.bytes()};
    EXPECT_TRUE(TimeStampRequest::create(fields));
    const auto refused = [](const RequestFields& bad, Info info) {
        const auto request = TimeStampRequest::create(bad);
        ASSERT_FALSE(request);
        EXPECT_EQ(request.error().info, info);
    };
    RequestFields bad = fields;
    bad.hash = HashAlgorithm::kSha512;
    refused(bad, Info::kBadDataFormat);
    bad.hash = static_cast<HashAlgorithm>(9);
    refused(bad, Info::kBadAlg);
    const Bytes padded{0, 1}, broken{0x80}, large(65, 1);
    bad = fields;
    bad.nonce = padded;
    refused(bad, Info::kBadDataFormat);
    bad.nonce = large;
    refused(bad, Info::kBadDataFormat);
    bad = fields;
    bad.policy = broken;
    refused(bad, Info::kBadDataFormat);
    bad.policy = large;
    refused(bad, Info::kUnacceptedPolicy);
}

TEST(TsRequest, EveryFailureIsReadByLibcrypto) {
    for (const Info info : kAllFailures) {
        const ReadResponse response = read_response(encode_rejection({info, "no — ✗"}));
        EXPECT_EQ(response.status, 2);
        EXPECT_EQ(response.failures, std::vector<int>{static_cast<int>(info)});
        EXPECT_EQ(response.text, "no — ✗");
        EXPECT_TRUE(response.reencodes) << failure_name(info);
    }
    EXPECT_EQ(token_of(encode_rejection({})).error().code, Errc::kNotFound);
    EXPECT_EQ(token_of(Bytes{1, 2, 3}).error().code, Errc::kCorrupt);
}

TEST(TsOid, DottedAndDer) {
    EXPECT_EQ(hex_encode(encode_oid("0.4.0.2023.1.1").value()), "04008f670101");
    EXPECT_EQ(hex_encode(encode_oid("1.2.840.113549").value()), "2a864886f70d");
    EXPECT_EQ(hex_encode(encode_oid("2.999").value()), "8837");
    for (const char* bad : {"", "1", "1.", ".1", "1..2", "3.1", "1.40", "0.40", "01.2", "1.02", "1.2.x",
                            "1.2 ", "-1.2", "1.2.99999999999999999999", "1.2."})
        EXPECT_FALSE(encode_oid(bad)) << bad;
}

TEST(TsDer, WriterGrowsAndReaderReadsWhatItWrote) {
    DerWriter der(0);
    const Bytes large(70'000, 7);
    der.element(kDerOctetString, large).integer(128).integer(0).close(kDerSequence, 0);
    const Bytes bytes = der.finish();
    DerReader outer(bytes);
    const auto sequence = outer.next(kDerSequence);
    ASSERT_TRUE(sequence && outer.empty());
    DerReader fields(sequence->content);
    EXPECT_EQ(hex_encode(fields.next(kDerInteger)->content), "00");
    EXPECT_EQ(hex_encode(fields.next(kDerInteger)->content), "0080");
    EXPECT_TRUE(equal(fields.next()->content, large));
    EXPECT_TRUE(fields.empty());
}

}  // namespace
}  // namespace sigillo::tsa::testing
