// signatures/signDoc and signPolling: decoding, and CSC's error texts word for word.
#include "api/csc/sign_doc.h"

#include <gtest/gtest.h>

#include "api/documents/visible_signature.h"
#include "api/json/decode.h"
#include "appliance/base/encoding.h"

namespace sigillo::api::csc {
namespace {

using documents::Envelope;
using documents::Format;
using documents::Level;

constexpr std::string_view kId = "0b8e4c1f2a3d4e5f60718293a4b5c6d7";
constexpr std::string_view kHash = "sTOgwOm+474gFj0q0x1iSNspKqbcse4IeiqlDg/HWuI=";

using Members = std::vector<std::pair<std::string, std::string>>;
std::string object(const Members& members) {
    std::string text = "{";
    for (const auto& [key, value] : members)
        if (!value.empty()) text += (text.size() > 1 ? ",\"" : "\"") + key + "\":" + value;
    return text + "}";
}
Members with(Members members, const std::string& key, const std::string& value) {
    std::erase_if(members, [&](const auto& member) { return member.first == key; });
    members.emplace_back(key, value);
    return members;
}

const Members kDocument = {
    {"document", "\"SGVsbG8=\""}, {"signature_format", "\"C\""}, {"signAlgo", "\"1.2.840.10045.4.3.2\""}};
const Members kDigest = {{"hashes", "[\"" + std::string(kHash) + "\"]"},
                         {"signature_format", "\"C\""},
                         {"signAlgo", "\"1.2.840.10045.4.3.2\""}};
const Members kCall = {{"credentialID", '"' + std::string(kId) + '"'}, {"SAD", "\"the-sad\""}};

Outcome<SignDocRequest> decode(const Members& call, SignDocLimits limits = {}) {
    Request request;
    request.body = object(call);
    const auto body = documents::read_body(request, {});
    EXPECT_TRUE(body) << request.body;
    if (!body) return std::unexpected(failure("not JSON"));
    return decode_sign_doc(*body, limits);
}
Outcome<SignDocRequest> document(const std::string& key, const std::string& value) {
    return decode(with(kCall, "documents", "[" + object(with(kDocument, key, value)) + "]"));
}
Outcome<SignDocRequest> digest(const std::string& key, const std::string& value) {
    return decode(with(kCall, "documentDigests", "[" + object(with(kDigest, key, value)) + "]"));
}
Outcome<SignDocRequest> call(const std::string& key, const std::string& value) {
    return decode(with(with(kCall, "documents", "[" + object(kDocument) + "]"), key, value));
}
std::string words(const Outcome<SignDocRequest>& outcome) {
    if (outcome) return "accepted";
    EXPECT_EQ(outcome.error().status, 400);
    EXPECT_EQ(outcome.error().error, "invalid_request");
    return outcome.error().description;
}

TEST(SignDoc, a_good_request_says_all_that_is_needed) {
    const auto request = document("conformance_level", "\"AdES-B-LT\"");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->credential_id, kId);
    EXPECT_EQ(request->sad, "the-sad");
    ASSERT_EQ(request->orders.size(), 1U);
    const auto& order = request->orders.front();
    EXPECT_EQ(order.format, Format::kCades);
    EXPECT_EQ(order.level, Level::kLt);
    EXPECT_EQ(order.envelope, Envelope::kAttached);
    EXPECT_EQ(order.hash, HashAlgorithm::kSha256);
    EXPECT_EQ(order.document->size, 5U);
    EXPECT_TRUE(is_enveloped(order));
    EXPECT_FALSE(request->async);
}

TEST(SignDoc, refusals_of_the_call_word_for_word) {
    EXPECT_EQ(words(call("SAD", "")), "Missing (or invalid type) string parameter SAD");
    EXPECT_EQ(words(call("SAD", "7")), "Missing (or invalid type) string parameter SAD");
    EXPECT_EQ(words(call("SAD", "\"\"")), "Invalid parameter SAD");
    EXPECT_EQ(words(call("credentialID", "")), "Missing (or invalid type) string parameter credentialID");
    EXPECT_EQ(words(call("credentialID", "[]")), "Missing (or invalid type) string parameter credentialID");
    EXPECT_EQ(words(call("credentialID", "\"x\"")), "Invalid parameter credentialID");
    EXPECT_EQ(words(call("signatureQualifier", "\"x\"")), "Invalid parameter signatureQualifier");
    EXPECT_EQ(words(call("signatureQualifier", "7")),
              "Missing (or invalid type) string parameter signatureQualifier");
    EXPECT_EQ(words(call("documents", "7")), "Invalid array parameter documents");
    EXPECT_EQ(words(call("documents", "[7]")), "Invalid array parameter documents");
    EXPECT_EQ(words(decode(with(kCall, "documentDigests", "{}"))),
              "Invalid object parameter documentDigests");
    EXPECT_EQ(words(decode(with(kCall, "documentDigests", "[7]"))),
              "Invalid object parameter documentDigests");
    EXPECT_EQ(words(decode(kCall)), "Empty documentDigests and documents objects");
    EXPECT_EQ(words(call("documents", "[]")), "Empty documentDigests and documents objects");
    EXPECT_EQ(words(call("documentDigests", "[" + object(kDigest) + "]")),
              "Both documentDigests and documents parameters passed");
    EXPECT_EQ(words(call("operationMode", "\"B\"")), "Invalid parameter operationMode");
    EXPECT_EQ(words(call("validity_period", "1000")), "Invalid parameter validity_period");  // synchronous
    EXPECT_EQ(words(call("response_uri", "\"https://x.example/\"")), "Invalid parameter response_uri");
    EXPECT_EQ(words(call("surplus", "1")), "Invalid parameter surplus");
}

TEST(SignDoc, a_qualifier_may_stand_in_the_credential_s_place) {
    Members members = with(with(kCall, "documents", "[" + object(kDocument) + "]"), "signatureQualifier",
                           "\"eu_eidas_aes\"");
    EXPECT_EQ(decode(members)->credential_id, kId);
    const auto request = decode(with(members, "credentialID", ""));
    ASSERT_TRUE(request);
    EXPECT_EQ(request->credential_id, "");
    EXPECT_EQ(request->qualifier, "eu_eidas_aes");
    EXPECT_EQ(words(decode(with(members, "credentialID", "\"x\""))), "Invalid parameter credentialID");
    EXPECT_EQ(words(decode(with(members, "credentialID", "7"))),
              "Missing (or invalid type) string parameter credentialID");
}

TEST(SignDoc, refusals_of_a_document_word_for_word) {
    EXPECT_EQ(words(document("document", "\"%%%\"")), "Invalid Base64 documents string parameter");
    EXPECT_EQ(words(document("document", '"' + std::string(20'001, 'A') + '"')),
              "Invalid Base64 documents string parameter");
    EXPECT_EQ(words(document("document", "")), "Missing (or invalid type) string parameter document");
    EXPECT_EQ(words(document("signAlgo", "")), "Missing (or invalid type) string parameter signAlgo");
    EXPECT_EQ(words(document("signAlgo", "\"1.2.3\"")), "Invalid parameter signAlgo");
    EXPECT_EQ(words(document("signAlgo", "\"1.2.840.113549.1.1.10\"")),
              "Missing (or invalid type) string parameter signAlgoParams");
    EXPECT_EQ(words(document("signature_format", "")),
              "Missing (or invalid type) string parameter signature_format");
    for (const char* format : {"\"X\"", "\"J\"", "\"c\"", "\"\""})
        EXPECT_EQ(words(document("signature_format", format)), "Invalid parameter signature_format");
    EXPECT_EQ(words(document("conformance_level", "\"AdES-B-X\"")), "Invalid parameter conformance_level");
    EXPECT_EQ(words(document("signed_envelope_property", "\"Revision\"")),
              "Invalid parameter signed_envelope_property");
    EXPECT_EQ(words(document("signed_envelope_property", "\"attached\"")),
              "Invalid parameter signed_envelope_property");
    EXPECT_EQ(words(document("signed_props", R"([{"attribute_name":"a"},{"attribute_name":"b"}])")),
              "Invalid parameter signed_props (a, b)");
    EXPECT_EQ(words(document("hashAlgorithmOID", "\"2.16.840.1.101.3.4.2.3\"")),
              "String parameter hashAlgorithmOID contradicts with signAlgo parameter");
    EXPECT_EQ(words(document("hashAlgorithmOID", "\"1.2.3\"")), "Invalid parameter hashAlgorithmOID");
    EXPECT_EQ(words(document("visible_signature", "{}")),
              "Invalid parameter visible_signature");  // of a PDF alone
    EXPECT_EQ(words(document("surplus", "1")), "Invalid parameter surplus");
}

TEST(SignDoc, refusals_of_a_digest_word_for_word) {
    EXPECT_EQ(words(digest("hashes", "")), "Missing (or invalid type) array parameter hash");
    EXPECT_EQ(words(digest("hashes", "[]")), "Empty hash array");
    EXPECT_EQ(words(digest("hashes", "[\"%\"]")), "Invalid Base64 hashes string parameter");
    EXPECT_EQ(words(digest("hashes", "[7]")), "Invalid Base64 hashes string parameter");
    EXPECT_EQ(words(digest("hashes", "[\"AAAA\"]")), "Invalid digest value length");
    EXPECT_EQ(words(digest("signAlgo", "\"1.2.840.113549.1.1.1\"")),
              "Missing (or invalid type) string parameter hashAlgorithmOID");
    EXPECT_EQ(words(digest("document", "\"\"")), "Invalid parameter document");
    for (const char* property : {"\"Attached\"", "\"Parallel\""})
        EXPECT_EQ(words(digest("signed_envelope_property", property)),
                  "Invalid parameter signed_envelope_property");
    for (const auto& [level, validation_info, outcome] :
         {std::tuple("\"AdES-B-LT\"", "false", "Invalid parameter conformance_level"),
          {"\"AdES-B-LTA\"", "true", "Invalid parameter conformance_level"},
          {"\"AdES-B-LT\"", "true", "accepted"},
          {"\"AdES-B-T\"", "false", "accepted"}}) {
        const auto entry = with(with(kDigest, "signature_format", "\"P\""), "conformance_level", level);
        const auto request = decode(with(with(kCall, "documentDigests", "[" + object(entry) + "]"),
                                         "returnValidationInfo", validation_info));
        EXPECT_EQ(words(request), outcome) << level;
        if (request) {
            EXPECT_EQ(request->orders.front().level, Level::kT);  // what LT adds stands beside it
        }
    }
    // One string in place of an array, as CSC's example has it.
    EXPECT_EQ(words(digest("hashes", '"' + std::string(kHash) + '"')), "accepted");
}

TEST(SignDoc, levels_are_read_without_regard_to_case) {
    for (const auto& [text, level] : {std::pair<std::string, Level>("AdES-B-B", Level::kB),
                                      {"Ades-B-T", Level::kT},
                                      {"ADES-B-LT", Level::kLt},
                                      {"ades-b-lta", Level::kLta},
                                      {"Ades-B", Level::kB},
                                      {"Ades-T", Level::kT},
                                      {"ades-LT", Level::kLt},
                                      {"AdES-LTA", Level::kLta}}) {
        const auto request = document("conformance_level", '"' + text + '"');
        ASSERT_TRUE(request) << text;
        EXPECT_EQ(request->orders.front().level, level) << text;
    }
    EXPECT_EQ(document("document", "\"QQ==\"")->orders.front().level, Level::kB);
}

TEST(SignDoc, envelopes_are_as_the_table_says) {
    const auto of = [](const char* format, const std::string& property) {
        return decode(with(kCall, "documents",
                           "[" +
                               object(with(with(kDocument, "signature_format", format),
                                           "signed_envelope_property", property)) +
                               "]"));
    };
    EXPECT_EQ(of("\"C\"", "")->orders.front().envelope, Envelope::kAttached);
    EXPECT_EQ(of("\"C\"", "\"Detached\"")->orders.front().envelope, Envelope::kDetached);
    EXPECT_EQ(of("\"C\"", "\"Parallel\"")->orders.front().envelope, Envelope::kParallel);
    EXPECT_EQ(of("\"P\"", "")->orders.front().envelope, Envelope::kCertification);
    EXPECT_EQ(of("\"P\"", "\"Revision\"")->orders.front().envelope, Envelope::kApproval);
    EXPECT_FALSE(is_enveloped(of("\"C\"", "\"Detached\"")->orders.front()));
    EXPECT_EQ(digest("hashes", '"' + std::string(kHash) + '"')->orders.front().envelope, Envelope::kDetached);
}

TEST(SignDoc, asynchronous_calls_have_bounds_and_a_place_to_call_back) {
    SignDocLimits limits;
    limits.async.callbacks = true;
    const auto async = [&](const std::string& key, const std::string& value) {
        return decode(
            with(with(with(kCall, "documents", "[" + object(kDocument) + "]"), "operationMode", "\"A\""), key,
                 value),
            limits);
    };
    EXPECT_EQ(async("validity_period", "")->async->validity, limits.async.default_validity);
    EXPECT_EQ(async("validity_period", "5")->async->validity, std::chrono::milliseconds(5));
    EXPECT_EQ(words(async("validity_period", "0")), "Invalid parameter validity_period");
    EXPECT_EQ(words(async("validity_period", "86400001")), "Out of bounds parameter validity_period");
    EXPECT_EQ(async("response_uri", "\"https://x.example/done\"")->async->response_uri,
              "https://x.example/done");
    for (const char* uri : {"\"ftp://x\"", "\"\"", "\"https://x y\""})
        EXPECT_EQ(words(async("response_uri", uri)), "Invalid parameter response_uri");
    limits.async.callbacks = false;
    EXPECT_EQ(words(async("response_uri", "\"https://x.example/done\"")), "Invalid parameter response_uri");
}

TEST(SignDoc, the_number_of_documents_is_bounded_and_every_hash_is_one) {
    SignDocLimits limits{.documents = 2, .async = {}};
    const std::string one = object(kDocument);
    EXPECT_EQ(words(decode(with(kCall, "documents", "[" + one + "," + one + "]"), limits)), "accepted");
    EXPECT_EQ(words(decode(with(kCall, "documents", "[" + one + "," + one + "," + one + "]"), limits)),
              "Numbers of signatures is too high");
    const std::string three = object(with(
        kDigest, "hashes",
        "[\"" + std::string(kHash) + "\",\"" + std::string(kHash) + "\",\"" + std::string(kHash) + "\"]"));
    EXPECT_EQ(words(decode(with(kCall, "documentDigests", "[" + three + "]"), limits)),
              "Numbers of signatures is too high");
}

TEST(SignPolling, refusals_word_for_word) {
    const auto poll = [](const std::string& text) {
        const auto body = json::decode(text);
        const auto outcome = decode_sign_polling(*body->object());
        return outcome ? "accepted " + outcome->request_id : outcome.error().description;
    };
    EXPECT_EQ(poll("{\"requestID\":\"" + std::string(kId) + "\"}"), "accepted " + std::string(kId));
    EXPECT_EQ(poll("{}"), "Missing (or invalid type) string parameter requestID");
    EXPECT_EQ(poll("{\"requestID\":7}"), "Missing (or invalid type) string parameter requestID");
    EXPECT_EQ(poll("{\"requestID\":\"x\"}"), "Invalid parameter requestID");
    EXPECT_EQ(poll("{\"requestID\":\"" + std::string(kId) + "\",\"userID\":\"x\"}"),
              "Invalid parameter \"userID\"");
    EXPECT_EQ(poll("{\"requestID\":\"" + std::string(kId) + "\",\"clientData\":7}"),
              "Invalid parameter clientData");
}

TEST(SignDoc, errors_of_documents_have_words_of_their_own) {
    const auto words_of = [](Errc code, const char* field, const char* detail = "why") {
        const Failure failure = from_document_error({code, detail, field});
        return std::to_string(failure.status) + " " + failure.error + " " + failure.description;
    };
    EXPECT_EQ(words_of(Errc::kHashNotAuthorized, "SAD"),
              "400 invalid_request documentDigests or documents are not authorized by the SAD");
    EXPECT_EQ(words_of(Errc::kHashNotAuthorized, "document"),
              "403 invalid_hash Document or documentDigest does not match authorized hash");
    EXPECT_EQ(words_of(Errc::kUnsupported, "document", "the document is encrypted"),
              "400 invalid_request Invalid parameter documents (the document is encrypted)");
    EXPECT_EQ(words_of(Errc::kInvalidArgument, "position"),
              "400 invalid_request Invalid parameter visible_signature (why)");
    EXPECT_EQ(words_of(Errc::kConflict, "certification"),
              "400 invalid_request Invalid parameter signed_envelope_property (why)");
    EXPECT_EQ(words_of(Errc::kSadExpired, ""), "400 invalid_request SAD expired");
    EXPECT_EQ(words_of(Errc::kExpired, ""), "400 invalid_request Signing certificate is expired");
    EXPECT_EQ(words_of(Errc::kInternal, "document"),
              "500 server_error The service could not carry out the request");
}

TEST(VisibleSignature, becomes_the_workers_message_and_every_fault_is_named) {
    const auto read = [](const std::string& text, doc::PdfSignature& out) {
        Request request;
        request.body = text;
        const auto body = documents::read_body(request, {});
        EXPECT_TRUE(body) << text;
        return documents::read_visible_signature(body->object, *body, out);
    };
    doc::PdfSignature out;
    ASSERT_TRUE(read(
        R"({"page":2,"position":"rect: 10mm, 50mm, 110mm, 80mm","field":"Firma","image":"QUJD","background":"#ffEE00","padding":8,
        "text":[{"format":["{name}","riga"],"font":{"name":"DejaVuSans","size":9},"text_align":"middle","valign":"top","colour":"#000080"}],
        "handwriting":{"strokes":[[[0,0],[10,20,700]]],"pen_width":2},"picture_place":"left",
        "lock":{"action":"include","fields":["a"]},"clauses":[{"page":1,"position":"rect: 1,2,3,4"}]})",
        out));
    EXPECT_EQ(out.page(), 2U);
    EXPECT_EQ(out.appearance().image(), "ABC");
    EXPECT_EQ(out.appearance().background().green(), 0xeeU);
    EXPECT_EQ(out.appearance().padding(), 8.0);
    EXPECT_TRUE(out.appearance().has_padding());
    EXPECT_FALSE(out.clauses(0).appearance().has_padding());
    EXPECT_EQ(out.appearance().text(0).align(), 1U);
    EXPECT_EQ(out.appearance().text(0).vertical_align(), 0U);
    EXPECT_EQ(out.appearance().handwriting().strokes(0).points(1).y(), 20.0F);
    EXPECT_EQ(out.lock().action(), 1U);
    EXPECT_EQ(out.clauses(0).position(), "rect: 1,2,3,4");
    for (const auto& [text, field] :
         {std::pair<std::string, std::string>(R"({"page":0})", "visible_signature.page"),
          {R"({"text":[{}]})", "visible_signature.text.format"},
          {R"({"text":[{"format":[7]}]})", "visible_signature.text.format"},
          {R"({"text":[{"format":[],"font":{"size":0}}]})", "visible_signature.text.font.size"},
          {R"({"background":"red"})", "visible_signature.background"},
          {R"({"padding":145})", "visible_signature.padding"},
          {R"({"image":"%"})", "visible_signature.image"},
          {R"({"handwriting":{"strokes":[[[1]]]}})", "visible_signature.handwriting.strokes"},
          {R"({"picture_place":"top"})", "visible_signature.picture_place"},
          {R"({"clauses":[{}]})", "visible_signature.clauses.position"},
          {R"({"lock":{"action":"some"}})", "visible_signature.lock.action"},
          {R"({"surplus":1})", "visible_signature.surplus"}}) {
        doc::PdfSignature none;
        const auto fault = read(text, none);
        ASSERT_FALSE(fault) << text;
        EXPECT_EQ(fault.error().field, field);
    }
}

}  // namespace
}  // namespace sigillo::api::csc
