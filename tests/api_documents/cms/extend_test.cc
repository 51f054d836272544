// B-B to B-LTA and its renewal: each level is there, and what was covered stays as it was.
#include <algorithm>

#include "api/documents/cms/der.h"
#include "api/documents/cms/oids.h"
#include "keystore/algorithm_identifiers.h"
#include "tests/api_documents/cms/files.h"
#include "tests/api_documents/cms/sample.h"

namespace sigillo::cms::testing {
namespace {

enum class Envelope { kAttached, kDetached, kParallel };

class EachSignature : public ::testing::TestWithParam<std::tuple<KeyKind, Envelope>> {
 protected:
    KeyKind kind() const { return std::get<0>(GetParam()); }
    Envelope envelope() const { return std::get<1>(GetParam()); }
    Content content() const { return Content::whole(source_); }
    SignatureParts parts(KeyKind kind) const {
        return sign_content(kind, value_of(content().digest(scheme_of(kind).hash)), story_.signed_at);
    }

    Bytes made() const {
        if (envelope() == Envelope::kDetached) return value_of(assemble_detached(parts(kind())));
        MemorySink sink(1U << 20);
        must_hold(assemble_attached(parts(kind()), content(), sink));
        if (envelope() == Envelope::kAttached) return sink.take();
        const Bytes one = sink.take();
        SignedData document = value_of(SignedData::read(one));
        const KeyKind other = kind() == KeyKind::kP256 ? KeyKind::kRsa3072Pss : KeyKind::kP256;
        must_hold(add_signature(document, parts(other), std::nullopt));
        return value_of(document.write(1U << 20));
    }

    void expect_level(const SignedData& document, Level level) const {
        InspectOptions options;
        if (envelope() == Envelope::kDetached) options.content = content();
        const Inspection inspection = value_of(inspect(document, options));
        EXPECT_EQ(inspection.signers.size(), envelope() == Envelope::kParallel ? 2U : 1U);
        for (const Signer& signer : inspection.signers) {
            EXPECT_EQ(signer.level, level);
            EXPECT_TRUE(signer.signature_valid);
            EXPECT_EQ(signer.content_matches, true);
            for (const Token& token : signer.tokens) EXPECT_TRUE(token.valid) << token.problem;
        }
        EXPECT_EQ(inspection.missing.empty(), level >= Level::kLt);
    }

    void expect_openssl_verifies(const SignedData& document) const {
        const Bytes cms = value_of(document.write(1U << 20));
        const auto verified = files_.verify(
            cms, envelope() == Envelope::kDetached ? files_.put("content.bin", content_) : std::string());
        EXPECT_EQ(verified.exit_code, 0) << verified.output;
    }

