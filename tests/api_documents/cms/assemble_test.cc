// Signatures are assembled so that openssl verifies them, and nothing is assembled that would not verify.
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "api/documents/cms/der.h"
#include "appliance/ades/signed_attributes.h"
#include "keystore/algorithm_identifiers.h"
#include "tests/api_documents/cms/files.h"
#include "tests/api_documents/cms/sample.h"

namespace sigillo::cms::testing {
namespace {

const Bytes kContent = to_bytes(std::string_view("I owe you one hundred euro.\r\nSigned today.\n"));

Digest content_digest(KeyKind kind) {
    return digest_of(scheme_of(kind).hash, kContent);
}

SignatureParts parts_of(KeyKind kind) {
    return sign_content(kind, content_digest(kind), SystemClock().now());
}

Bytes attached(const SignatureParts& parts) {
    const MemorySource source(kContent);
    MemorySink sink(1U << 20);
    must_hold(assemble_attached(parts, Content::whole(source), sink));
    return sink.take();
}

class EachKey : public ::testing::TestWithParam<KeyKind> {
 protected:
    Files files_;
};

TEST_P(EachKey, attached_signature_is_verified_by_openssl_and_gives_the_content_back) {
    const auto verified = files_.verify(attached(parts_of(GetParam())));
    EXPECT_EQ(verified.exit_code, 0) << verified.output;
    EXPECT_EQ(files_.get("out.bin"), kContent);
}

TEST_P(EachKey, detached_signature_is_verified_by_openssl_and_not_over_other_content) {
    const Bytes cms = value_of(assemble_detached(parts_of(GetParam())));
    const auto verified = files_.verify(cms, files_.put("content.bin", kContent));
    EXPECT_EQ(verified.exit_code, 0) << verified.output;
    Bytes other = kContent;
    other[5] ^= 1U;
    EXPECT_NE(files_.verify(cms, files_.put("content.bin", other)).exit_code, 0);
}

TEST_P(EachKey, signature_with_a_time_stamp_is_verified_by_openssl_and_its_token_by_openssl_ts) {
    SignatureParts parts = parts_of(GetParam());
    const Digest imprint = digest_of(HashAlgorithm::kSha256, parts.signature);
    parts.time_stamp = pki().token(imprint, SystemClock().now());
    const Bytes cms = attached(parts);
    const auto verified = files_.verify(cms);
    EXPECT_EQ(verified.exit_code, 0) << verified.output;
    const SignedData data = value_of(SignedData::read(cms));
    ASSERT_EQ(data.signers().front().unsigned_attributes.size(), 1U);
    const Bytes& token = data.signers().front().unsigned_attributes.front().values.front();
    const auto stamped = sigillo::testing::openssl(
        {"ts", "-verify", "-token_in", "-in", files_.put("token.der", token), "-data",
         files_.put("signature.bin", parts.signature), "-CAfile", files_.path("root.pem"), "-untrusted",
         files_.put("tsa.pem", as_bytes(pem_of(pki().tsa_ca.certificate)))});
    EXPECT_EQ(stamped.exit_code, 0) << stamped.output;
}

TEST_P(EachKey, further_signature_leaves_the_earlier_ones_octets_and_both_are_verified_by_openssl) {
    const KeyKind first = GetParam() == KeyKind::kP256 ? KeyKind::kRsa2048Pkcs1 : KeyKind::kP256;
    const Bytes one = attached(parts_of(first));
    SignedData document = value_of(SignedData::read(one));
    const Bytes earlier = document.signers().front().encode();
    must_hold(add_signature(document, parts_of(GetParam()), std::nullopt));
    const Bytes two = value_of(document.write(1U << 20));
    EXPECT_NE(std::ranges::search(two, earlier).begin(), two.end());
    EXPECT_EQ(value_of(SignedData::read(two)).signers().size(), 2U);
    const auto verified = files_.verify(two);
    EXPECT_EQ(verified.exit_code, 0) << verified.output;
    EXPECT_EQ(files_.get("out.bin"), kContent);
}

TEST_P(EachKey, further_detached_signature_is_verified_by_openssl) {
    const Bytes one =
        value_of(assemble_detached(parts_of(KeyKind::kP384 == GetParam() ? KeyKind::kP256 : KeyKind::kP384)));
    SignedData document = value_of(SignedData::read(one));
    must_hold(add_signature(document, parts_of(GetParam()), content_digest(GetParam())));
    const auto verified = files_.verify(document.write_detached(), files_.put("content.bin", kContent));
    EXPECT_EQ(verified.exit_code, 0) << verified.output;
}

TEST_P(EachKey, signature_without_signing_time_serves_a_pdf) {
    const SignatureParts parts = sign_content(GetParam(), content_digest(GetParam()), std::nullopt);
    const Bytes cms = value_of(assemble_detached(parts));
    const auto verified = files_.verify(cms, files_.put("content.bin", kContent));
    EXPECT_EQ(verified.exit_code, 0) << verified.output;
    Bytes padded = cms;
    padded.resize(cms.size() + 100);  // as /Contents is filled up
    EXPECT_FALSE(SignedData::read(padded));
    const SignedData data = value_of(SignedData::read(padded, {}, Trailing::kZeros));
    InspectOptions options;
    options.pades = true;
    const MemorySource source(kContent);
    options.content = Content::whole(source);
    EXPECT_EQ(value_of(inspect(data, options)).signers.front().level, Level::kB);
    options.pades = false;
    EXPECT_EQ(value_of(inspect(data, options)).signers.front().level, Level::kNone);
}

// What sigillod builds and what this library puts around it, with everything that a signer may say.
TEST_P(EachKey, signed_attributes_of_the_trusted_process_are_taken_as_they_are) {
    for (const ades::Format format : {ades::Format::kCades, ades::Format::kPades}) {
        ades::SignedProperties properties;
        properties.commitment_types = {"1.2.840.113549.1.9.16.6.5"};
        properties.signature_policy = ades::SignaturePolicy{
            "1.2.3.4", digest_of(HashAlgorithm::kSha256, kContent), "https://policy.test/"};
        if (format == ades::Format::kCades) {
            properties.signer_location = ades::SignerLocation{"IT", "Roma", {"Via Appia 1"}};
            properties.mime_type = "text/plain";
        }
        const Identity signer = pki().signer(GetParam());
        const auto encoded = value_of(ades::encode_properties(format, properties));
        const Digest message = content_digest(GetParam());
        SignatureParts parts;
        parts.scheme = scheme_of(GetParam());
        parts.signed_attributes = value_of(ades::signed_attributes(
            {format, message, parts.scheme, signer.certificate, SystemClock().now(), encoded}));
        parts.signature = sign(signer, parts.scheme, parts.signed_attributes);
        parts.chain = pki().chain(signer);
        const Bytes cms = value_of(assemble_detached(parts));
        const auto verified = files_.verify(cms, files_.put("content.bin", kContent));
        EXPECT_EQ(verified.exit_code, 0) << verified.output;
        InspectOptions options;
        options.pades = format == ades::Format::kPades;
        EXPECT_EQ(value_of(inspect(detached(parts), options)).signers.front().level, Level::kB);
    }
}

INSTANTIATE_TEST_SUITE_P(Keys, EachKey, ::testing::ValuesIn(all_key_kinds()),
                         [](const auto& about) { return name_of(about.param); });

TEST(Assemble, the_same_parts_give_the_same_octets) {
    const SignatureParts parts = parts_of(KeyKind::kP256);
    EXPECT_EQ(attached(parts), attached(parts));
}

TEST(Assemble, what_comes_out_is_der_and_is_read_and_written_the_same) {
    const Bytes cms = attached(parts_of(KeyKind::kRsa3072Pss));
    EXPECT_EQ(value_of(value_of(SignedData::read(cms)).write(1U << 20)), cms);
}

TEST(Assemble, version_is_1_for_data_and_5_with_an_ocsp_response) {
    SignedData document = detached(parts_of(KeyKind::kP256));
    EXPECT_EQ(document.version(), 1U);
    OcspOptions ocsp;
    ocsp.this_update = ocsp.produced_at = SystemClock().now();
    const Bytes leaf = pki().signer(KeyKind::kP256).certificate;
    must_hold(add_material(document, {{}, {}, {make_ocsp(leaf, pki().ca, pki().responder, ocsp)}}));
    EXPECT_EQ(document.version(), 5U);
    const Digest digest = digest_of(HashAlgorithm::kSha256, kContent);
    const Bytes token = pki().token(digest, SystemClock().now());
    EXPECT_EQ(value_of(SignedData::read(token)).version(), 3U);
}

TEST(Assemble, one_hundred_mebibytes_pass_with_little_memory) {
    constexpr std::size_t kSize = std::size_t{100} << 20;
    const UniqueFd in(::memfd_create("content", MFD_CLOEXEC));
    const UniqueFd out(::memfd_create("signature", MFD_CLOEXEC));
    ASSERT_EQ(::ftruncate(in.get(), kSize), 0);
    const FdSource source = value_of(FdSource::create(in.get()));
    const Digest digest = value_of(Content::whole(source).digest(HashAlgorithm::kSha256));
    const SignatureParts parts = sign_content(KeyKind::kP256, digest, SystemClock().now());
    struct rusage before{};
    struct rusage after{};
    ::getrusage(RUSAGE_SELF, &before);
    FdSink sink(out.get());
    must_hold(assemble_attached(parts, Content::whole(source), sink));
    const FdSource made = value_of(FdSource::create(out.get()));
    EXPECT_GT(made.size(), kSize);
    SignedData document = value_of(SignedData::read(made));
    must_hold(add_signature(document, sign_content(KeyKind::kRsa2048Pkcs1, digest, SystemClock().now()),
                            std::nullopt));
    const UniqueFd both(::memfd_create("signatures", MFD_CLOEXEC));
    FdSink second(both.get());
    must_hold(document.write(second));
    ::getrusage(RUSAGE_SELF, &after);
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 8 * 1024) << "KiB";
    const FdSource two = value_of(FdSource::create(both.get()));
    const SignedData reread = value_of(SignedData::read(two));
    EXPECT_EQ(value_of(reread.content()->digest(HashAlgorithm::kSha256)), digest);
}

// What is wrong, and the field that says so.
void expect_refused(const SignatureParts& parts, const std::string& field, const std::string& words) {
    const auto made = assemble_detached(parts);
    ASSERT_FALSE(made) << words;
    EXPECT_EQ(made.error().field, field);
    EXPECT_NE(made.error().detail.find(words), std::string::npos) << made.error().detail;
}

TEST(Refused, a_signature_that_does_not_hold) {
    SignatureParts parts = parts_of(KeyKind::kRsa2048Pkcs1);
    parts.signature[10] ^= 1U;
    expect_refused(parts, "signature", "does not hold");
    parts = parts_of(KeyKind::kP256);
    parts.scheme.padding = SignaturePadding::kPkcs1v15;
    expect_refused(parts, "signature", "does not hold");
    parts = parts_of(KeyKind::kRsa3072Pss);
    parts.scheme.padding = SignaturePadding::kPkcs1v15;
    expect_refused(parts, "signature", "does not hold");
}

TEST(Refused, certificates_that_do_not_fit) {
    SignatureParts parts = parts_of(KeyKind::kP256);
    std::ranges::reverse(parts.chain);
    expect_refused(parts, "signed_attributes", "names another certificate");
    parts.chain.clear();
    expect_refused(parts, "certificate", "no certificate");
    parts.chain = {to_bytes(std::string_view("no certificate"))};
    expect_refused(parts, "certificate", "cannot be parsed");
    parts.chain.assign(11, pki().root.certificate);
    expect_refused(parts, "certificate", "too many");
}

// RFC 6211: CMSAlgorithmProtection { digestAlgorithm, signatureAlgorithm [1] }, as appliance/ades signs it.
TEST(Assemble, algorithms_that_were_signed_are_those_of_the_signer_info_or_refused) {
    for (const KeyKind kind : all_key_kinds()) {
        const Identity signer = pki().signer(kind);
        for (const KeyKind named : all_key_kinds()) {
            Bytes signature = to_bytes(signature_algorithm(scheme_of(named)));
            signature.front() = 0xA1;
            AttributeOptions options;
            options.signing_time = SystemClock().now();
            options.algorithm_protection =
                der_element(kDerSequence, {digest_algorithm(scheme_of(named).hash), signature});
            SignatureParts parts = parts_of(kind);
            parts.signed_attributes = make_attributes(content_digest(kind), signer.certificate, options);
            parts.signature = sign(signer, parts.scheme, parts.signed_attributes);
            if (named == kind) {
                const Files files;
                const auto verified = files.verify(attached(parts));
                EXPECT_EQ(verified.exit_code, 0) << verified.output;
            } else {
                expect_refused(parts, "signed_attributes", "other algorithms");
            }
        }
    }
}

TEST(Refused, signed_attributes_that_are_incomplete_or_not_der) {
    const Identity signer = pki().signer(KeyKind::kP256);
    const auto refused = [&](Bytes attributes, const std::string& words) {
        SignatureParts parts = parts_of(KeyKind::kP256);
        parts.signed_attributes = std::move(attributes);
        parts.signature = sign(signer, parts.scheme, parts.signed_attributes);
        expect_refused(parts, "signed_attributes", words);
    };
    AttributeOptions options;
    options.content_type = Bytes();
    refused(make_attributes(content_digest(KeyKind::kP256), signer.certificate, options), "content-type");
    options = {};
    options.signing_certificate = false;
    refused(make_attributes(content_digest(KeyKind::kP256), signer.certificate, options),
            "signing-certificate-v2");
    refused(make_attributes(content_digest(KeyKind::kP384), signer.certificate, {}), "message-digest");
    Bytes tagged = make_attributes(content_digest(KeyKind::kP256), signer.certificate, {});
    tagged.front() = 0xA0;
    refused(tagged, "no SET OF");
    refused({}, "ends early");
    refused(Bytes(100, 0xFF), "tag of more than one octet");
}

TEST(Refused, content_that_was_not_signed) {
    const Bytes other(kContent.size(), 'x');
    const MemorySource source(other);
    MemorySink sink(1U << 20);
    const Status made = assemble_attached(parts_of(KeyKind::kP256), Content::whole(source), sink);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().field, "content");
    EXPECT_TRUE(sink.take().empty());
}

