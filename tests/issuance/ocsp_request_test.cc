// OCSP requests as anybody may send them: what openssl makes is understood, and of everything else only what
// the standard has.
#include "appliance/issuance/ocsp/request.h"

#include <gtest/gtest.h>

#include "appliance/base/der.h"
#include "appliance/base/file.h"
#include "tests/support/openssl_command.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::ocsp {
namespace {

using namespace sigillo::testing;

constexpr std::uint8_t kSha1Oid[] = {0x2B, 0x0E, 0x03, 0x02, 0x1A};
constexpr std::uint8_t kNonceOid[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02};
constexpr std::uint8_t kOtherOid[] = {0x2A, 0x03, 0x04};

// Pieces of a request, DER each.
Bytes element(std::uint8_t tag, ByteView content) {
    DerWriter out(content.size() + 8);
    out.element(tag, content);
    return out.finish();
}
Bytes sequence(std::initializer_list<Bytes> parts) {
    Bytes content;
    for (const Bytes& part : parts) append(content, part);
    return element(kDerSequence, content);
}
Bytes algorithm(ByteView oid = kSha1Oid) {
    return sequence({element(kDerOid, oid), element(kDerNull, {})});
}
Bytes cert_id(ByteView serial = Bytes{0x05}, std::size_t hash_size = 20) {
    return sequence({algorithm(), element(kDerOctetString, Bytes(hash_size, 0xAA)),
                     element(kDerOctetString, Bytes(hash_size, 0xBB)), element(kDerInteger, serial)});
}
Bytes one_request() {
    return sequence({cert_id()});
}
Bytes extension(ByteView oid, ByteView value, bool critical = false) {
    Bytes content = element(kDerOid, oid);
    if (critical) append(content, element(kDerBoolean, Bytes{0xFF}));
    append(content, element(kDerOctetString, value));
    return element(kDerSequence, content);
}
Bytes extensions(std::initializer_list<Bytes> list) {
    return element(der_context(2), sequence(list));
}
Bytes nonce(std::size_t size) {
    return extension(kNonceOid, element(kDerOctetString, Bytes(size, 0x11)));
}
Bytes request(std::initializer_list<Bytes> fields_of_tbs) {
    return sequence({sequence(fields_of_tbs)});
}

bool malformed(const Bytes& der, const RequestLimits& limits = {}) {
    const auto parsed = OcspRequest::parse(der, limits);
    return !parsed && parsed.error().status == ResponseStatus::kMalformedRequest &&
           !parsed.error().text.empty();
}

TEST(OcspRequestTest, APlainRequestIsUnderstood) {
    const auto parsed = OcspRequest::parse(request({sequence({one_request()})}));
    ASSERT_TRUE(parsed) << parsed.error().text;
    ASSERT_EQ(parsed->certificates().size(), 1U);
    const CertId& id = parsed->certificates()[0];
    EXPECT_EQ(id.hash, NameHash::kSha1);
    EXPECT_EQ(id.algorithm, algorithm());
    EXPECT_EQ(id.issuer_name_hash, Bytes(20, 0xAA));
    EXPECT_EQ(id.issuer_key_hash, Bytes(20, 0xBB));
    EXPECT_EQ(id.serial, Bytes{0x05});
    EXPECT_TRUE(parsed->nonce().empty());
}

class FromOpenssl : public ::testing::Test {
 protected:
    void SetUp() override {
        ASSERT_EQ(openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                           "-keyout", path("key"), "-out", path("ca"), "-subj", "/CN=CA", "-days", "2"})
                      .exit_code,
                  0);
    }
    std::string path(const std::string& name) { return (scratch_ / name).string(); }
    Bytes made(std::vector<std::string> options) {
        std::vector<std::string> arguments{"ocsp", "-issuer", path("ca"), "-reqout", path("req")};
        arguments.insert(arguments.end(), options.begin(), options.end());
        const CommandResult result = openssl(arguments);
        EXPECT_EQ(result.exit_code, 0) << result.output;
        auto der = read_file(path("req"));
        EXPECT_TRUE(der);
        return der ? *der : Bytes();
    }
    ScratchDirectory scratch_;
};

