// Every route through the dispatcher, with a scripted sigillod behind.
#include <gtest/gtest.h>

#include <array>

#include "api/json/decode.h"
#include "appliance/base/der.h"
#include "appliance/base/encoding.h"
#include "appliance/issuance/ocsp/response.h"
#include "tests/api/api_harness.h"

namespace sigillo::api {
namespace {

using testing::Face;

const std::string kId = "0b8e4c1f2a3d4e5f60718293a4b5c6d7";
const std::string kHash = "sTOgwOm+474gFj0q0x1iSNspKqbcse4IeiqlDg/HWuI=";

sam::SigningResponse error_response(Errc code, const std::string& field = {}) {
    sam::SigningResponse response;
    response.mutable_error()->set_code(static_cast<unsigned>(code));
    response.mutable_error()->set_field(field);
    response.mutable_error()->set_detail("detail");
    return response;
}

sam::SigningResponse answer_any(const sam::SigningRequest& request) {
    sam::SigningResponse response;
    switch (request.body_case()) {
        case sam::SigningRequest::kGetHealth: {
            auto& health = *response.mutable_health();
            health.set_state("degraded");
            auto& item = *health.add_items();
            item.set_name("anchor");
            item.set_state("degraded");
            item.set_reason("same disk");
            (*health.mutable_metrics())["sigillod_log_size"] = 41;
            (*health.mutable_metrics())["not a name"] = 1;
            break;
        }
        case sam::SigningRequest::kCreateSigner:
        case sam::SigningRequest::kGetSigner: {
            auto& signer = *response.mutable_signer();
            signer.set_signer_id(kId);
            signer.mutable_person()->set_given("Ada");
            signer.mutable_person()->set_family("Rossi");
            signer.mutable_person()->set_country("IT");
            break;
        }
        case sam::SigningRequest::kListSigners:
            for (unsigned i = 0; i < 2; ++i) response.mutable_signers()->add_signers()->set_signer_id(kId);
            break;
        case sam::SigningRequest::kEnrolFactor:
            response.mutable_enrolled_factor()->mutable_factor()->set_factor_id(kId);
            if (request.enrol_factor().type() == "totp")
                response.mutable_enrolled_factor()->set_otpauth("otpauth://totp/x");
            break;
        case sam::SigningRequest::kListFactors: {
            auto& factor = *response.mutable_factors()->add_factors();
            factor.set_factor_id(kId);
            factor.set_type("totp");
            break;
        }
        case sam::SigningRequest::kCreateCredential:
            response.mutable_created_credential()->set_credential_id(kId);
            if (request.create_credential().certificate_source() == "csr")
                response.mutable_created_credential()->set_csr("0");
            break;
        case sam::SigningRequest::kGetCredential: {
            auto& credential = *response.mutable_credential();
            credential.set_credential_id(kId);
            credential.set_status("active");
            credential.set_policy("pin and (totp or hotp)");
            credential.set_key_algorithm("EC-P256");
            credential.set_multisign(100);
            for (int i = 0; i < 2; ++i) {
                auto& certificate = *credential.add_chain();
                certificate.set_der("der" + std::to_string(i));
                certificate.set_subject_dn("CN=Ada");
                certificate.set_issuer_dn("CN=CA");
                certificate.set_serial_hex("0a");
                certificate.set_not_before_ms(1'800'000'000'000);
                certificate.set_not_after_ms(1'900'000'000'000);
            }
            break;
        }
        case sam::SigningRequest::kAuthorize:
        case sam::SigningRequest::kExtendTransaction:
            response.mutable_authorized()->set_sad("the-sad");
            response.mutable_authorized()->set_expires_in_s(300);
            break;
        case sam::SigningRequest::kSignHash:
            for (const auto& hash : request.sign_hash().hashes())
                response.mutable_signatures()->add_signatures("s" + hash.substr(0, 1));
            break;
        case sam::SigningRequest::kListUses:
            for (unsigned i = 0; i < 2; ++i) {
                auto& use = *response.mutable_uses()->add_uses();
                use.set_epoch(1 + i);
                use.set_index(40 + i);
                use.set_time_ms(1'800'000'000'123);
                use.set_hash(std::string(32, 'h'));
                use.set_hash_algorithm(1);
                if (i == 0) use.set_signature_sha256(std::string(32, 's'));
                use.set_outcome(i == 0 ? "signed" : "unknown");
            }
            break;
        case sam::SigningRequest::kListCredentials:
            break;
        default:
            response.mutable_done();
    }
    return response;
}

bool has_header(const Response& response, const std::string& name, const std::string& value) {
    for (const auto& [key, text] : response.headers)
        if (key == name && text == value) return true;
    return false;
}

TEST(Dispatch, names_the_client_to_sigillod_by_its_certificates_key) {
    Face face(answer_any);
    EXPECT_EQ(face.get("/v1/signers/" + kId).status, 200);
    ASSERT_EQ(face.asked.size(), 1U);
    const auto digest = spki_of_escaped_certificate(testing::url_escape(testing::demo_certificate_pem()));
    EXPECT_EQ(face.asked[0].client().spki_sha256(), as_text(*digest));
}

TEST(Dispatch, without_a_usable_certificate_every_client_route_answers_401_and_asks_nothing) {
    Face face(answer_any);
    for (const auto& route : api_routes()) {
        if (route.caller != Caller::kClient) continue;
        for (const std::string& certificate :
             {std::string(), std::string("garbage"), std::string("-----BEGIN%20CERTIFICATE-----%0A")}) {
            auto request = Face::request(route.method, std::string(route.pattern),
                                         route.method == Method::kGet ? "" : "{}");
            request.client_certificate = certificate;
            EXPECT_EQ(face.ask(std::move(request)).status, 401) << route.pattern;
        }
    }
    EXPECT_TRUE(face.asked.empty());
}

TEST(Dispatch, an_unregistered_client_gets_403_in_the_words_of_its_route) {
    Face face([](const sam::SigningRequest&) { return error_response(Errc::kForbidden, "client"); });
    const auto csc = face.post("/csc/v2/credentials/info", R"({"credentialID":")" + kId + "\"}");
    EXPECT_EQ(csc.status, 403);
    EXPECT_EQ(
        csc.body,
        R"({"error":"unauthorized_client","error_description":"The client's certificate is not registered for this"})");
    const auto v1 = face.get("/v1/signers/" + kId);
    EXPECT_EQ(v1.status, 403);
    EXPECT_EQ(v1.content_type, "application/problem+json");
}

TEST(Dispatch, every_method_on_every_path_and_unknown_paths_answer_in_json) {
    Face face(answer_any);
    std::vector<std::string> paths = {"/",
                                      "//healthz",
                                      "/healthz/",
                                      "/csc/v2",
                                      "/csc/v1/info",
                                      "/csc/v2/oauth2/token",
                                      "/v1/../healthz",
                                      "/v1/signers//factors",
                                      "/pki/ca.crt",
                                      "/openapi.yaml/x",
                                      "/%68ealthz"};
    for (const auto& route : api_routes()) paths.emplace_back(route.pattern);
    for (const auto& path : paths) {
        for (const auto method : {Method::kGet, Method::kPost, Method::kPut, Method::kDelete, Method::kOther,
                                  Method::kUnheardOf}) {
            const auto response = face.ask(Face::request(method, path, method == Method::kGet ? "" : "{}"));
            ASSERT_GT(response.status, 0) << path;
            if (response.content_type.ends_with("json")) {
                EXPECT_TRUE(json::decode(response.body)) << response.body;
            }
        }
    }
    EXPECT_EQ(face.get("/healthz/").status, 404);
    EXPECT_EQ(face.get("//healthz").status, 404);
    const auto wrong = face.post("/healthz", "{}");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_TRUE(has_header(wrong, "Allow", "GET"));
    const auto other = face.ask(Face::request(Method::kOther, "/csc/v2/info", ""));
    EXPECT_EQ(other.status, 405);
    EXPECT_TRUE(has_header(other, "Allow", "POST, GET"));
    for (const auto* path : {"/healthz", "/v1/signers", "/x"}) {
        const auto unheard_of = face.ask(Face::request(Method::kUnheardOf, path, ""));
        EXPECT_EQ(unheard_of.status, 501) << path;
        EXPECT_NE(unheard_of.body.find(R"("title":"Not implemented")"), std::string::npos);
    }
    const auto brewed = face.ask(Face::request(Method::kUnheardOf, "/csc/v2/info", ""));
    EXPECT_EQ(brewed.status, 501);
    EXPECT_EQ(brewed.body,
              R"({"error":"invalid_request","error_description":"this method is not implemented"})");
    const auto csc = face.get("/csc/v2/signatures/signNothing");
    EXPECT_EQ(csc.status, 404);
    EXPECT_NE(csc.body.find("\"error\":\"invalid_request\""), std::string::npos);
}

TEST(Dispatch, bodies_that_are_not_json_are_refused_by_their_content_type) {
    Face face(answer_any);
    auto form = Face::request(Method::kPost, "/v1/signers", "a=b");
    form.content_type = "application/x-www-form-urlencoded";
    EXPECT_EQ(face.ask(form).status, 415);
    auto csc = Face::request(Method::kPost, "/csc/v2/credentials/info", "a=b");
    csc.content_type = "text/plain";
    EXPECT_EQ(face.ask(csc).status, 400);
    auto charset = Face::request(Method::kPost, "/csc/v2/info", "{}");
    charset.content_type = "Application/JSON; charset=utf-8";
    EXPECT_EQ(face.ask(charset).status, 200);
}

TEST(Dispatch, the_idempotency_key_reaches_sigillod_on_v1_posts_only) {
    Face face(answer_any);
    const std::string body = R"({"name":{"given":"A","family":"R"},"country":"IT"})";
    const auto ask = [&](const std::string& path, const std::string& text, const std::string& key) {
        auto request = Face::request(Method::kPost, path, text);
        request.has_idempotency_key = true;
        request.idempotency_key = key;
        return face.ask(std::move(request)).status;
    };
    EXPECT_EQ(ask("/v1/signers", body, "k-1"), 201);
    EXPECT_EQ(face.asked.back().client().idempotency_key(), "k-1");
    EXPECT_EQ(ask("/csc/v2/credentials/info", R"({"credentialID":")" + kId + "\"}", "k-2"), 200);
    EXPECT_EQ(face.asked.back().client().idempotency_key(), "");
    for (const auto& bad :
         {std::string(), std::string("a b"), std::string(256, 'k'), std::string("\xc3\xa9")})
        EXPECT_EQ(ask("/v1/signers", body, bad), 400);
    EXPECT_EQ(ask("/v1/signers", body, std::string(255, 'k')), 201);
}

TEST(Dispatch, a_lost_sigillod_is_503_with_retry_after) {
    Face face(answer_any);
    *face.lost = true;
    const auto csc = face.post("/csc/v2/credentials/info", R"({"credentialID":")" + kId + "\"}");
    EXPECT_EQ(csc.status, 503);
    EXPECT_TRUE(has_header(csc, "Retry-After", "1"));
    EXPECT_EQ(face.get("/v1/signers").status, 503);
    const auto health = face.get("/healthz");
    EXPECT_EQ(health.status, 503);
    EXPECT_EQ(
        health.body,
        R"({"state":"failed","items":[{"name":"sigillod","state":"failed","reason":"it does not answer"}]})");
    EXPECT_NE(face.get("/metrics").body.find("sigillo_up 0\n"), std::string::npos);
}

