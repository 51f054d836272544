// Documents on the signing path: the SAD authorises their digests, the key signs SignedAttributes that the
// path makes around them, and the log tells of both.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "appliance/ades/signed_attributes.h"
#include "appliance/base/encoding.h"
#include "appliance/signing/reconcile.h"
#include "appliance/signing/uses.h"
#include "tests/signing/workshop.h"

namespace sigillo::signing::testing {
namespace {

Errc code_of(const Result<Signed>& result) {
    return result ? Errc{} : result.error().code;
}

class Documents : public ::testing::Test {
 protected:
    Documents() { shop_.certify("the signer's certificate"); }

    Bytes attributes_of(const Digest& message, ades::Format format,
                        const ades::EncodedProperties& properties = {}) const {
        return *ades::signed_attributes({format, message, kEcdsaSha256, as_bytes("the signer's certificate"),
                                         shop_.instance.clock.now(), properties});
    }

    Workshop shop_;
    const std::vector<Digest> digests_ = hashes_of(3);
};

TEST_F(Documents, TheKeySignsAttributesAroundTheAuthorisedDigestsAndTheLogTellsOfAll) {
    SignRequest request = shop_.document_request(shop_.authorise_documents(digests_), digests_);
    ades::SignedProperties properties;
    properties.commitment_types = {"1.2.840.113549.1.9.16.6.1"};
    request.documents[1].properties = *ades::encode_properties(ades::Format::kCades, properties);
    request.documents[2].format = ades::Format::kPades;
    const Digest byte_range = hash_of("of the ByteRange");
    request.documents[2].message = byte_range;
    const auto made = shop_.sign_documents(request);
    ASSERT_TRUE(made) << to_string(made.error());

    const std::vector<Bytes> expected{
        attributes_of(digests_[0], ades::Format::kCades),
        attributes_of(digests_[1], ades::Format::kCades, request.documents[1].properties),
        attributes_of(byte_range, ades::Format::kPades)};
    EXPECT_EQ(made->signed_attributes, expected);
    ASSERT_EQ(made->signatures.size(), 3u);
    std::vector<std::string> signed_digests;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const Digest dtbsr = digest_of(HashAlgorithm::kSha256, expected[i]);
        EXPECT_TRUE(shop_.verifies(shop_.credential, dtbsr, made->signatures[i])) << i;
        EXPECT_FALSE(shop_.verifies(shop_.credential, digests_[i], made->signatures[i])) << i;
        signed_digests.push_back(base64_encode(dtbsr.bytes()));
    }
    ASSERT_EQ(made->chain.size(), 2u);
    EXPECT_EQ(made->chain[0], to_bytes("the signer's certificate"));

    const auto intent = shop_.instance.events("signing.intent").at(0);
    EXPECT_EQ(intent["hash_type"], "sdr");
    EXPECT_EQ(intent["hashes"], signed_digests);
    EXPECT_EQ(intent["documents"], (std::vector<std::string>{base64_encode(digests_[0].bytes()),
                                                             base64_encode(digests_[1].bytes()),
                                                             base64_encode(digests_[2].bytes())}));
    EXPECT_EQ(intent["messages"], (std::vector<std::string>{base64_encode(digests_[0].bytes()),
                                                            base64_encode(digests_[1].bytes()),
                                                            base64_encode(byte_range.bytes())}));
    EXPECT_EQ(intent["formats"], (std::vector<std::string>{"cades", "cades", "pades"}));
    EXPECT_EQ(shop_.instance.events("signing.outcome").at(0)["result"], "signed");
    shop_.expect_unbroken_chain(shop_.credential);