TEST_F(FromOpenssl, EveryHashThatItOffersIsUnderstoodOrAtLeastEchoed) {
    const std::pair<const char*, NameHash> hashes[] = {
        {"-sha1", NameHash::kSha1},     {"-sha256", NameHash::kSha256},  {"-sha384", NameHash::kSha384},
        {"-sha512", NameHash::kSha512}, {"-sha224", NameHash::kUnknown}, {"-sha3-256", NameHash::kUnknown}};
    for (const auto& [option, hash] : hashes) {
        const auto parsed = OcspRequest::parse(made({option, "-serial", "0x1234"}));
        ASSERT_TRUE(parsed) << option << ": " << parsed.error().text;
        EXPECT_EQ(parsed->certificates()[0].hash, hash) << option;
        EXPECT_EQ(parsed->nonce().size(), 16U) << option;
    }
}

TEST_F(FromOpenssl, SeveralCertificatesComeInTheirOrder) {
    const auto parsed = OcspRequest::parse(made({"-no_nonce", "-serial", "1", "-serial", "0x80", "-serial",
                                                 "0x7fffffffffffffffffffffffffffffffffffffff"}));
    ASSERT_TRUE(parsed) << parsed.error().text;
    ASSERT_EQ(parsed->certificates().size(), 3U);
    EXPECT_EQ(parsed->certificates()[0].serial, Bytes{0x01});
    EXPECT_EQ(parsed->certificates()[1].serial, (Bytes{0x00, 0x80}));
    EXPECT_EQ(parsed->certificates()[2].serial.size(), 20U);
}

TEST_F(FromOpenssl, ASignedRequestIsAnsweredLikeAnyOther) {
    const Bytes der = made({"-serial", "7", "-signer", path("ca"), "-signkey", path("key")});
    const auto parsed = OcspRequest::parse(der);
    ASSERT_TRUE(parsed) << parsed.error().text;
    EXPECT_EQ(parsed->certificates()[0].serial, Bytes{0x07});
}

TEST_F(FromOpenssl, NoPrefixAndNoContinuationOfARequestIsOne) {
    const Bytes whole = made({"-sha256", "-serial", "0x1234"});
    ASSERT_TRUE(OcspRequest::parse(whole));
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_TRUE(malformed({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)})) << size;
    Bytes longer = whole;
    longer.push_back(0);
    EXPECT_TRUE(malformed(longer));
}

TEST(OcspRequestTest, ANonceHasOneToThirtyTwoOctets) {
    const Bytes list = sequence({one_request()});
    for (const std::size_t size : {1U, 16U, 32U}) {
        const auto parsed = OcspRequest::parse(request({list, extensions({nonce(size)})}));
        ASSERT_TRUE(parsed) << size << parsed.error().text;
        EXPECT_EQ(parsed->nonce().size(), size);
    }
    EXPECT_TRUE(malformed(request({list, extensions({nonce(0)})})));
    EXPECT_TRUE(malformed(request({list, extensions({nonce(33)})})));
    EXPECT_TRUE(OcspRequest::parse(request({list, extensions({nonce(64)})}), {.max_nonce_bytes = 128}));
    // Not within an OCTET STRING of its own (RFC 8954 §2.1).
    EXPECT_TRUE(malformed(request({list, extensions({extension(kNonceOid, Bytes(16, 0x11))})})));
    EXPECT_TRUE(malformed(request({list, extensions({nonce(8), nonce(8)})})));
}

TEST(OcspRequestTest, ExtensionsThatNobodyUnderstandsMatterOnlyWhenCritical) {
    const Bytes list = sequence({one_request()});
    EXPECT_TRUE(OcspRequest::parse(request({list, extensions({extension(kOtherOid, Bytes{1})})})));
    EXPECT_TRUE(malformed(request({list, extensions({extension(kOtherOid, Bytes{1}, true)})})));
    const Bytes single =
        sequence({cert_id(), element(der_context(0), sequence({extension(kOtherOid, Bytes{1}, true)}))});
    EXPECT_TRUE(malformed(request({sequence({single})})));
    const Bytes harmless =
        sequence({cert_id(), element(der_context(0), sequence({extension(kOtherOid, Bytes{1})}))});
    EXPECT_TRUE(OcspRequest::parse(request({sequence({harmless})})));
    EXPECT_TRUE(malformed(request({list, element(der_context(2), sequence({}))})));
}