    const Story story_{SystemClock().now()};
    const Bytes content_ = Bytes(10'000, 'x');
    const MemorySource source_{content_};
    Files files_;
};

TEST_P(EachSignature, rises_from_level_to_level_and_openssl_verifies_each) {
    const Bytes b = made();
    SignedData document = value_of(SignedData::read(b));
    expect_level(document, Level::kB);
    expect_openssl_verifies(document);
    add_time_stamps(document, story_);
    expect_level(document, Level::kT);
    expect_openssl_verifies(document);
    add_proofs(document, story_);
    expect_level(document, Level::kLt);
    expect_openssl_verifies(document);
    add_archives(document, content(), story_.archived_at);
    expect_level(document, Level::kLta);
    expect_openssl_verifies(document);
    add_later_proofs(document, story_);
    add_archives(document, content(), story_.renewed_at);
    expect_level(document, Level::kLta);
    expect_openssl_verifies(document);
}

TEST_P(EachSignature, keeps_what_was_covered_octet_for_octet) {
    const Bytes b = made();
    const SignedData before = value_of(SignedData::read(b));
    SignedData document = before;
    add_time_stamps(document, story_);
    add_proofs(document, story_);
    add_archives(document, content(), story_.archived_at);
    const Bytes archived = value_of(document.write(1U << 20));
    SignedData renewed = value_of(SignedData::read(archived));
    add_later_proofs(renewed, story_);
    add_archives(renewed, content(), story_.renewed_at);
    const Bytes last = value_of(renewed.write(1U << 20));
    const SignedData after = value_of(SignedData::read(last));
    for (const SignerInfo& signer : before.signers()) {
        const SignerInfo& same = after.signers()[value_of(after.find_signer(signer.id()))];
        EXPECT_EQ(same.version, signer.version);
        EXPECT_EQ(same.sid, signer.sid);
        EXPECT_EQ(same.digest_algorithm, signer.digest_algorithm);
        EXPECT_EQ(same.signed_attributes, signer.signed_attributes);
        EXPECT_EQ(same.signature_algorithm, signer.signature_algorithm);
        EXPECT_EQ(same.signature, signer.signature);
    }
    for (const SignerInfo& signer : document.signers()) {
        const SignerInfo& same = after.signers()[value_of(after.find_signer(signer.id()))];
        EXPECT_EQ(same.unsigned_attributes.size(), signer.unsigned_attributes.size() + 1);
        for (const Attribute& attribute : signer.unsigned_attributes)
            EXPECT_TRUE(std::ranges::any_of(same.unsigned_attributes, [&](const Attribute& kept) {
                return kept.whole == attribute.whole;
            }));
    }
    for (const Bytes& certificate : document.certificates())
        EXPECT_NE(std::ranges::find(after.certificates(), certificate), after.certificates().end());
    for (const Bytes& revocation : document.revocations())
        EXPECT_NE(std::ranges::find(after.revocations(), revocation), after.revocations().end());
}

std::string name_of_case(const ::testing::TestParamInfo<std::tuple<KeyKind, Envelope>>& about) {
    const Envelope envelope = std::get<1>(about.param);
    const std::string name = envelope == Envelope::kAttached   ? "attached_"
                             : envelope == Envelope::kDetached ? "detached_"
                                                               : "parallel_";
    return name + name_of(std::get<0>(about.param));
}

INSTANTIATE_TEST_SUITE_P(Signatures, EachSignature,
                         ::testing::Combine(::testing::ValuesIn(all_key_kinds()),
                                            ::testing::Values(Envelope::kAttached, Envelope::kDetached,
                                                              Envelope::kParallel)),
                         name_of_case);

// One signer, P-256, attached.
class Extending : public ::testing::Test {
 protected:
    Extending() {
        MemorySink sink(1U << 20);
        const SignatureParts parts =
            sign_content(KeyKind::kP256, digest_of(HashAlgorithm::kSha256, content_), story_.signed_at);
        must_hold(assemble_attached(parts, content(), sink));
        der_ = sink.take();
        document_ = value_of(SignedData::read(der_));
    }
    Content content() const { return Content::whole(source_); }
    Digest digest() const { return digest_of(HashAlgorithm::kSha256, content_); }
    Digest signature_digest() const {
        return digest_of(HashAlgorithm::kSha256, document_.signers().front().signature_value);
    }
    void to_lta() {
        add_time_stamps(document_, story_);
        add_proofs(document_, story_);
        add_archives(document_, content(), story_.archived_at);
    }
    Level level() const { return value_of(inspect(document_)).signers.front().level; }
    static std::string problem_of_archive(const SignedData& document) {
        const Inspection inspection = value_of(inspect(document));
        for (const Token& token : inspection.signers.front().tokens)
            if (token.kind == TokenKind::kArchiveV3) return token.valid ? "valid" : token.problem;
        return "none";
    }

