#include <gtest/gtest.h>

#include "api/v1/requests.h"
#include "tests/api/api_harness.h"

namespace sigillo::api::v1 {
namespace {

constexpr std::string_view kId = "0b8e4c1f2a3d4e5f60718293a4b5c6d7";

json::Object object(std::string_view text) {
    auto decoded = decode_body(text);
    EXPECT_TRUE(decoded) << text;
    return decoded ? *decoded : json::Object{};
}

template <class T>
std::string at_fault(const Outcome<T>& outcome) {
    if (outcome) return "accepted";
    EXPECT_FALSE(outcome.error().detail.empty());
    return std::to_string(outcome.error().status) + ' ' + outcome.error().parameter;
}

TEST(V1CreateSigner, only_name_and_country_are_required) {
    const auto signer =
        decode_create_signer(object(R"({"name":{"given":"Ada","family":"Rossi"},"country":"IT"})"));
    ASSERT_TRUE(signer);
    EXPECT_EQ(signer->person().family(), "Rossi");
    EXPECT_FALSE(signer->person().has_identification());
}

TEST(V1CreateSigner, everything_is_carried_over) {
    const auto signer = decode_create_signer(object(
        R"({"name":{"given":"Ada","family":"Rossi"},"country":"IT","organization":"O","email":"e","phone":"p","language":"it",
            "identifiers":[{"type":"tax_code","value":"X"}],"identification":{"method":"id_card","reference":"r","time":"t"},
            "externalReference":"crm"})"));
    ASSERT_TRUE(signer);
    const auto& person = signer->person();
    EXPECT_EQ(person.organization() + person.email() + person.phone() + person.language(), "Oepit");
    EXPECT_EQ(person.identifiers(0).type() + person.identifiers(0).value(), "tax_codeX");
    EXPECT_EQ(person.identification().method() + person.identification().reference() +
                  person.identification().time(),
              "id_cardrt");
    EXPECT_EQ(person.external_reference(), "crm");
}

TEST(V1CreateSigner, refusals_name_the_parameter_with_its_path) {
    const auto refusal = [](std::string_view text) { return at_fault(decode_create_signer(object(text))); };
    EXPECT_EQ(refusal(R"({"country":"IT"})"), "400 name");
    EXPECT_EQ(refusal(R"({"name":"Ada","country":"IT"})"), "400 name");
    EXPECT_EQ(refusal(R"({"name":{"given":"Ada"},"country":"IT"})"), "400 name.family");
    EXPECT_EQ(refusal(R"({"name":{"given":"A","family":"R","middle":"x"},"country":"IT"})"),
              "400 name.middle");
    EXPECT_EQ(refusal(R"({"name":{"given":"A","family":"R"}})"), "400 country");
    EXPECT_EQ(refusal(R"({"name":{"given":"A","family":"R"},"country":7})"), "400 country");
    EXPECT_EQ(refusal(R"({"name":{"given":"A","family":"R"},"country":"IT","identifiers":[{"type":"x"}]})"),
              "400 identifiers.value");
    EXPECT_EQ(refusal(R"({"name":{"given":"A","family":"R"},"country":"IT","identifiers":["x"]})"),
              "400 identifiers");
    EXPECT_EQ(refusal(R"({"name":{"given":"A","family":"R"},"country":"IT","identification":{}})"),
              "400 identification.method");
    EXPECT_EQ(refusal(R"({"name":{"given":"A","family":"R"},"country":"IT","Email":"x"})"), "400 Email");
}

TEST(V1EnrolFactor, a_pin_comes_with_type_pin_and_with_no_other) {
    const auto refusal = [](std::string_view text) {
        return at_fault(decode_enrol_factor(object(text), std::string(kId)));
    };
    EXPECT_EQ(refusal(R"({"type":"totp"})"), "accepted");
    EXPECT_EQ(refusal(R"({"type":"otp_sms"})"), "accepted");  // sigillod says that it is not available yet
    EXPECT_EQ(refusal(R"({"type":"pin","pin":"493028"})"), "accepted");
    EXPECT_EQ(refusal(R"({"type":"pin"})"), "400 pin");
    EXPECT_EQ(refusal(R"({"type":"totp","pin":"493028"})"), "400 pin");
    EXPECT_EQ(refusal(R"({})"), "400 type");
}

TEST(V1CreateCredential, carries_policy_key_factors_and_source) {
    const std::string body = R"({"signerID":")" + std::string(kId) +
                             R"(","class":"advanced","disposable":false,"key":{"algo":"EC-P256"},)" +
                             R"("activation":"pin and totp","factors":{"totp":")" + std::string(kId) +
                             R"("},"multisign":100,"certificate":{"source":"csr"}})";
    const auto request = decode_create_credential(object(body));
    ASSERT_TRUE(request);
    EXPECT_EQ(request->class_(), "advanced");
    EXPECT_EQ(request->key_algorithm(), "EC-P256");
    EXPECT_EQ(request->policy(), "pin and totp");
    EXPECT_EQ(request->factors().at("totp"), kId);
    EXPECT_EQ(request->multisign(), 100U);
    EXPECT_EQ(request->certificate_source(), "csr");
}