TEST(Refused, a_further_signature_over_other_content) {
    const SignatureParts other =
        sign_content(KeyKind::kP256, digest_of(HashAlgorithm::kSha256, pki().root.certificate), std::nullopt);
    const Bytes first = attached(parts_of(KeyKind::kRsa2048Pkcs1));
    SignedData with = value_of(SignedData::read(first));
    EXPECT_EQ(add_signature(with, other, std::nullopt).error().field, "content");
    SignedData without = detached(parts_of(KeyKind::kRsa2048Pkcs1));
    EXPECT_EQ(add_signature(without, other, std::nullopt).error().code, Errc::kMissingArgument);
    EXPECT_EQ(add_signature(without, other, content_digest(KeyKind::kP256)).error().field, "content");
    // The digest fits what was signed, but the document's first signer signed something else.
    const auto told =
        add_signature(without, other, digest_of(HashAlgorithm::kSha256, pki().root.certificate));
    ASSERT_FALSE(told);
    EXPECT_NE(told.error().detail.find("earlier signature"), std::string::npos) << told.error().detail;
    EXPECT_EQ(without.signers().size(), 1U);
}

TEST(Refused, the_same_signature_twice) {
    const SignatureParts parts = parts_of(KeyKind::kP256);
    SignedData document = detached(parts);
    EXPECT_EQ(add_signature(document, parts, content_digest(KeyKind::kP256)).error().code,
              Errc::kAlreadyExists);
}

TEST(Refused, a_time_stamp_over_something_else) {
    SignatureParts parts = parts_of(KeyKind::kP256);
    parts.time_stamp = pki().token(digest_of(HashAlgorithm::kSha256, kContent), SystemClock().now());
    expect_refused(parts, "token", "over something else");
    parts.time_stamp = kContent;
    expect_refused(parts, "token", "time-stamp token");
}

}  // namespace
}  // namespace sigillo::cms::testing
