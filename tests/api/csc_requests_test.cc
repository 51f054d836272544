// Decoding of CSC requests, and CSC's error texts word for word.
#include <gtest/gtest.h>

#include "api/csc/algorithms.h"
#include "api/csc/errors.h"
#include "api/csc/requests.h"
#include "api/csc/sign_doc.h"
#include "appliance/base/encoding.h"

namespace sigillo::api::csc {
namespace {

constexpr std::string_view kId = "0b8e4c1f2a3d4e5f60718293a4b5c6d7";
constexpr std::string_view kHash = "sTOgwOm+474gFj0q0x1iSNspKqbcse4IeiqlDg/HWuI=";  // 32 bytes
constexpr std::string_view kSha256 = "2.16.840.1.101.3.4.2.1";
constexpr std::string_view kEcdsa256 = "1.2.840.10045.4.3.2";
constexpr std::string_view kPss = "1.2.840.113549.1.1.10";
// RSASSA-PSS-params for SHA-256, MGF1 with SHA-256, salt 32, as OpenSSL writes them.
constexpr std::string_view kPss256 =
    "MDSgDzANBglghkgBZQMEAgEFAKEcMBoGCSqGSIb3DQEBCDANBglghkgBZQMEAgEFAKIDAgEg";

// A body with members replaced: `change("SAD", "7")`, or taken away with an empty value.
class Body {
 public:
    explicit Body(std::vector<std::pair<std::string, std::string>> members) : members_(std::move(members)) {}
    Body change(const std::string& key, const std::string& json) const {
        Body out(*this);
        std::erase_if(out.members_, [&](const auto& member) { return member.first == key; });
        if (!json.empty()) out.members_.emplace_back(key, json);
        return out;
    }
    json::Object object() const {
        std::string text = "{";
        for (const auto& [key, value] : members_)
            text += (text.size() > 1 ? ",\"" : "\"") + key + "\":" + value;
        auto decoded = decode_body(text + "}");
        EXPECT_TRUE(decoded) << text;
        return decoded ? *decoded : json::Object{};
    }