TEST(Dispatch, an_answer_of_another_kind_is_a_server_error) {
    Face face([](const sam::SigningRequest&) {
        sam::SigningResponse response;
        response.mutable_done();
        return response;
    });
    EXPECT_EQ(face.get("/v1/signers").status, 500);
}

TEST(CscMethods, info_lists_only_what_works) {
    Face face(answer_any);
    const auto response = face.post("/csc/v2/info", "{}");
    EXPECT_EQ(response.status, 200);
    const auto body = json::decode(response.body);
    ASSERT_TRUE(body) << response.body;
    const auto& methods = *json::find(*body->object(), "methods")->array();
    EXPECT_EQ(methods.size(), 7U);
    for (const auto& method : methods) {
        const auto reply = face.post("/csc/v2/" + *method.string(), "{}");
        EXPECT_TRUE(reply.status == 200 || reply.status == 400) << *method.string();
    }
    for (const auto* name : {"specs", "name", "logo", "region", "lang", "description", "authType",
                             "signAlgorithms", "signature_formats", "conformance_levels"})
        EXPECT_NE(json::find(*body->object(), name), nullptr) << name;
    EXPECT_EQ(face.get("/csc/v2/info").body, response.body);
    EXPECT_EQ(face.post("/csc/v2/info", "").body, response.body);
    EXPECT_EQ(face.post("/csc/v2/info", R"({"language":"it"})").status, 400);
}