TEST(OcspRequestTest, WhatIsNotInTheStandardIsRefused) {
    const Bytes list = sequence({one_request()});
    const std::pair<const char*, Bytes> cases[] = {
        {"nothing", {}},
        {"no list", request({})},
        {"an empty list", request({sequence({})})},
        {"a version that is written out", request({element(der_context(0), element(2, Bytes{0})), list})},
        {"version 2", request({element(der_context(0), element(2, Bytes{1})), list})},
        {"a name that is none", request({element(der_context(1), {}), list})},
        {"two lists", request({list, list})},
        {"a field behind", request({list, element(kDerNull, {})})},
        {"fields out of order", request({extensions({nonce(8)}), list})},
        {"a signature that is none", sequence({sequence({list}), element(der_context(0), {})})},
        {"two fields too many", sequence({sequence({list}), sequence({}), sequence({})})},
        {"a hash of a wrong length", request({sequence({sequence({cert_id(Bytes{5}, 19)})})})},
        {"no serial", request({sequence({sequence({cert_id(Bytes{})})})})},
        {"a serial not in its shortest form", request({sequence({sequence({cert_id(Bytes{0, 5})})})})},
        {"a serial of 22 octets", request({sequence({sequence({cert_id(Bytes(22, 0x11))})})})},
        {"an indefinite length", Bytes{0x30, 0x80, 0x30, 0x00, 0x00, 0x00}},
        {"a length in a long form", Bytes{0x30, 0x81, 0x02, 0x30, 0x00}},
    };
    for (const auto& [what, der] : cases) EXPECT_TRUE(malformed(der)) << what;
    // With a requestor's name, which nobody here looks at.
    EXPECT_TRUE(
        OcspRequest::parse(request({element(der_context(1), element(der_context(4), sequence({}))), list})));
}

TEST(OcspRequestTest, TheBoundsHold) {
    const auto of = [](std::size_t count) {
        Bytes all;
        for (std::size_t i = 0; i < count; ++i) append(all, one_request());
        return request({element(kDerSequence, all)});
    };
    EXPECT_TRUE(OcspRequest::parse(of(16)));
    EXPECT_TRUE(malformed(of(17)));
    EXPECT_TRUE(malformed(of(2), {.max_certificates = 1}));
    EXPECT_TRUE(malformed(of(1), {.max_bytes = 32}));
}

TEST(OcspRequestTest, TheOtherProcessChecksEachFieldAgain) {
    const auto parsed = OcspRequest::parse(request({sequence({one_request()})}));
    ASSERT_TRUE(parsed);
    const CertId good = parsed->certificates()[0];
    EXPECT_TRUE(OcspRequest::create({good}, {}));
    EXPECT_FALSE(OcspRequest::create({}, {}));
    EXPECT_FALSE(OcspRequest::create(std::vector<CertId>(17, good), {}));
    EXPECT_FALSE(OcspRequest::create({good}, Bytes(33)));
    for (const auto& spoil : std::initializer_list<void (*)(CertId&)>{
             [](CertId& id) { id.algorithm = {0x30, 0x00}; }, [](CertId& id) { id.algorithm.clear(); },
             [](CertId& id) { id.issuer_name_hash.pop_back(); },
             [](CertId& id) { id.issuer_key_hash.push_back(0); }, [](CertId& id) { id.serial.clear(); },
             [](CertId& id) { id.serial = {0x00, 0x01}; }}) {
        CertId bad = good;
        spoil(bad);
        EXPECT_FALSE(OcspRequest::create({bad}, {}));
    }
    // What the hash is comes from its identifier, not from what the other side says.
    CertId lying = good;
    lying.hash = NameHash::kSha512;
    EXPECT_EQ(OcspRequest::create({lying}, {})->certificates()[0].hash, NameHash::kSha1);
}

TEST(OcspResponseTest, RefusalsAreFiveOctetsThatOpensslReads) {
    const ScratchDirectory scratch;
    const std::pair<ResponseStatus, const char*> words[] = {
        {ResponseStatus::kMalformedRequest, "malformedrequest"},
        {ResponseStatus::kInternalError, "internalerror"},
        {ResponseStatus::kTryLater, "trylater"},
        {ResponseStatus::kUnauthorized, "unauthorized"}};
    for (const auto& [status, word] : words) {
        const Bytes der = encode_failure(status);
        EXPECT_EQ(response_status(der), status);
        const std::string path = (scratch / "response").string();
        ASSERT_TRUE(write_file_durably(path, der));
        EXPECT_NE(openssl({"ocsp", "-respin", path, "-noverify"}).output.find(word), std::string::npos)
            << word;
    }
    EXPECT_FALSE(response_status(Bytes{0x30, 0x03, 0x0A, 0x01, 0x04}));
    EXPECT_FALSE(response_status({}));
}

}  // namespace
}  // namespace sigillo::ocsp
