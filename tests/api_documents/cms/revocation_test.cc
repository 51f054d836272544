// OCSP responses and CRLs of strangers: what is believed, and each reason not to.
#include <openssl/ocsp.h>

#include <gtest/gtest.h>

#include "api/documents/cms/revocation.h"
#include "tests/api_documents/cms/sample.h"

namespace sigillo::cms::testing {
namespace {

using namespace std::chrono_literals;

class Revocations : public ::testing::Test {
 protected:
    Revocations() {
        ocsp_.this_update = ocsp_.produced_at = now_ - 1h;
        ocsp_.next_update = now_ + 1h;
        crl_.this_update = now_ - 1h;
        crl_.next_update = now_ + 1h;
        rules_.now = now_;
    }
    Result<RevocationAnswer> ocsp(ByteView response) const {
        return check_ocsp(response, leaf_, ca_, rules_);
    }
    Result<RevocationAnswer> crl(ByteView list) const { return check_crl(list, leaf_, ca_, rules_); }
    Bytes response(const Identity& responder) const {
        return make_ocsp(leaf_.der, pki().ca, responder, ocsp_);
    }
    static void expect_refused(const Result<RevocationAnswer>& answer, const std::string& field,
                               const std::string& words) {
        ASSERT_FALSE(answer) << words;
        EXPECT_EQ(answer.error().field, field);
        EXPECT_NE(answer.error().detail.find(words), std::string::npos) << answer.error().detail;
    }
    static Identity responder(const IssueOptions& options, const Identity& issuer) {
        return issue(options, make_key(KeyKind::kP256), &issuer);
    }