TEST(CscMethods, credentials_info_shows_key_certificate_and_activation) {
    Face face(answer_any);
    const auto full = face.post(
        "/csc/v2/credentials/info",
        R"({"credentialID":")" + kId + R"(","certificates":"chain","certInfo":true,"authInfo":true})");
    EXPECT_EQ(
        full.body,
        R"({"key":{"status":"enabled","algo":["1.2.840.10045.4.3.2","1.2.840.10045.4.3.3","1.2.840.10045.4.3.4"],"len":256,"curve":"1.2.840.10045.3.1.7"},)"
        R"("cert":{"status":"valid","certificates":["ZGVyMA==","ZGVyMQ=="],"issuerDN":"CN=CA","serialNumber":"0a","subjectDN":"CN=Ada",)"
        R"("validFrom":"20270115080000Z","validTo":"20300317174640Z"},)"
        R"x("auth":{"mode":"explicit","expression":"pin AND (totp OR hotp)","objects":[)x"
        R"({"type":"Password","id":"pin","label":"PIN","description":"The PIN that the signer chose for this factor"},)"
        R"({"type":"Password","id":"totp","format":"N","generator":"totp","label":"One-time password","description":"The code that the signer's authenticator app shows now"},)"
        R"({"type":"Password","id":"hotp","format":"N","generator":"hotp","label":"One-time password","description":"The next code of the signer's token"}]},)"
        R"("SCAL":"1","multisign":100,"lang":"en-US"})");
    const auto least =
        face.post("/csc/v2/credentials/info", R"({"credentialID":")" + kId + R"(","certificates":"none"})")
            .body;
    EXPECT_NE(least.find(R"("cert":{"status":"valid"})"), std::string::npos);
    EXPECT_EQ(least.find("auth"), std::string::npos);
    const auto single = face.post("/csc/v2/credentials/info", R"({"credentialID":")" + kId + "\"}").body;
    EXPECT_NE(single.find(R"("certificates":["ZGVyMA=="])"), std::string::npos);
}