TEST(V1CreateCredential, refusals_name_the_parameter) {
    const auto refusal = [](const std::string& members) {
        return at_fault(
            decode_create_credential(object(R"({"signerID":")" + std::string(kId) +
                                            R"(","class":"simple","activation":"click",)" + members + '}')));
    };
    const std::string rest = R"("key":{"algo":"EC-P256"},"certificate":{"source":"embedded"})";
    EXPECT_EQ(refusal(rest), "accepted");
    EXPECT_EQ(refusal(rest + R"(,"disposable":true)"), "400 disposable");
    EXPECT_EQ(refusal(rest + R"(,"multisign":0)"), "400 multisign");
    EXPECT_EQ(refusal(rest + R"(,"multisign":1001)"), "400 multisign");
    EXPECT_EQ(refusal(rest + R"(,"factors":{"totp":7})"), "400 factors.totp");
    EXPECT_EQ(refusal(rest + R"(,"factors":{"totp":"x"})"), "404 factors.totp");
    EXPECT_EQ(refusal(R"("key":{},"certificate":{"source":"embedded"})"), "400 key.algo");
    EXPECT_EQ(refusal(R"("key":{"algo":"EC-P256","size":1},"certificate":{"source":"embedded"})"),
              "400 key.size");
    EXPECT_EQ(refusal(R"("key":{"algo":"EC-P256"})"), "400 certificate");
    EXPECT_EQ(at_fault(decode_create_credential(
                  object(R"({"signerID":"nobody","class":"simple","activation":"click",)" + rest + '}'))),
              "404 signerID");
}

TEST(V1SetCertificate, takes_one_to_eight_certificates_in_base64) {
    const auto refusal = [](std::string_view text) {
        return at_fault(decode_set_certificate(object(text), std::string(kId)));
    };
    EXPECT_EQ(refusal(R"({"chain":["MAA=","MAA="]})"), "accepted");
    EXPECT_EQ(refusal(R"({"chain":[]})"), "400 chain");
    EXPECT_EQ(refusal(R"({"chain":["MAA=","","MAA="]})"), "400 chain");
    EXPECT_EQ(refusal(R"({"chain":["-----BEGIN"]})"), "400 chain");
    EXPECT_EQ(refusal(R"({"chain":[1]})"), "400 chain");
    EXPECT_EQ(refusal(R"({"chain":["MAA=","MAA=","MAA=","MAA=","MAA=","MAA=","MAA=","MAA=","MAA="]})"),
              "400 chain");
}

TEST(V1SetStatus, knows_three_statuses) {
    const auto refusal = [](std::string_view text) {
        return at_fault(decode_set_status(object(text), std::string(kId)));
    };
    EXPECT_EQ(refusal(R"({"status":"suspended","reason":"phone lost"})"), "accepted");
    EXPECT_EQ(refusal(R"({"status":"deleted"})"), "400 status");
    EXPECT_EQ(refusal(R"({})"), "400 status");
}

TEST(V1Lists, pages_have_bounds_and_queries_are_decoded) {
    const auto signers = [](const std::string& query) {
        return decode_list_signers(testing::Face::request(Method::kGet, "/v1/signers" + query));
    };
    EXPECT_EQ(signers("")->page().limit(), 100U);
    EXPECT_EQ(signers("?limit=1000&after=" + std::string(kId))->page().after(), kId);
    EXPECT_EQ(signers("?externalReference=a%20b%2Bc+d%C3%A9")->external_reference(), "a b+c d\xc3\xa9");
    for (const auto* bad :
         {"?limit=0", "?limit=1001", "?limit=-1", "?limit=", "?limit=1x", "?limit=99999999999"})
        EXPECT_EQ(at_fault(signers(bad)), "400 limit") << bad;
    EXPECT_EQ(at_fault(signers("?after=x")), "400 after");
    for (const auto* bad : {"?externalReference=%", "?externalReference=%zz", "?externalReference=%00",
                            "?externalReference=%ff", "?externalReference=%+1"})
        EXPECT_EQ(at_fault(signers(bad)), "400 externalReference") << bad;
    EXPECT_EQ(at_fault(signers("?offset=1")), "400 offset");

    const auto uses = [](const std::string& query) {
        return decode_list_uses(testing::Face::request(Method::kGet, "/x" + query), std::string(kId));
    };
    EXPECT_FALSE(uses("")->has_after());
    EXPECT_TRUE(uses("?after=0")->has_after());
    EXPECT_EQ(uses("?after=41&limit=2")->after(), 41U);
    EXPECT_EQ(uses("?after=41")->after_epoch(), 1U);
    EXPECT_EQ(uses("?after=17592186044416")->after(), 0U);  // 2^44: the first entry of epoch 2
    EXPECT_EQ(uses("?after=17592186044416")->after_epoch(), 2U);
    EXPECT_EQ(uses("?after=9007199254740991")->after_epoch(), 512U);
    EXPECT_EQ(at_fault(uses("?after=9007199254740992")), "400 after");  // 2^53
    EXPECT_EQ(at_fault(uses("?after=-1")), "400 after");
    EXPECT_EQ(at_fault(uses("?after=18446744073709551616")), "400 after");
}

TEST(V1Problems, every_code_of_sigillod_has_its_status) {
    const std::pair<Error, int> table[] = {{{Errc::kInvalidArgument}, 400},
                                           {{Errc::kMissingArgument}, 400},
                                           {{Errc::kUnsupported}, 400},
                                           {{Errc::kNotFound}, 404},
                                           {{Errc::kAlreadyExists}, 409},
                                           {{Errc::kConflict}, 409},
                                           {{Errc::kForbidden}, 403},
                                           {{Errc::kLimitExceeded, {}, "factors"}, 400},
                                           {{Errc::kLimitExceeded, {}, "failures"}, 429},
                                           {{Errc::kAuthenticationFailed}, 400},
                                           {{Errc::kOtpInvalid}, 400},
                                           {{Errc::kLocked}, 409},
                                           {{Errc::kDisabled}, 409},
                                           {{Errc::kExpired}, 409},
                                           {{Errc::kSadInvalid}, 400},
                                           {{Errc::kSadExpired}, 400},
                                           {{Errc::kHashNotAuthorized}, 400},
                                           {{Errc::kUnavailable}, 503},
                                           {{Errc::kStorageFull}, 503},
                                           {{Errc::kClockUntrusted}, 503},
                                           {{Errc::kHsmRefused}, 500},
                                           {{Errc::kHsmFailed}, 500},
                                           {{Errc::kOutcomeUnknown}, 500},
                                           {{Errc::kCorrupt}, 500},
                                           {{Errc::kInternal}, 500}};
    for (const auto& [error, status] : table) {
        const auto problem = from_error(error);
        EXPECT_EQ(problem.status, status) << errc_name(error.code);
        EXPECT_FALSE(problem.detail.empty()) << errc_name(error.code);
        const auto response = to_response(problem);
        EXPECT_EQ(response.content_type, "application/problem+json");
        EXPECT_NE(response.body.find("\"type\":\"urn:sigillo:problem:" + std::string(errc_name(error.code))),
                  std::string::npos);
        EXPECT_EQ(response.headers.size(), status == 503 || status == 429 ? 1U : 0U) << errc_name(error.code);
    }
}

TEST(V1Problems, the_callers_fault_is_told_in_full_and_the_appliances_own_stays_inside) {
    EXPECT_EQ(from_error({Errc::kUnsupported, "factor otp_sms is not available yet", "type"}).detail,
              "factor otp_sms is not available yet");
    EXPECT_EQ(from_error({Errc::kUnsupported, "x", "type"}).parameter, "type");
    for (const auto code :
         {Errc::kInternal, Errc::kCorrupt, Errc::kHsmFailed, Errc::kUnavailable, Errc::kNotFound})
        EXPECT_EQ(from_error({code, "lmdb: /secret/path", {}}).detail.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace sigillo::api::v1