    const WallTime now_ = std::chrono::floor<std::chrono::seconds>(SystemClock().now());
    const Certificate leaf_ = value_of(read_certificate(pki().signer(KeyKind::kP256).certificate));
    const Certificate ca_ = value_of(read_certificate(pki().ca.certificate));
    OcspOptions ocsp_;
    CrlOptions crl_;
    RevocationRules rules_;
};

TEST_F(Revocations, a_good_response_of_a_delegated_responder_is_believed) {
    const RevocationAnswer answer = value_of(ocsp(response(pki().responder)));
    EXPECT_EQ(answer.kind, RevocationKind::kOcsp);
    EXPECT_EQ(answer.status, RevocationStatus::kGood);
    EXPECT_EQ(answer.this_update, now_ - 1h);
    EXPECT_EQ(answer.next_update, now_ + 1h);
    ASSERT_TRUE(answer.responder);
    EXPECT_EQ(answer.responder->der, pki().responder.certificate);
    EXPECT_TRUE(answer.responder->ocsp_no_check);
    EXPECT_TRUE(answer.responder->ocsp_signing);
}

TEST_F(Revocations, a_response_of_the_issuer_itself_is_believed_with_and_without_its_certificate) {
    for (const bool with : {true, false}) {
        ocsp_.with_certificate = with;
        const RevocationAnswer answer = value_of(ocsp(response(pki().ca)));
        EXPECT_EQ(answer.status, RevocationStatus::kGood);
        EXPECT_FALSE(answer.responder);
    }
}

TEST_F(Revocations, revoked_and_unknown_are_answers) {
    ocsp_.status = V_OCSP_CERTSTATUS_REVOKED;
    ocsp_.revoked_at = now_ - 2h;
    RevocationAnswer answer = value_of(ocsp(response(pki().responder)));
    EXPECT_EQ(answer.status, RevocationStatus::kRevoked);
    EXPECT_EQ(answer.revoked_at, now_ - 2h);
    EXPECT_EQ(answer.reason, "keyCompromise");
    ocsp_.status = V_OCSP_CERTSTATUS_UNKNOWN;
    EXPECT_EQ(value_of(ocsp(response(pki().responder))).status, RevocationStatus::kUnknown);
    crl_.revoked = {leaf_.der};
    crl_.revoked_at = now_ - 3h;
    answer = value_of(crl(make_crl(pki().ca, crl_)));
    EXPECT_EQ(answer.status, RevocationStatus::kRevoked);
    EXPECT_EQ(answer.revoked_at, now_ - 3h);
    EXPECT_EQ(answer.reason, "keyCompromise");
}

TEST_F(Revocations, a_response_about_another_certificate_is_refused) {
    const Bytes other = pki().signer(KeyKind::kP384).certificate;
    expect_refused(ocsp(make_ocsp(other, pki().ca, pki().responder, ocsp_)), "ocsp", "nothing about");
    // The same serial number under another issuer is another certificate.
    expect_refused(ocsp(make_ocsp(leaf_.der, pki().tsa_ca, pki().responder, ocsp_)), "ocsp", "nothing about");
}

TEST_F(Revocations, a_responder_whom_the_issuer_did_not_certify_for_it_is_refused) {
    IssueOptions options;
    options.common_name = "Responder";
    expect_refused(ocsp(response(responder(options, pki().ca))), "ocsp", "not one for OCSPSigning");
    options.extended_key_usage = "OCSPSigning";
    expect_refused(ocsp(response(responder(options, pki().tsa_ca))), "ocsp", "not certified by the issuer");
    EXPECT_TRUE(ocsp(response(responder(options, pki().ca))));
    options.valid_until = -std::chrono::days(1);
    expect_refused(ocsp(response(responder(options, pki().ca))), "ocsp", "not valid when");
}

TEST_F(Revocations, a_response_without_its_responders_certificate_is_refused) {
    ocsp_.with_certificate = false;
    expect_refused(ocsp(response(pki().responder)), "ocsp", "is not in it");
}

TEST_F(Revocations, a_changed_response_is_refused) {
    Bytes changed = response(pki().ca);
    ocsp_.with_certificate = false;
    changed = response(pki().ca);
    changed.back() ^= 1U;
    expect_refused(ocsp(changed), "ocsp", "does not hold");
    expect_refused(ocsp(ByteView(changed).first(changed.size() - 1)), "ocsp", "cannot be parsed");
    changed.push_back(0);
    expect_refused(ocsp(changed), "ocsp", "cannot be parsed");
    expect_refused(ocsp(Bytes{0x30, 0x03, 0x0A, 0x01, 0x03}), "ocsp", "trylater");
    expect_refused(ocsp(as_bytes("<html>not found</html>")), "ocsp", "cannot be parsed");
}

TEST_F(Revocations, times_are_held_with_the_skew_allowed) {
    ocsp_.this_update = now_ + 4min;
    EXPECT_TRUE(ocsp(response(pki().responder)));
    ocsp_.this_update = now_ + 6min;
    expect_refused(ocsp(response(pki().responder)), "ocsp", "from the future");
    ocsp_.this_update = now_ - 3h;
    ocsp_.next_update = now_ - 4min;
    EXPECT_TRUE(ocsp(response(pki().responder)));
    ocsp_.next_update = now_ - 6min;
    expect_refused(ocsp(response(pki().responder)), "ocsp", "out of date");
    ocsp_.next_update.reset();
    EXPECT_TRUE(ocsp(response(pki().responder)));
    ocsp_.this_update = now_ - 25h;
    expect_refused(ocsp(response(pki().responder)), "ocsp", "without nextUpdate and old");
    crl_.next_update = now_ - 6min;
    expect_refused(crl(make_crl(pki().ca, crl_)), "crl", "out of date");
    crl_.this_update = now_ + 10min;
    crl_.next_update = now_ + 2h;
    expect_refused(crl(make_crl(pki().ca, crl_)), "crl", "from the future");
}

TEST_F(Revocations, what_is_older_than_wanted_is_refused) {
    rules_.not_older_than = now_ - 1h;
    EXPECT_TRUE(ocsp(response(pki().responder)));
    EXPECT_TRUE(crl(make_crl(pki().ca, crl_)));
    rules_.not_older_than = now_ - 1h + 1s;
    expect_refused(ocsp(response(pki().responder)), "ocsp", "older than");
    expect_refused(crl(make_crl(pki().ca, crl_)), "crl", "older than");
}

TEST_F(Revocations, a_crl_of_the_issuer_is_believed) {
    const RevocationAnswer answer = value_of(crl(make_crl(pki().ca, crl_)));
    EXPECT_EQ(answer.kind, RevocationKind::kCrl);
    EXPECT_EQ(answer.status, RevocationStatus::kGood);
    EXPECT_EQ(answer.this_update, now_ - 1h);
}

TEST_F(Revocations, a_crl_of_another_or_a_changed_one_is_refused) {
    expect_refused(crl(make_crl(pki().root, crl_)), "crl", "another issuer");
    const Identity namesake{pki().tsa_ca.key, pki().ca.certificate};  // the name, but another key
    expect_refused(crl(make_crl(namesake, crl_)), "crl", "does not hold");
    Bytes changed = make_crl(pki().ca, crl_);
    changed.push_back(0);
    expect_refused(crl(changed), "crl", "cannot be parsed");
    expect_refused(check_crl(make_crl(pki().ca, crl_), leaf_,
                             value_of(read_certificate(pki().tsa_ca.certificate)), rules_),
                   "crl", "its issuer is not");
}

TEST_F(Revocations, a_crl_that_is_not_for_this_certificate_is_refused) {
    crl_.delta = true;
    expect_refused(crl(make_crl(pki().ca, crl_)), "crl", "delta");
    crl_.delta = false;
    crl_.issuing_point = "critical,onlyCA:TRUE";
    expect_refused(crl(make_crl(pki().ca, crl_)), "crl", "CA certificates only");
    crl_.issuing_point = "critical,onlyuser:TRUE";
    EXPECT_TRUE(crl(make_crl(pki().ca, crl_)));
    crl_.issuing_point = "critical,indirectCRL:TRUE";
    expect_refused(crl(make_crl(pki().ca, crl_)), "crl", "indirect");
    crl_.issuing_point = "critical,onlysomereasons:keyCompromise";
    expect_refused(crl(make_crl(pki().ca, crl_)), "crl", "some reasons");
    crl_.issuing_point = "critical,fullname:URI:http://pki.test/other.crl";
    expect_refused(crl(make_crl(pki().ca, crl_)), "crl", "another distribution point");
    crl_.issuing_point = "critical,fullname:URI:http://pki.test/ca.crl";
    EXPECT_TRUE(crl(make_crl(pki().ca, crl_)));
}

TEST_F(Revocations, what_is_too_long_is_refused) {
    Limits limits;
    limits.max_ocsp_bytes = 100;
    limits.max_crl_bytes = 100;
    EXPECT_EQ(check_ocsp(response(pki().responder), leaf_, ca_, rules_, limits).error().code,
              Errc::kLimitExceeded);
    EXPECT_EQ(check_crl(make_crl(pki().ca, crl_), leaf_, ca_, rules_, limits).error().code,
              Errc::kLimitExceeded);
}

}  // namespace
}  // namespace sigillo::cms::testing