TEST(CscMethods, a_lockout_is_shown_and_no_locked_credential_is_valid) {
    const auto id_of = [](unsigned i) { return "0b8e4c1f2a3d4e5f60718293a4b5c6d" + std::to_string(i); };
    Face face([&](const sam::SigningRequest& request) {
        sam::SigningResponse response;
        const auto fill = [](sam::Credential& credential, const std::string& id, bool locked) {
            credential.set_credential_id(id);
            credential.set_status("active");
            credential.set_locked(locked);
        };
        if (request.has_get_credential()) {
            fill(*response.mutable_credential(), kId, true);
            return response;
        }
        // The last credential of each page is locked: paging goes on behind it.
        response.mutable_credentials();
        const std::string& after = request.list_credentials().page().after();
        const unsigned first = after.empty() ? 0 : static_cast<unsigned>(after.back() - '0') + 1;
        for (unsigned i = first; i < first + 2 && i < 6; ++i)
            fill(*response.mutable_credentials()->add_credentials(), id_of(i), i % 2 == 1);
        return response;
    });
    const auto info = face.post("/csc/v2/credentials/info", R"({"credentialID":")" + kId + "\"}").body;
    EXPECT_NE(info.find(R"("status":"disabled")"), std::string::npos) << info;
    EXPECT_NE(info.find(R"("description":"Locked after too many wrong factors")"), std::string::npos) << info;
    const auto valid =
        face.post("/csc/v2/credentials/list", R"({"userID":")" + kId + R"(","onlyValid":true})");
    EXPECT_EQ(valid.body, R"({"credentialIDs":[")" + id_of(0) + R"(",")" + id_of(2) + R"(",")" + id_of(4) +
                              R"("],"onlyValid":true})");
}