 private:
    std::vector<std::pair<std::string, std::string>> members_;
};

std::string in_quotes(std::string_view text) {
    return '"' + std::string(text) + '"';
}
std::string hashes(std::size_t count, std::string_view hash = kHash) {
    std::string out = "[";
    for (std::size_t i = 0; i < count; ++i) out += (i > 0 ? "," : "") + in_quotes(hash);
    return out + "]";
}

const Body kSignHash({{"credentialID", in_quotes(kId)},
                      {"SAD", "\"the-sad\""},
                      {"hashes", hashes(1)},
                      {"hashAlgorithmOID", in_quotes(kSha256)},
                      {"signAlgo", in_quotes(kEcdsa256)}});
const Body kAuthorize({{"credentialID", in_quotes(kId)},
                       {"numSignatures", "1"},
                       {"hashes", hashes(1)},
                       {"hashAlgorithmOID", in_quotes(kSha256)},
                       {"authData", R"([{"id":"totp","value":"123456"}])"}});
const Body kExtend({{"credentialID", in_quotes(kId)},
                    {"SAD", "\"the-sad\""},
                    {"hashes", hashes(1)},
                    {"hashAlgorithmOID", in_quotes(kSha256)}});

template <class T>
std::string words(const Outcome<T>& outcome) {
    if (outcome) return "accepted";
    EXPECT_EQ(outcome.error().status, 400);
    EXPECT_EQ(outcome.error().error, "invalid_request");
    return outcome.error().description;
}
std::string sign(const Body& body) {
    const auto object = body.object();
    const auto decoded = decode_sign_hash(object);
    const auto mode = decode_mode(object, {});
    return decoded && !mode ? mode.error().description : words(decoded);
}
std::string authorize(const Body& body) {
    return words(decode_authorize(body.object()));
}
std::string extend(const Body& body) {
    return words(decode_extend_transaction(body.object()));
}

TEST(CscRequests, the_bound_of_hashes_is_the_configured_one) {
    const RequestLimits two{.hashes = 2};
    const std::string too_many = "Numbers of signatures is too high";
    for (const std::size_t count : {1U, 2U, 3U}) {
        const std::string expected = count <= two.hashes ? "accepted" : too_many;
        const Body sign_hash = kSignHash.change("hashes", hashes(count));
        EXPECT_EQ(words(decode_sign_hash(sign_hash.object(), two)), expected);
        const Body extension = kExtend.change("hashes", hashes(count));
        EXPECT_EQ(words(decode_extend_transaction(extension.object(), two)), expected);
        const Body order =
            kAuthorize.change("hashes", hashes(count)).change("numSignatures", std::to_string(count));
        EXPECT_EQ(words(decode_authorize(order.object(), two)), expected);
    }
}

TEST(CscSignHash, a_good_request_says_all_that_sigillod_needs) {
    const auto request =
        decode_sign_hash(kSignHash.change("clientData", "\"x\"").change("operationMode", "\"S\"").object());
    ASSERT_TRUE(request);
    EXPECT_EQ(request->credential_id(), kId);
    EXPECT_EQ(request->sad(), "the-sad");
    EXPECT_EQ(request->hash_algorithm(), 1U);
    EXPECT_EQ(request->padding(), 0U);
    ASSERT_EQ(request->hashes_size(), 1);
    EXPECT_EQ(request->hashes(0).size(), 32U);
}

TEST(CscSignHash, refusals_word_for_word) {
    EXPECT_EQ(sign(kSignHash.change("SAD", "")), "Missing (or invalid type) string parameter SAD");
    EXPECT_EQ(sign(kSignHash.change("SAD", "7")), "Missing (or invalid type) string parameter SAD");
    EXPECT_EQ(sign(kSignHash.change("SAD", "null")), "Missing (or invalid type) string parameter SAD");
    EXPECT_EQ(sign(kSignHash.change("SAD", "\"\"")), "Invalid parameter SAD");
    EXPECT_EQ(sign(kSignHash.change("SAD", in_quotes(std::string(600, 'a')))), "Invalid parameter SAD");
    EXPECT_EQ(sign(kSignHash.change("credentialID", "")),
              "Missing (or invalid type) string parameter credentialID");
    EXPECT_EQ(sign(kSignHash.change("credentialID", "[]")),
              "Missing (or invalid type) string parameter credentialID");
    EXPECT_EQ(sign(kSignHash.change("credentialID", "\"x\"")), "Invalid parameter credentialID");
    EXPECT_EQ(sign(kSignHash.change("hashes", "")), "Missing (or invalid type) array parameter hash");
    EXPECT_EQ(sign(kSignHash.change("hashes", in_quotes(kHash))),
              "Missing (or invalid type) array parameter hash");
    EXPECT_EQ(sign(kSignHash.change("hashes", "[]")), "Empty hash array");
    EXPECT_EQ(sign(kSignHash.change("hashes", "[7]")), "Invalid Base64 hash string parameter");
    EXPECT_EQ(sign(kSignHash.change("hashes", "[\"a-_b\"]")), "Invalid Base64 hash string parameter");
    EXPECT_EQ(sign(kSignHash.change("hashes", "[\"aGk=\"]")), "Invalid digest value length");
    EXPECT_EQ(sign(kSignHash.change("hashes", hashes(1001))), "Numbers of signatures is too high");
    EXPECT_EQ(sign(kSignHash.change("signAlgo", "")), "Missing (or invalid type) string parameter signAlgo");
    EXPECT_EQ(sign(kSignHash.change("signAlgo", "\"1.2.840.113549.1.1.5\"")), "Invalid parameter signAlgo");
    EXPECT_EQ(sign(kSignHash.change("hashAlgorithmOID", "1")),
              "Missing (or invalid type) string parameter hashAlgorithmOID");
    EXPECT_EQ(sign(kSignHash.change("hashAlgorithmOID", "\"1.3.14.3.2.26\"")),
              "Invalid parameter hashAlgorithmOID");
    EXPECT_EQ(sign(kSignHash.change("hashAlgorithmOID", "\"2.16.840.1.101.3.4.2.2\"")),
              "String parameter hashAlgorithmOID contradicts with signAlgo parameter");
    EXPECT_EQ(sign(kSignHash.change("operationMode", "\"A\"")), "accepted");
    EXPECT_EQ(sign(kSignHash.change("operationMode", "\"X\"")), "Invalid parameter operationMode");
    EXPECT_EQ(sign(kSignHash.change("validity_period", "1000")), "Invalid parameter validity_period");
    EXPECT_EQ(sign(kSignHash.change("response_uri", "\"https://x\"")), "Invalid parameter response_uri");
    EXPECT_EQ(sign(kSignHash.change("hash", hashes(1))), "Invalid parameter hash");
    EXPECT_EQ(sign(kSignHash.change("sad", "\"x\"")), "Invalid parameter sad");
}

TEST(CscSignHash, the_hash_is_named_by_sign_algo_where_it_implies_one) {
    EXPECT_EQ(sign(kSignHash.change("hashAlgorithmOID", "")), "accepted");
    const auto rsa = kSignHash.change("signAlgo", "\"1.2.840.113549.1.1.1\"");
    EXPECT_EQ(sign(rsa), "accepted");
    EXPECT_EQ(sign(rsa.change("hashAlgorithmOID", "")),
              "Missing (or invalid type) string parameter hashAlgorithmOID");
    EXPECT_EQ(sign(rsa.change("signAlgoParams", "\"BQA=\"")), "accepted");
    EXPECT_EQ(sign(rsa.change("signAlgoParams", "\"AQA=\"")), "Invalid parameter signAlgoParams");
    const auto sha512 =
        kSignHash.change("signAlgo", "\"1.2.840.113549.1.1.13\"").change("hashAlgorithmOID", "");
    EXPECT_EQ(sign(sha512), "Invalid digest value length");
    const auto request =
        decode_sign_hash(sha512.change("hashes", hashes(1, base64_encode(Bytes(64, 1)))).object());
    ASSERT_TRUE(request);
    EXPECT_EQ(request->hash_algorithm(), 3U);
    EXPECT_EQ(request->padding(), 1U);
}

TEST(CscSignHash, pss_takes_its_hash_from_its_parameters) {
    const auto pss = kSignHash.change("signAlgo", in_quotes(kPss)).change("hashAlgorithmOID", "");
    EXPECT_EQ(sign(pss), "Missing (or invalid type) string parameter signAlgoParams");
    EXPECT_EQ(sign(pss.change("signAlgoParams", "7")),
              "Missing (or invalid type) string parameter signAlgoParams");
    EXPECT_EQ(sign(pss.change("signAlgoParams", "\"!\"")), "Invalid parameter signAlgoParams");
    EXPECT_EQ(sign(pss.change("signAlgoParams", "\"MAA=\"")),
              "Invalid parameter signAlgoParams");  // SHA-1's defaults
    const auto good = pss.change("signAlgoParams", in_quotes(kPss256));
    EXPECT_EQ(sign(good), "accepted");
    EXPECT_EQ(decode_sign_hash(good.object())->padding(), 2U);
    EXPECT_EQ(sign(good.change("hashAlgorithmOID", in_quotes(kSha256))), "accepted");
    EXPECT_EQ(sign(good.change("hashAlgorithmOID", "\"2.16.840.1.101.3.4.2.3\"")),
              "String parameter hashAlgorithmOID contradicts with signAlgo parameter");
}

TEST(CscAlgorithms, pss_parameters_of_another_salt_mask_or_length_are_none_of_ours) {
    Bytes der = *base64_decode(kPss256);
    EXPECT_EQ(pss_hash(der), HashAlgorithm::kSha256);
    der.back() = 0x14;
    EXPECT_FALSE(pss_hash(der));
    der.back() = 0x20;
    der.push_back(0);
    EXPECT_FALSE(pss_hash(der));
    EXPECT_FALSE(pss_hash({}));
}

TEST(CscAuthorize, a_good_request_says_all_that_sigillod_needs) {
    const auto request = decode_authorize(kAuthorize.change("description", "\"a contract\"").object());
    ASSERT_TRUE(request);
    EXPECT_EQ(request->hash_type(), 1U);  // dtbsr
    EXPECT_EQ(request->hash_algorithm(), 1U);
    ASSERT_EQ(request->auth_data_size(), 1);
    EXPECT_EQ(request->auth_data(0).id(), "totp");
    EXPECT_EQ(request->auth_data(0).value(), "123456");
    EXPECT_EQ(request->description(), "a contract");
}

TEST(CscAuthorize, hash_type_is_dtbsr_unless_it_says_sdr) {
    const auto type = [](const Body& body) { return decode_authorize(body.object(), {})->hash_type(); };
    EXPECT_EQ(type(kAuthorize), 1U);
    EXPECT_EQ(type(kAuthorize.change("hashType", "\"dtbsr\"")), 1U);
    EXPECT_EQ(type(kAuthorize.change("hashType", "\"sdr\"")), 2U);
    const auto extended = [](const Body& body) {
        return decode_extend_transaction(body.object(), {})->hash_type();
    };
    EXPECT_EQ(extended(kExtend), 0U);  // the SAD's own
    EXPECT_EQ(extended(kExtend.change("hashType", "\"dtbsr\"")), 1U);
    EXPECT_EQ(extended(kExtend.change("hashType", "\"sdr\"")), 2U);
    EXPECT_EQ(extend(kExtend.change("hashType", "\"none\"")), "Invalid parameter hashType");
}

TEST(CscAuthorize, refusals_word_for_word) {
    EXPECT_EQ(authorize(kAuthorize), "accepted");
    EXPECT_EQ(authorize(kAuthorize.change("authData", "")), "accepted");  // sigillod says what is lacking
    EXPECT_EQ(authorize(kAuthorize.change("credentialID", "")),
              "Missing (or invalid type) string parameter credentialID");
    EXPECT_EQ(authorize(kAuthorize.change("credentialID", "\"..\"")), "Invalid parameter credentialID");
    EXPECT_EQ(authorize(kAuthorize.change("numSignatures", "")),
              "Missing (or invalid type) integer parameter numSignatures");
    EXPECT_EQ(authorize(kAuthorize.change("numSignatures", "\"1\"")),
              "Missing (or invalid type) integer parameter numSignatures");
    EXPECT_EQ(authorize(kAuthorize.change("numSignatures", "0")),
              "Invalid value for parameter numSignatures");
    EXPECT_EQ(authorize(kAuthorize.change("numSignatures", "-1")),
              "Invalid value for parameter numSignatures");
    EXPECT_EQ(authorize(kAuthorize.change("numSignatures", "2")),
              "Invalid value for parameter numSignatures");
    EXPECT_EQ(authorize(kAuthorize.change("numSignatures", "1001")), "Numbers of signatures is too high");
    EXPECT_EQ(authorize(kAuthorize.change("hashes", "")), "Missing (or invalid type) array parameter hash");
    EXPECT_EQ(authorize(kAuthorize.change("hashes", "[]")), "Empty hash array");
    EXPECT_EQ(authorize(kAuthorize.change("hashes", "[\"%\"]")), "Invalid Base64 hash string parameter");
    EXPECT_EQ(authorize(kAuthorize.change("hashes", "[\"\"]")), "Invalid digest value length");
    EXPECT_EQ(authorize(kAuthorize.change("hashAlgorithmOID", "")),
              "Missing (or invalid type) string parameter hashAlgorithmOID");
    EXPECT_EQ(authorize(kAuthorize.change("hashAlgorithmOID", "\"SHA256\"")),
              "Invalid parameter hashAlgorithmOID");
    EXPECT_EQ(authorize(kAuthorize.change("authData", "{}")),
              "Missing (or invalid type) array parameter authData");
    EXPECT_EQ(authorize(kAuthorize.change("authData", "[1]")), "Invalid parameter authData");
    EXPECT_EQ(authorize(kAuthorize.change("authData", R"([{"value":"1"}])")), "Invalid parameter authData");
    EXPECT_EQ(authorize(kAuthorize.change("authData", R"([{"id":"pin","value":1}])")),
              "Invalid parameter authData");
    EXPECT_EQ(authorize(kAuthorize.change("authData", R"([{"id":"pin","value":"1","x":"y"}])")),
              "Invalid parameter authData");
    EXPECT_EQ(authorize(kAuthorize.change("description", in_quotes(std::string(501, 'd')))),
              "Invalid parameter description");
    EXPECT_EQ(authorize(kAuthorize.change("hashType", "\"SDR\"")), "Invalid parameter hashType");
    EXPECT_EQ(authorize(kAuthorize.change("hashType", "\"\"")), "Invalid parameter hashType");
}

TEST(CscExtendTransaction, refusals_word_for_word) {
    EXPECT_EQ(extend(kExtend), "accepted");
    EXPECT_EQ(extend(kExtend.change("SAD", "")), "Missing (or invalid type) string parameter SAD");
    EXPECT_EQ(extend(kExtend.change("hashes", "")), "Missing (or invalid type) array parameter hash");
    EXPECT_EQ(extend(kExtend.change("hashes", "[]")), "Empty hash array");
    EXPECT_EQ(extend(kExtend.change("hashAlgorithmOID", "")),
              "Missing (or invalid type) string parameter hashAlgorithmOID");
    EXPECT_EQ(extend(kExtend.change("numSignatures", "1")), "Invalid parameter numSignatures");
}

TEST(CscCredentialsList, refusals_word_for_word) {
    const Body list({{"userID", in_quotes(kId)}});
    const auto refusal = [](const Body& body) { return words(decode_list(body.object())); };
    EXPECT_EQ(refusal(list), "accepted");
    EXPECT_EQ(refusal(list.change("userID", "")), "Missing (or invalid type) string parameter userID");
    EXPECT_EQ(refusal(list.change("userID", "\"bob\"")), "Invalid parameter userID");
    EXPECT_EQ(refusal(list.change("certificates", "\"all\"")), "Invalid parameter certificates");
    EXPECT_EQ(refusal(list.change("onlyValid", "\"true\"")),
              "Missing (or invalid type) boolean parameter onlyValid");
    EXPECT_EQ(refusal(list.change("maxResults", "3")), "Invalid parameter maxResults");
}

TEST(CscCredentialsInfo, refusals_word_for_word) {
    const Body info({{"credentialID", in_quotes(kId)}});
    const auto refusal = [](const Body& body) { return words(decode_info(body.object())); };
    EXPECT_EQ(refusal(info.change("certificates", "\"chain\"").change("authInfo", "true")), "accepted");
    EXPECT_EQ(refusal(info.change("credentialID", "")),
              "Missing (or invalid type) string parameter credentialID");
    EXPECT_EQ(refusal(info.change("credentialID", "\"GX0112348\"")), "Invalid parameter credentialID");
    EXPECT_EQ(refusal(info.change("certificates", "\"\"")), "Invalid parameter certificates");
}

TEST(CscBody, what_is_no_json_object_is_refused_in_plain_words) {
    EXPECT_EQ(decode_body("[]").error().description, "the body must be a JSON object");
    EXPECT_EQ(decode_body("").error().description, "the body is not acceptable JSON: syntax error at byte 1");
    EXPECT_TRUE(decode_body("", true));
    EXPECT_EQ(decode_body(R"({"SAD":"a","SAD":"b"})").error().description,
              "the body is not acceptable JSON: a key is given twice: SAD");
}

struct Mapped {
    Error error;
    int status;
    std::string_view name;
    std::string_view description;
};

TEST(CscErrors, every_code_of_sigillod_has_its_words) {
    const Mapped table[] = {
        {{Errc::kInvalidArgument, {}, "signAlgo"}, 400, "invalid_request", "Invalid parameter signAlgo"},
        {{Errc::kInvalidArgument, {}, "numSignatures"},
         400,
         "invalid_request",
         "Invalid value for parameter numSignatures"},
        {{Errc::kInvalidArgument, {}, "hashes"}, 400, "invalid_request", "Invalid parameter hashes"},
        {{Errc::kMissingArgument, {}, "hash"},
         400,
         "invalid_request",
         "Missing (or invalid type) array parameter hash"},
        {{Errc::kMissingArgument, {}, "numSignatures"},
         400,
         "invalid_request",
         "Missing (or invalid type) integer parameter numSignatures"},
        {{Errc::kNotFound, {}, "credentialID"}, 400, "invalid_request", "Invalid parameter credentialID"},
        {{Errc::kNotFound, {}, "signerID"}, 400, "invalid_request", "Invalid parameter userID"},
        {{Errc::kForbidden, {}, "client"},
         403,
         "unauthorized_client",
         "The client's certificate is not registered for this"},
        {{Errc::kLimitExceeded, {}, "numSignatures"},
         400,
         "invalid_request",
         "Numbers of signatures is too high"},
        {{Errc::kLimitExceeded, {}, "hash"}, 400, "invalid_request", "Numbers of signatures is too high"},
        {{Errc::kLimitExceeded, {}, "failures"},
         429,
         "temporarily_unavailable",
         "Too many failed authorizations by this client"},
        {{Errc::kAuthenticationFailed, {}, "pin"},
         400,
         "invalid_authentication_data",
         "The authentication data is invalid"},
        {{Errc::kOtpInvalid}, 400, "invalid_otp", "The OTP is invalid"},
        {{Errc::kLocked}, 400, "invalid_request", "Credential locked"},
        {{Errc::kDisabled}, 400, "invalid_request", "The credential identified by credentialID is disabled"},
        {{Errc::kExpired}, 400, "invalid_request", "Signing certificate is expired"},
        {{Errc::kSadInvalid, {}, "SAD"}, 400, "invalid_request", "Invalid parameter SAD"},
        {{Errc::kSadExpired, {}, "SAD"}, 400, "invalid_request", "SAD expired"},
        {{Errc::kHashNotAuthorized, {}, "hash"}, 400, "invalid_request", "Hash is not authorized by the SAD"},
        {{Errc::kHashNotAuthorized, {}, "document"},
         403,
         "invalid_hash",
         "Document or documentDigest does not match authorized hash"},
        {{Errc::kUnavailable},
         503,
         "temporarily_unavailable",
         "The service is busy or out of service; try again"},
        {{Errc::kStorageFull}, 503, "temporarily_unavailable", "The service's storage is full"},
        {{Errc::kClockUntrusted},
         503,
         "temporarily_unavailable",
         "The service's clock cannot be trusted now"},
        {{Errc::kOutcomeUnknown},
         500,
         "server_error",
         "A fault hid the outcome of this call; its hashes stay spent: authorise again"},
        {{Errc::kHsmFailed},
         500,
         "server_error",
         "A fault hid the outcome of this call; its hashes stay spent: authorise again"},
        {{Errc::kHsmRefused},
         500,
         "server_error",
         "The HSM refused; nothing was signed and the hashes stay authorized"},
        {{Errc::kCorrupt, "secret"}, 500, "server_error", "The service could not carry out the request"},
        {{Errc::kInternal, "secret"}, 500, "server_error", "The service could not carry out the request"},
    };
    for (const auto& row : table) {
        const auto mapped = from_error(row.error);
        EXPECT_EQ(mapped.status, row.status) << errc_name(row.error.code);
        EXPECT_EQ(mapped.error, row.name) << errc_name(row.error.code);
        EXPECT_EQ(mapped.description, row.description) << errc_name(row.error.code);
        EXPECT_EQ(mapped.retry_after_s > 0, row.status == 503 || row.status == 429)
            << errc_name(row.error.code);
    }
    for (unsigned code = 1; code <= static_cast<unsigned>(Errc::kInternal); ++code) {
        const auto mapped = from_error({static_cast<Errc>(code), "detail for logs", {}});
        EXPECT_FALSE(mapped.description.empty());
        EXPECT_EQ(mapped.description.find("detail for logs"), std::string::npos);
    }
}

}  // namespace
}  // namespace sigillo::api::csc