    const auto uses = *list_uses(*shop_.instance.ledger, "bank", shop_.credential, std::nullopt, 10);
    ASSERT_EQ(uses.size(), 3u);
    EXPECT_EQ(uses[2].hash, to_bytes(digest_of(HashAlgorithm::kSha256, expected[2]).bytes()));
    EXPECT_EQ(uses[2].document_digest, to_bytes(digests_[2].bytes()));
    EXPECT_EQ(uses[2].message_digest, to_bytes(byte_range.bytes()));
    EXPECT_EQ(uses[2].format, "pades");
    EXPECT_EQ(uses[0].format, "cades");
}

TEST_F(Documents, AHashHasNoDocumentInTheLogNorInTheUses) {
    ASSERT_TRUE(shop_.sign(shop_.authorise(digests_), digests_));
    const auto intent = shop_.instance.events("signing.intent").at(0);
    EXPECT_EQ(intent["hash_type"], "dtbsr");
    for (const char* member : {"documents", "messages", "formats"}) EXPECT_FALSE(intent.contains(member));
    const auto uses = *list_uses(*shop_.instance.ledger, "bank", shop_.credential, std::nullopt, 10);
    EXPECT_TRUE(uses.at(0).document_digest.empty());
    EXPECT_TRUE(uses.at(0).format.empty());
}

TEST_F(Documents, activation_a_sad_for_hashes_signs_no_document_and_the_reverse) {
    const std::string for_hashes = shop_.authorise(digests_);
    const std::string for_documents = shop_.authorise_documents(digests_);
    EXPECT_EQ(code_of(shop_.sign_documents(shop_.document_request(for_hashes, digests_))),
              Errc::kHashNotAuthorized);
    const auto as_hash = shop_.sign(for_documents, digests_);
    ASSERT_FALSE(as_hash);
    EXPECT_EQ(as_hash.error().code, Errc::kHashNotAuthorized);
    EXPECT_EQ(as_hash.error().field, "SAD");
    EXPECT_EQ(shop_.instance.count("signing.intent"), 0u);
    EXPECT_EQ(shop_.instance.count("signing.refused"), 2u);
    EXPECT_TRUE(shop_.sign(for_hashes, digests_)) << "nothing was spent";
    EXPECT_TRUE(shop_.sign_documents(shop_.document_request(for_documents, digests_))) << "nothing was spent";
}

// A document whose bytes are SignedAttributes of a contract: what authorised its digest must not sign the
// contract.
TEST_F(Documents, activation_a_document_shaped_like_attributes_is_not_signed_as_such) {
    const Bytes forged = attributes_of(hash_of("a contract"), ades::Format::kPades);
    const std::vector<Digest> digest{digest_of(HashAlgorithm::kSha256, forged)};
    const auto made = shop_.sign_documents(shop_.document_request(shop_.authorise_documents(digest), digest));
    ASSERT_TRUE(made);
    EXPECT_FALSE(shop_.verifies(shop_.credential, digest[0], made->signatures[0]));
}

TEST_F(Documents, activation_a_digest_that_was_not_authorised_is_refused_and_spends_nothing) {
    const std::string sad = shop_.authorise_documents({digests_[0]});
    EXPECT_EQ(code_of(shop_.sign_documents(shop_.document_request(sad, {digests_[1]}))),
              Errc::kHashNotAuthorized);
    EXPECT_EQ(code_of(shop_.sign_documents(shop_.document_request(sad, {digests_[0], digests_[1]}))),
              Errc::kHashNotAuthorized);
    EXPECT_TRUE(shop_.sign_documents(shop_.document_request(sad, {digests_[0]})));
}

TEST_F(Documents, TheIdenticalCallIsARetryAndGetsTheAttributesAndTheTimeOfThen) {
    const SignRequest request = shop_.document_request(shop_.authorise_documents(digests_), digests_);
    const auto first = shop_.sign_documents(request);
    ASSERT_TRUE(first);
    shop_.instance.clock.advance(std::chrono::hours(23));
    const auto again = shop_.sign_documents(request);
    ASSERT_TRUE(again) << to_string(again.error());
    EXPECT_EQ(first->signed_attributes, again->signed_attributes);
    EXPECT_EQ(first->signatures, again->signatures);
    EXPECT_EQ(first->chain, again->chain);
    EXPECT_EQ(shop_.instance.count("signing.intent"), 1u);
}

TEST_F(Documents, AnythingElseAboutADocumentMakesAnotherCall) {
    const SignRequest request = shop_.document_request(shop_.authorise_documents(digests_), digests_);
    ASSERT_TRUE(shop_.sign_documents(request));
    const auto changed = [&](const std::function<void(SignRequest&)>& change) {
        SignRequest other = shop_.document_request("", digests_);
        other.sad = request.sad.clone();
        change(other);
        return code_of(shop_.sign_documents(other));
    };
    EXPECT_EQ(changed([](SignRequest&) {}), Errc{});
    EXPECT_EQ(changed([](SignRequest& r) { r.documents[0].format = ades::Format::kPades; }),
              Errc::kHashNotAuthorized);
    EXPECT_EQ(changed([](SignRequest& r) { r.documents[0].message = hash_of("another"); }),
              Errc::kHashNotAuthorized);
    EXPECT_EQ(changed([](SignRequest& r) {
                  ades::SignedProperties mime;
                  mime.mime_type = "application/pdf";
                  r.documents[0].properties = *ades::encode_properties(ades::Format::kCades, mime);
              }),
              Errc::kHashNotAuthorized);
    EXPECT_EQ(shop_.instance.count("signing.intent"), 1u);
}

TEST_F(Documents, WithoutACertificateNothingIsSigned) {
    shop_.instance.change_credential(shop_.credential, [](record::Credential& c) { c.clear_chain(); });
    const std::string sad = shop_.authorise_documents(digests_);
    EXPECT_EQ(code_of(shop_.sign_documents(shop_.document_request(sad, digests_))), Errc::kDisabled);
    shop_.certify("at last");
    EXPECT_TRUE(shop_.sign_documents(shop_.document_request(sad, digests_)));
}

TEST_F(Documents, ACertificateRenewedBetweenTheStepsIsNoticedAndNothingIsSpent) {
    const std::string sad = shop_.authorise_documents(digests_);
    shop_.watcher.at = [&](Step step) {
        if (step == Step::kChecked) shop_.certify("renewed");
    };
    EXPECT_EQ(code_of(shop_.sign_documents(shop_.document_request(sad, digests_))), Errc::kConflict);
    shop_.watcher.at = nullptr;
    EXPECT_EQ(shop_.instance.count("signing.intent"), 0u);
    const auto made = shop_.sign_documents(shop_.document_request(sad, digests_));
    ASSERT_TRUE(made) << to_string(made.error());
    EXPECT_EQ(made->chain[0], to_bytes("renewed"));
}

TEST_F(Documents, ARetryAfterTheCertificateWasRenewedIsToldSo) {
    const SignRequest request = shop_.document_request(shop_.authorise_documents(digests_), digests_);
    ASSERT_TRUE(shop_.sign_documents(request));
    shop_.certify("renewed");
    EXPECT_EQ(code_of(shop_.sign_documents(request)), Errc::kConflict);
}

TEST_F(Documents, NoTimeIsSaidByAClockThatJumped) {
    const std::string sad = shop_.authorise_documents(digests_);
    shop_.clock_state = fail(Errc::kClockUntrusted, "it jumped");
    EXPECT_EQ(code_of(shop_.sign_documents(shop_.document_request(sad, digests_))), Errc::kClockUntrusted);
    EXPECT_EQ(shop_.instance.count("signing.intent"), 0u);
    // PAdES says none: /M is the front end's word.
    EXPECT_TRUE(shop_.sign_documents(shop_.document_request(sad, {digests_[0]}, ades::Format::kPades)));
    EXPECT_TRUE(shop_.sign(shop_.authorise(digests_), digests_));
    shop_.clock_state = {};
    EXPECT_TRUE(shop_.sign_documents(shop_.document_request(sad, {digests_[1]})));
}

TEST_F(Documents, key_a_definite_refusal_by_the_hsm_gives_the_digests_back) {
    const std::string sad = shop_.authorise_documents(digests_);
    shop_.instance.software_keys.fail_with(Error{Errc::kHsmRefused, "CKR_FUNCTION_REJECTED"});
    EXPECT_EQ(code_of(shop_.sign_documents(shop_.document_request(sad, digests_))), Errc::kHsmRefused);
    shop_.instance.software_keys.fail_with(std::nullopt);
    EXPECT_EQ(shop_.instance.events("signing.outcome").back()["result"], "failed");
    EXPECT_TRUE(shop_.sign_documents(shop_.document_request(sad, digests_)));
    shop_.expect_unbroken_chain(shop_.credential);
}

TEST_F(Documents, key_an_open_outcome_keeps_the_digests_spent_and_answers_no_attributes) {
    const SignRequest request = shop_.document_request(shop_.authorise_documents(digests_), digests_);
    shop_.instance.software_keys.fail_with(Error{Errc::kHsmFailed, "CKR_DEVICE_ERROR"});
    EXPECT_EQ(code_of(shop_.sign_documents(request)), Errc::kHsmFailed);
    shop_.instance.software_keys.fail_with(std::nullopt);
    EXPECT_EQ(code_of(shop_.sign_documents(request)), Errc::kOutcomeUnknown);
}

TEST_F(Documents, RequestsBeyondTheLimitsOrOutOfStepAreRefused) {
    SigningLimits limits;
    limits.documents_per_call = 2;
    Workshop shop({}, nullptr, limits);
    shop.certify("the signer's certificate");
    const std::string sad = shop.authorise_documents(digests_);
    const auto refused = shop.sign_documents(shop.document_request(sad, digests_));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kLimitExceeded);
    EXPECT_EQ(refused.error().field, "documents");
    SignRequest odd = shop.document_request(sad, {digests_[0], digests_[1]});
    odd.documents.pop_back();
    EXPECT_EQ(code_of(shop.sign_documents(odd)), Errc::kInvalidArgument);
    EXPECT_EQ(code_of(shop.sign_documents(shop.document_request(sad, {digests_[0], digests_[0]}))),
              Errc::kHashNotAuthorized);
    EXPECT_TRUE(shop.sign_documents(shop.document_request(sad, {digests_[0], digests_[1]})));
}