TEST(CscMethods, credentials_list_gathers_all_pages) {
    std::size_t given = 0;
    Face face([&](const sam::SigningRequest& request) {
        sam::SigningResponse response;
        auto& out = *response.mutable_credentials();
        EXPECT_EQ(request.list_credentials().signer_id(), kId);
        for (; given < 37 &&
               out.credentials_size() < static_cast<int>(request.list_credentials().page().limit());
             ++given)
            out.add_credentials()->set_credential_id("c" + std::to_string(given));
        return response;
    });
    const auto response =
        face.post("/csc/v2/credentials/list", R"({"userID":")" + kId + R"(","onlyValid":true})");
    EXPECT_EQ(response.status, 200);
    const auto body = json::decode(response.body);
    EXPECT_EQ(json::find(*body->object(), "credentialIDs")->array()->size(), 37U);
    EXPECT_EQ(json::find(*body->object(), "credentialInfos"), nullptr);
    EXPECT_TRUE(*json::find(*body->object(), "onlyValid")->boolean());
    EXPECT_EQ(face.asked[1].list_credentials().page().after(), "c14");
    const auto none =
        face.post("/csc/v2/credentials/list", R"({"userID":")" + kId + R"(","credentialInfo":true})");
    EXPECT_EQ(none.body, R"({"credentialIDs":[],"credentialInfos":[]})");
}

TEST(CscMethods, authorize_extend_and_sign_answer_as_specified) {
    Face face(answer_any);
    const std::string hash = R"("credentialID":")" + kId + R"(","hashes":[")" + kHash +
                             R"("],"hashAlgorithmOID":"2.16.840.1.101.3.4.2.1")";
    EXPECT_EQ(face.post("/csc/v2/credentials/authorize", "{" + hash + R"(,"numSignatures":1})").body,
              R"({"SAD":"the-sad","expiresIn":300})");
    EXPECT_EQ(face.post("/csc/v2/credentials/extendTransaction", "{" + hash + R"(,"SAD":"s"})").body,
              R"({"SAD":"the-sad","expiresIn":300})");
    EXPECT_EQ(face.post("/csc/v2/signatures/signHash",
                        "{" + hash + R"(,"SAD":"s","signAlgo":"1.2.840.10045.4.3.2"})")
                  .body,
              R"({"signatures":["c7E="]})");
}

TEST(V1Resources, signers) {
    Face face(answer_any);
    const auto created =
        face.post("/v1/signers", R"({"name":{"given":"Ada","family":"Rossi"},"country":"IT"})");
    EXPECT_EQ(created.status, 201);
    EXPECT_EQ(created.body, R"({"signerID":")" + kId + "\"}");
    EXPECT_TRUE(has_header(created, "Location", "/v1/signers/" + kId));
    EXPECT_EQ(
        face.get("/v1/signers/" + kId).body,
        R"({"signerID":")" + kId +
            R"(","name":{"given":"Ada","family":"Rossi"},"country":"IT","identifiers":[],"created":"1970-01-01T00:00:00.000Z"})");
    EXPECT_NE(face.get("/v1/signers?limit=2").body.find(R"("next":")" + kId), std::string::npos);
    EXPECT_EQ(face.get("/v1/signers?limit=3").body.find("next"), std::string::npos);
    Face cut_short([](const sam::SigningRequest& request) {
        auto response = answer_any(request);
        response.mutable_signers()->set_more(true);
        return response;
    });
    EXPECT_NE(cut_short.get("/v1/signers?limit=3").body.find(R"("next":")" + kId), std::string::npos);
    const auto asked = face.asked.size();
    EXPECT_EQ(face.get("/v1/signers/nobody").status, 404);
    EXPECT_EQ(face.asked.size(), asked);
}

TEST(V1Resources, factors) {
    Face face(answer_any);
    const std::string path = "/v1/signers/" + kId + "/factors";
    const auto totp = face.post(path, R"({"type":"totp"})");
    EXPECT_EQ(totp.status, 201);
    EXPECT_EQ(
        totp.body.find(R"({"factorID":")" + kId + R"(","otpauth":"otpauth://totp/x","qr":"<svg xmlns=)"), 0U)
        << totp.body;
    EXPECT_EQ(face.post(path, R"({"type":"pin","pin":"493028"})").body, R"({"factorID":")" + kId + "\"}");
    EXPECT_EQ(face.asked.back().enrol_factor().pin(), "493028");
    EXPECT_NE(face.get(path).body.find(R"("type":"totp")"), std::string::npos);
    const auto gone = face.ask(Face::request(Method::kDelete, path + "/" + kId));
    EXPECT_EQ(gone.status, 204);
    EXPECT_EQ(gone.body, "");
}

TEST(V1Resources, credentials_and_uses) {
    Face face(answer_any);
    const std::string body =
        R"({"signerID":")" + kId +
        R"(","class":"advanced","key":{"algo":"EC-P256"},"activation":"totp","certificate":{"source":)";
    EXPECT_EQ(face.post("/v1/credentials", body + R"("embedded"}})").body,
              R"({"credentialID":")" + kId + "\"}");
    EXPECT_EQ(face.post("/v1/credentials", body + R"("csr"}})").body,
              R"({"credentialID":")" + kId + R"(","csr":"MA=="})");
    const std::string path = "/v1/credentials/" + kId;
    EXPECT_EQ(face.ask(Face::request(Method::kPut, path + "/certificate", R"({"chain":["MAA="]})")).status,
              204);
    EXPECT_EQ(face.post(path + "/status", R"({"status":"revoked","reason":"left"})").status, 204);
    EXPECT_EQ(face.asked.back().set_status().reason(), "left");
    EXPECT_EQ(face.ask(Face::request(Method::kDelete, path)).status, 204);
    EXPECT_EQ(
        face.get(path + "/uses?limit=2&after=0").body,
        R"({"uses":[{"index":40,"epoch":1,"logIndex":40,"time":"2027-01-15T08:00:00.123Z","hash":"aGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGg=","hashAlgorithmOID":"2.16.840.1.101.3.4.2.1",)"
        R"("signatureSHA256":"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=","outcome":"signed"},)"
        R"({"index":17592186044457,"epoch":2,"logIndex":41,"time":"2027-01-15T08:00:00.123Z","hash":"aGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGg=","hashAlgorithmOID":"2.16.840.1.101.3.4.2.1","outcome":"unknown"}],"next":17592186044457})");
}

