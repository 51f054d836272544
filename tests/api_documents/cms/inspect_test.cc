// What inspect() tells of certificates, paths and missing material.
#include <gtest/gtest.h>

#include <algorithm>

#include "api/documents/cms/oids.h"
#include "tests/api_documents/cms/sample.h"

namespace sigillo::cms::testing {
namespace {

const Bytes kContent(1'000, 'x');

class Inspecting : public ::testing::Test {
 protected:
    Inspecting() {
        der_ = value_of(assemble_detached(
            sign_content(KeyKind::kP256, digest_of(HashAlgorithm::kSha256, kContent), story_.signed_at)));
        document_ = value_of(SignedData::read(der_));
    }
    static const Certificate* find(const Inspection& inspection, const Identity& identity) {
        const auto at = std::ranges::find(inspection.certificates, identity.certificate, &Certificate::der);
        return at == inspection.certificates.end() ? nullptr : &*at;
    }
    static std::vector<std::string> missing(const Inspection& inspection, bool Missing::* what) {
        std::vector<std::string> names;
        for (const Missing& one : inspection.missing)
            if (one.*what) names.push_back(inspection.certificates[one.certificate].subject_dn);
        std::ranges::sort(names);
        return names;
    }

    const Story story_{SystemClock().now()};
    const MemorySource source_{kContent};
    Bytes der_;
    SignedData document_ = SignedData::empty({}, std::nullopt);
};

TEST_F(Inspecting, certificates_say_where_their_revocation_data_are) {
    const Inspection inspection = value_of(inspect(document_));
    const Certificate* const leaf = find(inspection, pki().signer(KeyKind::kP256));
    ASSERT_NE(leaf, nullptr);
    EXPECT_EQ(leaf->subject_dn, "CN=Signer p256,O=Sigillo tests,C=IT");
    EXPECT_EQ(leaf->issuer_dn, "CN=Test CA,O=Sigillo tests,C=IT");
    EXPECT_EQ(leaf->ocsp_urls, std::vector<std::string>{"http://pki.test/ocsp"});
    EXPECT_EQ(leaf->ca_issuer_urls, std::vector<std::string>{"http://pki.test/ca.crt"});
    EXPECT_EQ(leaf->crl_urls, std::vector<std::string>{"http://pki.test/ca.crl"});
    EXPECT_FALSE(leaf->self_signed);
    EXPECT_FALSE(leaf->is_ca);
    EXPECT_TRUE(find(inspection, pki().ca)->is_ca);
}

TEST_F(Inspecting, the_signer_is_told_as_it_is) {
    const Inspection inspection = value_of(inspect(document_));
    EXPECT_EQ(inspection.content_type_oid, "1.2.840.113549.1.7.1");
    EXPECT_FALSE(inspection.attached);
    ASSERT_EQ(inspection.signers.size(), 1U);
    const Signer& signer = inspection.signers.front();
    EXPECT_EQ(signer.digest_oid, "2.16.840.1.101.3.4.2.1");
    EXPECT_EQ(signer.signature_oid, "1.2.840.10045.4.3.2");
    EXPECT_EQ(signer.scheme, scheme_of(KeyKind::kP256));
    EXPECT_TRUE(equal(signer.message_digest, sha256(kContent)));
    EXPECT_EQ(signer.signing_time, std::chrono::floor<std::chrono::seconds>(story_.signed_at));
    EXPECT_EQ(signer.content_matches, std::nullopt);
    EXPECT_EQ(signer.level, Level::kB);
}

TEST_F(Inspecting, content_that_is_given_is_compared) {
    InspectOptions options;
    options.content = Content::whole(source_);
    EXPECT_EQ(value_of(inspect(document_, options)).signers.front().content_matches, true);
    options.content = Content{&source_, {{0, 400}, {400, 600}}};  // as the two ranges of a ByteRange
    EXPECT_EQ(value_of(inspect(document_, options)).signers.front().content_matches, true);
    options.content = Content{&source_, {{1, 999}}};
    const Signer signer = value_of(inspect(document_, options)).signers.front();
    EXPECT_EQ(signer.content_matches, false);
    EXPECT_EQ(signer.level, Level::kNone);
}

TEST_F(Inspecting, what_is_missing_is_told_step_by_step) {
    using Names = std::vector<std::string>;
    const std::string end = ",O=Sigillo tests,C=IT";
    Inspection inspection = value_of(inspect(document_));
    EXPECT_FALSE(inspection.signers.front().path.complete);
    EXPECT_EQ(missing(inspection, &Missing::issuer), Names{"CN=Test CA" + end});
    EXPECT_EQ(missing(inspection, &Missing::revocation), (Names{"CN=Signer p256" + end, "CN=Test CA" + end}));

    InspectOptions options;
    options.certificates = {pki().root.certificate};
    inspection = value_of(inspect(document_, options));
    EXPECT_TRUE(inspection.signers.front().path.complete);
    EXPECT_EQ(inspection.signers.front().path.certificates.size(), 3U);
    EXPECT_EQ(missing(inspection, &Missing::issuer), Names{});

    options.certificates.clear();
    options.anchors = {pki().ca.certificate};
    inspection = value_of(inspect(document_, options));
    EXPECT_EQ(missing(inspection, &Missing::issuer), Names{});
    EXPECT_EQ(missing(inspection, &Missing::revocation), Names{"CN=Signer p256" + end});

    add_time_stamps(document_, story_);
    inspection = value_of(inspect(document_, options));
    EXPECT_EQ(missing(inspection, &Missing::revocation),
              (Names{"CN=Signer p256" + end, "CN=Test TSA CA" + end, "CN=Test TSU" + end}));
}

TEST_F(Inspecting, an_ocsp_response_needs_proofs_for_its_responder_unless_it_says_nocheck) {
    IssueOptions issuing;
    issuing.common_name = "Responder to be checked";
    issuing.extended_key_usage = "OCSPSigning";
    const Identity responder = issue(issuing, make_key(KeyKind::kP256), &pki().ca);
    OcspOptions ocsp;
    ocsp.this_update = ocsp.produced_at = story_.proofs_at;
    InspectOptions options;
    options.anchors = {pki().ca.certificate};
    const Bytes leaf = pki().signer(KeyKind::kP256).certificate;
    options.ocsps = {make_ocsp(leaf, pki().ca, responder, ocsp)};
    Inspection inspection = value_of(inspect(document_, options));
    EXPECT_EQ(missing(inspection, &Missing::revocation),
              std::vector<std::string>{"CN=Responder to be checked,O=Sigillo tests,C=IT"});
    ASSERT_EQ(inspection.revocations.size(), 1U);
    EXPECT_EQ(inspection.revocations.front().concerns.size(), 1U);
    options.ocsps.push_back(make_ocsp(responder.certificate, pki().ca, pki().responder, ocsp));
    EXPECT_TRUE(value_of(inspect(document_, options)).missing.empty());
}

TEST_F(Inspecting, answers_that_do_not_hold_prove_nothing) {
    InspectOptions options;
    options.anchors = {pki().ca.certificate};
    OcspOptions ocsp;
    ocsp.this_update = ocsp.produced_at = story_.proofs_at;
    IssueOptions issuing;
    issuing.common_name = "Nobody";
    const Identity nobody = issue(issuing, make_key(KeyKind::kP256), &pki().tsa_ca);
    const Bytes leaf = pki().signer(KeyKind::kP256).certificate;
    options.ocsps = {make_ocsp(leaf, pki().ca, nobody, ocsp)};
    const Inspection inspection = value_of(inspect(document_, options));
    ASSERT_EQ(inspection.missing.size(), 1U);
    EXPECT_TRUE(inspection.missing.front().revocation);
    EXPECT_TRUE(inspection.revocations.front().concerns.empty());
}

TEST_F(Inspecting, what_only_a_renewal_needs_is_marked) {
    add_time_stamps(document_, story_);
    add_proofs(document_, story_);
    IssueOptions stamping;
    stamping.common_name = "Another TSU";
    stamping.extended_key_usage = "critical,timeStamping";
    stamping.key_usage = "critical,digitalSignature";
    IssueOptions authority;
    authority.common_name = "Another TSA CA";
    authority.ca = true;
    const Identity other_ca = issue(authority, make_key(KeyKind::kP256), &pki().root);
    const Identity other = issue(stamping, make_key(KeyKind::kP256), &other_ca);
    const Digest digest = digest_of(HashAlgorithm::kSha256, kContent);
    const ArchiveImprint wanted = value_of(archive_imprint(document_, 0, digest));
    must_hold(add_archive_time_stamp(
        document_, 0,
        make_token(wanted.imprint, other, {other.certificate, other_ca.certificate}, story_.archived_at),
        digest));
    InspectOptions options;
    options.content = Content::whole(source_);
    const Inspection inspection = value_of(inspect(document_, options));
    EXPECT_EQ(inspection.signers.front().level, Level::kLta);
    ASSERT_EQ(inspection.missing.size(), 1U);
    EXPECT_TRUE(inspection.missing.front().renewal);
    EXPECT_EQ(inspection.certificates[inspection.missing.front().certificate].subject_dn,
              "CN=Another TSU,O=Sigillo tests,C=IT");
}

TEST_F(Inspecting, a_token_by_itself_is_inspected_as_one) {
    const Bytes token = pki().token(digest_of(HashAlgorithm::kSha384, kContent), story_.stamped_at);
    const SignedData data = value_of(SignedData::read(token));
    InspectOptions options;
    options.content = Content::whole(source_);
    const Inspection inspection = value_of(inspect(data, options));
    ASSERT_EQ(inspection.document_tokens.size(), 1U);
    const Token& found = inspection.document_tokens.front();
    EXPECT_EQ(found.kind, TokenKind::kDocument);
    EXPECT_TRUE(found.valid) << found.problem;
    EXPECT_EQ(found.hash, HashAlgorithm::kSha384);
    EXPECT_EQ(found.gen_time, std::chrono::floor<std::chrono::seconds>(story_.stamped_at));
    EXPECT_EQ(found.policy_oid, "1.3.6.1.4.1.99999.1");
    EXPECT_EQ(found.path.certificates.size(), 2U);
}

TEST_F(Inspecting, urls_that_nobody_can_fetch_are_left_out) {
    IssueOptions options;
    options.points =
        "URI:ldap://pki.test/cn=ca,URI:http://pki.test/a "
        "b,URI:http://pki.test/good.crl,URI:file:///etc/passwd";
    const Identity odd = issue(options, make_key(KeyKind::kP256), &pki().ca);
    EXPECT_EQ(value_of(read_certificate(odd.certificate)).crl_urls,
              std::vector<std::string>{"http://pki.test/good.crl"});
}

TEST_F(Inspecting, ca_issuers_are_read_as_certificate_or_as_certs_only) {
    EXPECT_EQ(value_of(read_ca_issuers(pki().ca.certificate)), std::vector<Bytes>{pki().ca.certificate});
    SignedData bag = SignedData::empty(to_bytes(kIdData), std::nullopt);
    bag.add_certificate(pki().ca.certificate);
    bag.add_certificate(pki().root.certificate);
    EXPECT_EQ(value_of(read_ca_issuers(bag.write_detached())).size(), 2U);
    EXPECT_FALSE(read_ca_issuers(as_bytes("<html>")));
    EXPECT_TRUE(issued_by(value_of(read_certificate(pki().ca.certificate)),
                          value_of(read_certificate(pki().root.certificate))));
    EXPECT_FALSE(issued_by(value_of(read_certificate(pki().ca.certificate)),
                           value_of(read_certificate(pki().tsa_ca.certificate))));
}

}  // namespace
}  // namespace sigillo::cms::testing