// The longest Intent there is: it must fit into a leaf of the log.
TEST_F(Documents, AsManyDocumentsAsACallTakesFitIntoTheLogWithTheLongestDigests) {
    const std::size_t most = SigningLimits{}.documents_per_call;
    std::vector<Digest> digests;
    for (std::size_t i = 0; i < most; ++i)
        digests.push_back(digest_of(HashAlgorithm::kSha512, as_bytes(std::to_string(i))));
    activation::testing::Instance& instance = shop_.instance;
    instance.change_credential(shop_.credential, [&](record::Credential& c) { c.set_multisign(1'000); });
    auto authorize = instance.request(shop_.client, shop_.credential, digests);
    authorize.hash_type = record::HASH_TYPE_SDR;
    authorize.hash_algorithm = HashAlgorithm::kSha512;
    activation::testing::show(authorize, "click", instance.click(digests));
    const auto granted = run_to_end(instance.activator->authorize(authorize));
    ASSERT_TRUE(granted) << to_string(granted.error());
    SignRequest request = shop_.document_request(std::string(as_text(granted->sad.expose())), digests);
    request.scheme.hash = HashAlgorithm::kSha512;
    const auto made = shop_.sign_documents(request);
    ASSERT_TRUE(made) << to_string(made.error());
    EXPECT_EQ(made->signatures.size(), most);
}

}  // namespace
}  // namespace sigillo::signing::testing