TEST(Operation, health_metrics_and_the_description_need_no_client) {
    Face face(answer_any);
    const auto get = [&](const std::string& path) {
        auto request = Face::request(Method::kGet, path);
        request.client_certificate.clear();
        return face.ask(std::move(request));
    };
    const auto health = get("/healthz");
    EXPECT_EQ(health.status, 200);
    EXPECT_EQ(health.body,
              R"({"state":"degraded","items":[{"name":"anchor","state":"degraded","reason":"same disk"}]})");
    const auto metrics = get("/metrics");
    EXPECT_EQ(metrics.status, 200);
    EXPECT_NE(
        metrics.body.find("sigillo_api_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 1\n"),
        std::string::npos);
    EXPECT_NE(metrics.body.find(
                  "sigillo_api_request_duration_seconds_count{method=\"GET\",route=\"/healthz\"} 1\n"),
              std::string::npos);
    EXPECT_NE(metrics.body.find("sigillod_log_size 41\n"), std::string::npos);
    EXPECT_EQ(metrics.body.find("not a name"), std::string::npos);
    EXPECT_NE(metrics.body.find("sigillo_up 1\n"), std::string::npos);
    const auto openapi = get("/openapi.yaml");
    EXPECT_TRUE(openapi.body.starts_with("openapi: 3.1.0\n"));
    EXPECT_TRUE(openapi.body.ends_with("}\n"));
}

TEST(PublicFace, offers_ca_certificate_crl_and_liveness_and_nothing_else) {
    auto face = Face::public_face([](const sam::PublicRequest& request) {
        sam::PublicResponse response;
        response.mutable_document()->set_der(request.has_get_crl() ? "crl" : "crt");
        return response;
    });
    const auto crt = face.get("/pki/ca.crt");
    EXPECT_EQ(crt.content_type, "application/pkix-cert");
    EXPECT_EQ(crt.body, "crt");
    EXPECT_TRUE(has_header(crt, "Cache-Control", "public, max-age=60"));
    const auto crl = face.get("/pki/ca.crl");
    EXPECT_EQ(crl.content_type, "application/pkix-crl");
    EXPECT_EQ(crl.body, "crl");
    EXPECT_EQ(face.get("/healthz").body, R"({"state":"ok"})");
    for (const auto& route : api_routes()) {
        if (route.pattern == "/healthz") continue;
        EXPECT_EQ(face.ask(Face::request(route.method, std::string(route.pattern))).status, 404)
            << route.pattern;
    }
    *face.lost = true;
    EXPECT_EQ(face.get("/pki/ca.crl").status, 503);
    EXPECT_EQ(face.get("/healthz").status, 200);
}

