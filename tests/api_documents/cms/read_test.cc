// Documents of others: BER in all its forms is read, what is malformed or too much is refused with words.
#include <openssl/pem.h>

#include <algorithm>

#include "api/documents/cms/der.h"
#include "api/documents/cms/libcrypto.h"
#include "api/documents/cms/oids.h"
#include "tests/api_documents/cms/files.h"
#include "tests/api_documents/cms/sample.h"

namespace sigillo::cms::testing {
namespace {

Bytes content_of(std::size_t size) {
    Bytes content(size);
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<std::uint8_t>(i * 7 + (i >> 8U));
    return content;
}

Bytes content_in(const SignedData& document) {
    MemorySink sink(16U << 20);
    must_hold(document.content()->copy_to(sink));
    return sink.take();
}

// Signed by openssl cms; `stream`: indefinite lengths, content in pieces.
Bytes signed_by_openssl(const Files& files, const Bytes& content, bool stream) {
    const Identity signer = pki().signer(KeyKind::kP256);
    const BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(bio.get(), signer.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    files.put("key.pem", as_bytes({text, static_cast<std::size_t>(size)}));
    files.put("signer.pem", as_bytes(pem_of(signer.certificate)));
    files.put("ca.pem", as_bytes(pem_of(pki().ca.certificate)));
    std::vector<std::string> arguments{"cms",
                                       "-sign",
                                       "-cades",
                                       "-binary",
                                       "-nodetach",
                                       "-outform",
                                       "DER",
                                       "-in",
                                       files.put("content.bin", content),
                                       "-signer",
                                       files.path("signer.pem"),
                                       "-inkey",
                                       files.path("key.pem"),
                                       "-certfile",
                                       files.path("ca.pem"),
                                       "-md",
                                       "sha256",
                                       "-out",
                                       files.path("theirs.p7m")};
    if (stream) arguments.emplace_back("-stream");
    const auto done = sigillo::testing::openssl(arguments);
    EXPECT_EQ(done.exit_code, 0) << done.output;
    return files.get("theirs.p7m");
}

// `element` with an indefinite length.
Bytes indefinite(std::uint8_t tag, std::initializer_list<ByteView> parts) {
    Bytes out{tag, 0x80};
    for (const ByteView part : parts) append(out, part);
    append(out, Bytes{0, 0});
    return out;
}

// A SignedData without signers around that encoding of eContent.
Bytes around(ByteView octets) {
    const Bytes encap = indefinite(kDerSequence, {kIdData, indefinite(der_context(0), {octets})});
    const Bytes data =
        indefinite(kDerSequence, {der_integer(1), der_set_of(kDerSet, {}), encap, der_set_of(kDerSet, {})});
    return indefinite(kDerSequence, {kIdSignedData, indefinite(der_context(0), {data})});
}

const Bytes& complete_signature() {
    static const Bytes kComplete = [] {
        const Story story(SystemClock().now());
        const Bytes content = content_of(1'000);
        const MemorySource source(content);
        const Digest digest = digest_of(HashAlgorithm::kSha256, content);
        MemorySink sink(1U << 20);
        must_hold(assemble_attached(sign_content(KeyKind::kP256, digest, story.signed_at),
                                    Content::whole(source), sink));
        const Bytes first = sink.take();
        SignedData document = value_of(SignedData::read(first));
        add_time_stamps(document, story);
        add_proofs(document, story);
        add_archives(document, *document.content(), story.archived_at);
        return value_of(document.write(1U << 20));
    }();
    return kComplete;
}

TEST(Read, a_streamed_signature_of_openssl_takes_a_further_signature_and_both_hold) {
    const Files files;
    const Bytes content = content_of(70'000);
    for (const bool stream : {false, true}) {
        const Bytes theirs = signed_by_openssl(files, content, stream);
        EXPECT_EQ(theirs[1] == 0x80, stream);
        SignedData document = value_of(SignedData::read(theirs));
        EXPECT_EQ(content_in(document), content);
        EXPECT_EQ(document.content()->ranges.size() > 1, stream);
        const Bytes earlier = document.signers().front().whole;
        const Digest digest = digest_of(HashAlgorithm::kSha384, content);
        must_hold(
            add_signature(document, sign_content(KeyKind::kP384, digest, SystemClock().now()), std::nullopt));
        const Bytes both = value_of(document.write(1U << 20));
        EXPECT_NE(std::ranges::search(both, earlier).begin(), both.end());
        const auto verified = files.verify(both);
        EXPECT_EQ(verified.exit_code, 0) << verified.output;
        EXPECT_EQ(files.get("out.bin"), content);
        const Inspection inspection = value_of(inspect(document));
        for (const Signer& signer : inspection.signers) {
            EXPECT_TRUE(signer.signature_valid);
            EXPECT_EQ(signer.content_matches, true);
        }
    }
}

TEST(Read, a_streamed_signature_of_openssl_rises_to_b_lta) {
    const Files files;
    const Story story(SystemClock().now());
    const Bytes content = content_of(5'000);
    const Bytes theirs = signed_by_openssl(files, content, true);
    SignedData document = value_of(SignedData::read(theirs));
    add_time_stamps(document, story);
    add_proofs(document, story);
    add_archives(document, *document.content(), story.archived_at);
    EXPECT_EQ(value_of(inspect(document)).signers.front().level, Level::kLta);
}

TEST(Read, content_in_nested_pieces_of_both_lengths_is_put_together) {
    const Bytes one = der_element(kDerOctetString, {as_bytes("ab")});
    const Bytes none = der_element(kDerOctetString, {});
    const Bytes definite = der_element(0x24, {one, none, der_element(0x24, {one})});
    const Bytes string = indefinite(0x24, {one, definite, indefinite(0x24, {one, one}), one});
    const Bytes document = around(string);
    EXPECT_EQ(as_text(content_in(value_of(SignedData::read(document)))), "abababababab");
}

TEST(Read, der_is_written_as_it_was) {
    EXPECT_EQ(value_of(value_of(SignedData::read(complete_signature())).write(1U << 20)),
              complete_signature());
}

TEST(Refused, every_beginning_of_a_document) {
    const Bytes& whole = complete_signature();
    for (std::size_t size = 0; size < whole.size(); size += size < 200 ? 1 : 37)
        EXPECT_FALSE(SignedData::read(ByteView(whole).first(size))) << size;
}

TEST(Refused, octets_behind_a_document) {
    Bytes more = complete_signature();
    more.push_back(0);
    EXPECT_FALSE(SignedData::read(more));
    EXPECT_TRUE(SignedData::read(more, {}, Trailing::kZeros));
    more.push_back(1);
    EXPECT_FALSE(SignedData::read(more, {}, Trailing::kZeros));
}

TEST(Refused, what_is_no_signature_says_so) {
    const auto words = [](ByteView document) {
        const auto read = SignedData::read(document);
        return read ? std::string("accepted") : read.error().detail;
    };
    EXPECT_EQ(words({}), "not a CMS signature: ContentInfo: the encoding ends early at octet 0");
    EXPECT_NE(words(as_bytes("%PDF-1.7 and more")).find("not a CMS signature"), std::string::npos);
    const Bytes data = der_element(kDerSequence, {kIdData, der_element(der_context(0), {})});
    EXPECT_EQ(words(data), "not a CMS signature: a CMS object, but no SignedData");
    EXPECT_NE(words(pki().root.certificate).find("contentType expected"), std::string::npos);
}

TEST(Refused, a_changed_octet_does_no_harm_and_takes_the_level_away) {
    const Bytes& whole = complete_signature();
    const SignedData document = value_of(SignedData::read(whole));
    ASSERT_EQ(value_of(inspect(document)).signers.front().level, Level::kLta);
    const auto place = [&](ByteView part) {
        return static_cast<std::size_t>(std::ranges::search(whole, part).begin() - whole.begin());
    };
    // Behind the content's beginning everything is covered by the signature or the archive time-stamp, which
    // itself has parts that nothing covers (its copy of the TSA's CA). Before it are spellings: tags,
    // lengths, the version.
    const std::size_t content = place(content_of(1'000));
    const auto& attributes = document.signers().front().unsigned_attributes;
    const auto archive = std::ranges::find_if(
        attributes, [](const Attribute& attribute) { return equal(attribute.type, kIdArchiveTimeStampV3); });
    ASSERT_NE(archive, attributes.end());
    const std::size_t from = place(archive->whole);
    for (std::size_t at = 0; at < whole.size(); at += 23) {
        Bytes changed = whole;
        changed[at] ^= 0x41U;
        const auto read = SignedData::read(changed);
        if (!read) continue;
        const auto inspected = inspect(*read);
        if (!inspected || at < content || (at >= from && at < from + archive->whole.size())) continue;
        for (const Signer& signer : inspected->signers) EXPECT_LT(signer.level, Level::kLta) << at;
    }
}

struct Bound {
    const char* name;
    void (*lower)(Limits&);
};

class EachBound : public ::testing::TestWithParam<Bound> {};

TEST_P(EachBound, is_held) {
    Limits limits;
    GetParam().lower(limits);
    const Bytes piece = der_element(kDerOctetString, {as_bytes("ab")});
    const Bytes pieces = around(indefinite(0x24, {piece, piece, indefinite(0x24, {piece})}));
    const auto judge = [&](const Bytes& document) {
        const auto read = SignedData::read(document, limits);
        return read ? inspect(*read, {}, limits) : Result<Inspection>(std::unexpected(read.error()));
    };
    ASSERT_TRUE(SignedData::read(pieces));
    const auto one = judge(complete_signature());
    const auto other = judge(pieces);
    const bool refused = (!one && one.error().code == Errc::kLimitExceeded) ||
                         (!other && other.error().code == Errc::kLimitExceeded);
    EXPECT_TRUE(refused) << (one ? "accepted" : to_string(one.error())) << " / "
                         << (other ? "accepted" : to_string(other.error()));
    EXPECT_FALSE(!one && one.error().field.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Limits, EachBound,
    ::testing::Values(Bound{"content", [](Limits& l) { l.max_content_bytes = 999; }},
                      Bound{"structure", [](Limits& l) { l.max_structure_bytes = 1'000; }},
                      Bound{"segments", [](Limits& l) { l.max_content_segments = 2; }},
                      Bound{"depth", [](Limits& l) { l.max_depth = 5; }},
                      Bound{"elements", [](Limits& l) { l.max_elements = 8; }},
                      Bound{"signers", [](Limits& l) { l.max_signers = 0; }},
                      Bound{"certificates", [](Limits& l) { l.max_certificates = 3; }},
                      Bound{"revocations", [](Limits& l) { l.max_revocations = 2; }},
                      Bound{"attributes", [](Limits& l) { l.max_attributes = 1; }},
                      Bound{"tokens", [](Limits& l) { l.max_tokens = 1; }},
                      Bound{"token", [](Limits& l) { l.max_token_bytes = 1'000; }},
                      Bound{"signed_attributes", [](Limits& l) { l.max_signed_attributes_bytes = 100; }},
                      Bound{"checks", [](Limits& l) { l.max_signature_checks = 5; }}),
    [](const auto& about) { return std::string(about.param.name); });

TEST(Bounds, elements_nested_without_end_are_refused_quickly) {
    Bytes nested;
    for (int i = 0; i < 100'000; ++i) append(nested, Bytes{0x30, 0x80});
    EXPECT_EQ(SignedData::read(nested).error().code, Errc::kLimitExceeded);
    Bytes strings;
    for (int i = 0; i < 100'000; ++i) append(strings, Bytes{0x24, 0x80});
    const Bytes document = around(strings);
    EXPECT_FALSE(SignedData::read(document));
}

}  // namespace
}  // namespace sigillo::cms::testing