    const Story story_{SystemClock().now()};
    const Bytes content_ = Bytes(1'000, 'x');
    const MemorySource source_{content_};
    Bytes der_;
    SignedData document_ = SignedData::empty({}, std::nullopt);
};

TEST_F(Extending, a_token_over_another_signature_is_refused) {
    const Status added = add_signature_time_stamp(document_, 0, pki().token(digest(), story_.stamped_at));
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().field, "token");
    EXPECT_TRUE(document_.signers().front().unsigned_attributes.empty());
}

TEST_F(Extending, a_token_whose_signature_does_not_hold_is_refused) {
    Bytes token = pki().token(signature_digest(), story_.stamped_at);
    token.back() ^= 1U;
    const Status added = add_signature_time_stamp(document_, 0, token);
    ASSERT_FALSE(added);
    EXPECT_NE(added.error().detail.find("does not hold"), std::string::npos) << added.error().detail;
}

TEST_F(Extending, a_token_whose_certificate_is_nowhere_is_refused_unless_it_is_given) {
    const Bytes whole = pki().token(signature_digest(), story_.stamped_at);
    const SignedData bare = value_of(SignedData::read(whole));
    SignedData stripped = SignedData::empty(bare.content_type(), bare.content());
    for (const Bytes& algorithm : bare.digest_algorithms()) stripped.add_digest_algorithm(algorithm);
    stripped.signers() = bare.signers();
    const Bytes token = value_of(stripped.write(1U << 20));
    const Status added = add_signature_time_stamp(document_, 0, token);
    ASSERT_FALSE(added);
    EXPECT_NE(added.error().detail.find("certificate of its unit"), std::string::npos)
        << added.error().detail;
    const std::vector<Bytes> known{pki().unit.certificate};
    EXPECT_TRUE(add_signature_time_stamp(document_, 0, token, known));
}

TEST_F(Extending, a_token_of_a_certificate_not_for_time_stamping_alone_is_refused) {
    // libcrypto does not make such a token: its TSTInfo is signed by hand.
    const Bytes good = pki().token(signature_digest(), story_.stamped_at);
    const SignedData token = value_of(SignedData::read(good));
    const auto signed_by = [&](const std::string& extended_key_usage) {
        IssueOptions issuing;
        issuing.common_name = "A unit";
        issuing.extended_key_usage = extended_key_usage;
        const Identity unit = issue(issuing, make_key(KeyKind::kP256), &pki().tsa_ca);
        AttributeOptions options;
        options.content_type = token.content_type();
        SignatureParts parts;
        parts.scheme = scheme_of(KeyKind::kP256);
        parts.signed_attributes = make_attributes(value_of(token.content()->digest(HashAlgorithm::kSha256)),
                                                  unit.certificate, options);
        parts.signature = sign(unit, parts.scheme, parts.signed_attributes);
        parts.chain = {unit.certificate};
        MemorySink sink(1U << 20);
        must_hold(assemble_attached(parts, *token.content(), sink));
        return sink.take();
    };
    for (const char* const usage :
         {"", "timeStamping", "critical,timeStamping,emailProtection", "emailProtection"}) {
        const Status added = add_signature_time_stamp(document_, 0, signed_by(usage));
        ASSERT_FALSE(added) << usage;
        EXPECT_NE(added.error().detail.find("time-stamping alone"), std::string::npos)
            << added.error().detail;
    }
    EXPECT_TRUE(add_signature_time_stamp(document_, 0, signed_by("critical,timeStamping")));
}

TEST_F(Extending, there_is_no_such_signer) {
    EXPECT_EQ(add_signature_time_stamp(document_, 1, {}).error().code, Errc::kNotFound);
    EXPECT_EQ(archive_imprint(document_, 7, digest()).error().code, Errc::kNotFound);
    EXPECT_EQ(document_.find_signer(SignerId{}).error().code, Errc::kNotFound);
}

TEST_F(Extending, material_is_added_once_and_only_when_it_is_some) {
    add_proofs(document_, story_);
    const auto certificates = document_.certificates().size();
    Material material;
    material.certificates = {pki().root.certificate, pki().ca.certificate};
    must_hold(add_material(document_, material));
    EXPECT_EQ(document_.certificates().size(), certificates);
    material.crls = {pki().root.certificate};
    EXPECT_EQ(add_material(document_, material).error().field, "crl");
    material.crls.clear();
    material.ocsps = {Bytes{0x30, 0x03, 0x0A, 0x01, 0x06}};  // unauthorized
    EXPECT_EQ(add_material(document_, material).error().field, "ocsp");
    material.ocsps.clear();
    material.certificates = {content_};
    EXPECT_EQ(add_material(document_, material).error().field, "certificate");
}

TEST_F(Extending, an_archive_time_stamp_over_another_state_is_refused) {
    add_time_stamps(document_, story_);
    const ArchiveImprint before = value_of(archive_imprint(document_, 0, digest()));
    const Bytes token = pki().token(before.imprint, story_.archived_at);
    SignedData later = document_;
    add_proofs(later, story_);
    EXPECT_EQ(add_archive_time_stamp(later, 0, token, digest()).error().field, "token");
    EXPECT_TRUE(add_archive_time_stamp(document_, 0, token, digest()));
}

TEST_F(Extending, an_archive_time_stamp_over_other_content_is_refused) {
    const auto imprint = archive_imprint(document_, 0, digest_of(HashAlgorithm::kSha256, der_));
    ASSERT_FALSE(imprint);
    EXPECT_EQ(imprint.error().field, "content");
}

TEST_F(Extending, an_archive_time_stamp_may_have_a_stronger_hash) {
    add_time_stamps(document_, story_);
    add_proofs(document_, story_);
    const Digest strong = digest_of(HashAlgorithm::kSha512, content_);
    const ArchiveImprint wanted = value_of(archive_imprint(document_, 0, strong));
    must_hold(add_archive_time_stamp(document_, 0, pki().token(wanted.imprint, story_.archived_at), strong));
    EXPECT_EQ(level(), Level::kLta);
    EXPECT_NE(
        std::ranges::find(document_.digest_algorithms(), to_bytes(digest_algorithm(HashAlgorithm::kSha512))),
        document_.digest_algorithms().end());
}

TEST_F(Extending, what_is_added_after_an_archive_time_stamp_does_not_break_it) {
    to_lta();
    add_later_proofs(document_, story_);
    must_hold(add_signature_time_stamp(document_, 0, pki().token(signature_digest(), story_.renewed_at)));
    EXPECT_EQ(problem_of_archive(document_), "valid");
    must_hold(add_signature(document_, sign_content(KeyKind::kRsa2048Pkcs1, digest(), story_.renewed_at),
                            std::nullopt));
    const Inspection inspection = value_of(inspect(document_));
    for (const Signer& signer : inspection.signers)
        EXPECT_EQ(signer.level, signer.scheme->padding == SignaturePadding::kNone ? Level::kLta : Level::kB);
}

TEST_F(Extending, what_is_taken_away_or_changed_after_an_archive_time_stamp_breaks_it) {
    to_lta();
    ASSERT_EQ(problem_of_archive(document_), "valid");
    const auto without = [&](auto keep_certificate, auto keep_revocation) {
        SignedData less = SignedData::empty(document_.content_type(), document_.content());
        for (const Bytes& certificate : document_.certificates())
            if (keep_certificate(certificate)) less.add_certificate(certificate);
        for (const Bytes& revocation : document_.revocations())
            if (keep_revocation(revocation)) less.add_revocation(revocation);
        less.signers() = document_.signers();
        return less;
    };
    const auto all = [](const Bytes&) { return true; };
    EXPECT_EQ(problem_of_archive(without(all, all)), "valid");
    EXPECT_NE(problem_of_archive(without([](const Bytes& c) { return c != pki().root.certificate; }, all))
                  .find("certificatesHashIndex"),
              std::string::npos);
    EXPECT_NE(
        problem_of_archive(without(all, [&](const Bytes& r) { return r != document_.revocations().back(); }))
            .find("crlsHashIndex"),
        std::string::npos);
    SignedData other_stamp = document_;
    auto& attributes = other_stamp.signers().front().unsigned_attributes;
    const auto stamp = std::ranges::find_if(
        attributes, [](const Attribute& attribute) { return equal(attribute.type, kIdSignatureTimeStamp); });
    *stamp = Attribute::create(kIdSignatureTimeStamp, pki().token(signature_digest(), story_.stamped_at));
    other_stamp.signers().front().whole.clear();
    EXPECT_NE(problem_of_archive(other_stamp).find("unsignedAttrValuesHashIndex"), std::string::npos);
}

TEST_F(Extending, an_archive_time_stamp_of_an_earlier_form_forbids_all) {
    document_.signers().front().add_unsigned(
        Attribute::create(kIdArchiveTimeStampV2, pki().token(signature_digest(), story_.archived_at)));
    const auto refused = [](const auto& result) {
        return !result && result.error().code == Errc::kUnsupported && result.error().field == "document";
    };
    EXPECT_TRUE(
        refused(add_signature_time_stamp(document_, 0, pki().token(signature_digest(), story_.stamped_at))));
    EXPECT_TRUE(refused(add_material(document_, {})));
    EXPECT_TRUE(refused(archive_imprint(document_, 0, digest())));
    EXPECT_TRUE(refused(add_signature(
        document_, sign_content(KeyKind::kRsa2048Pkcs1, digest(), story_.renewed_at), std::nullopt)));
    EXPECT_TRUE(value_of(inspect(document_)).signers.front().archived_before_v3);
}

TEST_F(Extending, a_signer_with_as_many_attributes_as_allowed_takes_no_more) {
    Limits limits;
    limits.max_attributes = 8;
    const Bytes token = pki().token(signature_digest(), story_.stamped_at);
    for (int i = 0; i < 8; ++i) must_hold(add_signature_time_stamp(document_, 0, token, {}, limits));
    EXPECT_EQ(add_signature_time_stamp(document_, 0, token, {}, limits).error().code, Errc::kLimitExceeded);
}

}  // namespace
}  // namespace sigillo::cms::testing