// One certificate, serial 5, hashes of zeroes; base64 with slashes in it comes with serial 0x7FFFFFFF.
Bytes ocsp_request(const Bytes& serial) {
    DerWriter out(128);
    out.element(kDerInteger, serial);
    for (int i = 0; i < 2; ++i) out.element(kDerOctetString, Bytes(20, 0xFF));
    constexpr std::array<std::uint8_t, 11> kSha1{0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E,
                                                 0x03, 0x02, 0x1A, 0x05, 0x00};
    out.raw(kSha1);
    for (int i = 0; i < 5; ++i) out.close(kDerSequence, 0);
    return out.finish();
}

TEST(PublicFace, ocsp_is_asked_by_post_and_by_get_with_slashes_in_the_path) {
    std::vector<sam::Ocsp> asked;
    auto face = Face::public_face([&](const sam::PublicRequest& request) {
        asked.push_back(request.ocsp());
        sam::PublicResponse response;
        response.mutable_ocsp_answer()->set_response("answer");
        response.mutable_ocsp_answer()->set_this_update_ms(1'800'000'000'000);
        response.mutable_ocsp_answer()->set_next_update_ms(1'800'000'030'000);
        return response;
    });
    const Bytes der = ocsp_request({0x7F, 0xFF, 0xFF, 0xFF});
    const std::string base64 = base64_encode(der);
    ASSERT_NE(base64.find('/'), std::string::npos);
    std::string escaped;
    for (const char c : base64)
        escaped += c == '/' ? "%2F" : c == '=' ? "%3D" : c == '+' ? "%2b" : std::string(1, c);
    for (const std::string& path : {base64, escaped, base64url_encode(der)}) {
        const auto answer = face.get("/pki/ocsp/" + path);
        EXPECT_EQ(answer.content_type, "application/ocsp-response") << path;
        EXPECT_EQ(answer.body, "answer") << path;
        EXPECT_TRUE(has_header(answer, "Cache-Control", "max-age=30, public, no-transform, must-revalidate"));
        EXPECT_TRUE(has_header(answer, "Expires", "Fri, 15 Jan 2027 08:00:30 GMT"));
    }
    auto post = Face::request(Method::kPost, "/pki/ocsp", std::string(as_text(der)));
    post.content_type = "application/ocsp-request";
    EXPECT_TRUE(has_header(face.ask(post), "Cache-Control", "no-store"));
    ASSERT_EQ(asked.size(), 4U);
    for (const auto& one : asked) EXPECT_EQ(one.certificates(0).serial(), std::string("\x7f\xff\xff\xff"));
    post.content_type = "application/json";
    EXPECT_EQ(face.ask(post).status, 415);
    EXPECT_EQ(face.get("/pki/ocsp/").status, 404);
    EXPECT_EQ(face.get("/pki/ocsp").status, 405);
}

TEST(PublicFace, what_goes_wrong_with_ocsp_is_said_in_its_own_words) {
    auto face = Face::public_face([](const sam::PublicRequest&) {
        sam::PublicResponse response;
        response.mutable_ocsp_answer()->set_response("refusal");
        response.mutable_ocsp_answer()->set_failure("unauthorized");
        return response;
    });
    const auto status = [](const Response& answer) { return ocsp::response_status(as_bytes(answer.body)); };
    EXPECT_EQ(status(face.get("/pki/ocsp/AAAA")), ocsp::ResponseStatus::kMalformedRequest);
    EXPECT_EQ(status(face.get("/pki/ocsp/%4")), ocsp::ResponseStatus::kMalformedRequest);
    const std::string good = "/pki/ocsp/" + base64_encode(ocsp_request({5}));
    const auto refused = face.get(good);
    EXPECT_EQ(refused.body, "refusal");
    EXPECT_TRUE(has_header(refused, "Cache-Control", "no-store"));
    *face.lost = true;
    EXPECT_EQ(status(face.get(good)), ocsp::ResponseStatus::kTryLater);
}

}  // namespace
}  // namespace sigillo::api
