// The responder over a real store: what it says of each certificate, that a change shows at once, where its
// key comes from, and that openssl believes it.
#include "appliance/issuance/ocsp_responder.h"

#include <gtest/gtest.h>

#include "appliance/base/encoding.h"
#include "appliance/base/file.h"
#include "appliance/issuance/credentials.h"
#include "appliance/issuance/issued_certificates.h"
#include "tests/activation/instance.h"
#include "tests/support/openssl_command.h"

namespace sigillo::issuance {
namespace {

using namespace std::chrono_literals;
using namespace sigillo::testing;
using ocsp::ResponseStatus;

template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(to_string(result.error()));
    return *std::move(result);
}
void must(const Status& status) {
    if (!status) throw std::runtime_error(to_string(status.error()));
}

AuthorityConfig authority_config() {
    AuthorityConfig config;
    config.ca.crl_url = "http://127.0.0.1:8318/pki/ca.crl";
    config.ca.ca_issuers_url = "http://127.0.0.1:8318/pki/ca.crt";
    config.ca.ocsp_url = "http://127.0.0.1:8318/pki/ocsp";
    return config;
}

class OcspResponderTest : public ::testing::Test {
 protected:
    OcspResponderTest() {
        // openssl has no other clock than the machine's.
        instance_.clock.set_wall(SystemClock().now());
        provider_ = must(HsmProvider::create());
        must(Authority::establish(parts(), authority_config()));
        start();
        ca_file_ = write_pem(scratch_, "ca.pem", "CERTIFICATE", authority_->certificate());
        key_ = must(instance_.keys.generate(KeyAlgorithm::kEcP256)).public_key;
    }

    Authority::Parts parts() { return {*instance_.ledger, instance_.keys, *provider_, instance_.random}; }
    void start() {
        authority_ = must(Authority::open(parts(), authority_config()));
        responder_ = must(OcspResponder::create(
            {*instance_.ledger, instance_.keys, *authority_, instance_.logger}, config_));
    }

    struct Issued {
        Bytes serial;
        std::string file;
        WallTime not_after{};
    };
    Issued issue(bool listed = true) {
        const Subject subject{
            .country = "IT", .given_name = "Mario", .surname = "Rossi", .identifier = "0123456789abcdef"};
        const IssuedCertificate made = must(authority_->ca().issue(key_, subject, CertificateClass::kSimple));
        Issued issued{must(serial_bytes(made.serial_hex)), {}, made.not_after};
        issued.file = write_pem(scratch_, made.serial_hex + ".pem", "CERTIFICATE", made.der);
        if (listed)
            must(instance_.update([&](audit::Recorder& recorder) {
                return note_issued(recorder, issued.serial, kIssuedToCredential, std::string(32, 'a'),
                                   unix_millis(made.not_after));
            }));
        return issued;
    }
    void revoke(const Issued& issued, RevocationReason reason) {
        must(instance_.update([&](audit::Recorder& recorder) -> Status {
            SIGILLO_TRY(Authority::revoke(recorder, issued.serial, reason, CredentialId(),
                                          unix_millis(issued.not_after)));
            SIGILLO_TRY(recorder.log(recorder.event("credential.status")));
            return {};
        }));
        authority_->changed();
    }
    void resume(const Issued& issued) {
        must(instance_.update([&](audit::Recorder& recorder) -> Status {
            SIGILLO_TRY(Authority::lift_hold(recorder, issued.serial));
            SIGILLO_TRY(recorder.log(recorder.event("credential.status")));
            return {};
        }));
        authority_->changed();
    }

    // By openssl's own hands.
    ocsp::OcspRequest request(const std::vector<std::string>& options, const std::string& issuer = {}) {
        const std::string path = (scratch_ / "request").string();
        std::vector<std::string> arguments{"ocsp", "-reqout", path};
        // A hash counts for the certificates behind it.
        std::vector<std::string> rest{"-issuer", issuer.empty() ? ca_file_ : issuer};
        for (const std::string& option : options)
            option.starts_with("-sha") ? (void)rest.insert(rest.begin(), option) : rest.push_back(option);
        arguments.insert(arguments.end(), rest.begin(), rest.end());
        const CommandResult made = openssl(arguments);
        if (made.exit_code != 0) throw std::runtime_error(made.output);
        auto parsed = ocsp::OcspRequest::parse(must(read_file(path)));
        if (!parsed) throw std::runtime_error(parsed.error().text);
        return *std::move(parsed);
    }
    // What openssl reads in an answer about `issued`, once it has verified it.
    std::string read(const OcspResponder::Answer& answer, const Issued& issued,
                     const std::string& hash = "-sha1") {
        const std::string path = (scratch_ / "response").string();
        must(write_file_durably(path, answer.der));
        const CommandResult result = openssl({"ocsp", "-respin", path, hash, "-issuer", ca_file_, "-cert",
                                              issued.file, "-CAfile", ca_file_, "-no_nonce"});
        EXPECT_NE(result.output.find("Response verify OK"), std::string::npos) << result.output;
        return result.output;
    }
    std::string ask(const Issued& issued) {
        const auto answer = responder_->answer(request({"-no_nonce", "-cert", issued.file}));
        EXPECT_EQ(answer.status, ResponseStatus::kSuccessful);
        return read(answer, issued);
    }

    ScratchDirectory scratch_;
    activation::testing::Instance instance_;
    std::unique_ptr<HsmProvider> provider_;
    OcspConfig config_;
    std::unique_ptr<Authority> authority_;
    std::unique_ptr<OcspResponder> responder_;
    std::string ca_file_;
    PublicKey key_;
};

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)
#define EXPECT_LACKS(text, part) EXPECT_EQ((text).find(part), std::string::npos) << (text)

TEST_F(OcspResponderTest, GoodRevokedHeldAndResumedAreToldApartAtOnce) {
    const Issued issued = issue();
    EXPECT_HAS(ask(issued), ": good");
    revoke(issued, RevocationReason::kCertificateHold);
    EXPECT_HAS(ask(issued), "Reason: certificateHold");
    resume(issued);
    EXPECT_HAS(ask(issued), ": good");
    revoke(issued, RevocationReason::kKeyCompromise);
    const std::string revoked = ask(issued);
    EXPECT_HAS(revoked, ": revoked");
    EXPECT_HAS(revoked, "Reason: keyCompromise");
    EXPECT_HAS(revoked, "Revocation Time: ");
}

TEST_F(OcspResponderTest, ARevocationWithoutAReasonNamesNone) {
    const Issued issued = issue();
    revoke(issued, RevocationReason::kUnspecified);
    const std::string text = ask(issued);
    EXPECT_HAS(text, ": revoked");
    EXPECT_LACKS(text, "Reason:");
}

TEST_F(OcspResponderTest, ASerialThatWasNeverIssuedIsUnknown) {
    EXPECT_HAS(ask(issue(false)), ": unknown");
}

TEST_F(OcspResponderTest, EveryHashNamesTheIssuer) {
    const Issued issued = issue();
    for (const char* hash : {"-sha1", "-sha256", "-sha384", "-sha512"}) {
        const auto answer = responder_->answer(request({hash, "-no_nonce", "-cert", issued.file}));
        ASSERT_EQ(answer.status, ResponseStatus::kSuccessful) << hash;
        EXPECT_HAS(read(answer, issued, hash), ": good");
    }
    EXPECT_EQ(responder_->answer(request({"-sha224", "-cert", issued.file})).status,
              ResponseStatus::kUnauthorized);
}

TEST_F(OcspResponderTest, AnotherIssuersCertificateIsNotOurs) {
    const Issued issued = issue();
    ASSERT_EQ(openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                       "-keyout", (scratch_ / "other.key").string(), "-out",
                       (scratch_ / "other.pem").string(), "-subj", "/CN=Other", "-days", "2"})
                  .exit_code,
              0);
    const auto foreign = request({"-serial", "5"}, (scratch_ / "other.pem").string());
    EXPECT_EQ(responder_->answer(foreign).status, ResponseStatus::kUnauthorized);
    // One of ours beside it changes nothing.
    std::vector<ocsp::CertId> both(foreign.certificates().begin(), foreign.certificates().end());
    const auto ours = request({"-cert", issued.file});
    both.push_back(ours.certificates()[0]);
    EXPECT_EQ(responder_->answer(*ocsp::OcspRequest::create(both, {})).status, ResponseStatus::kUnauthorized);
}

TEST_F(OcspResponderTest, SeveralCertificatesAreAnsweredInTheirOrder) {
    const Issued one = issue(), two = issue(), three = issue(false);
    revoke(two, RevocationReason::kSuperseded);
    const auto answer =
        responder_->answer(request({"-no_nonce", "-cert", one.file, "-cert", two.file, "-cert", three.file}));
    EXPECT_HAS(read(answer, one), ": good");
    EXPECT_HAS(read(answer, two), "Reason: superseded");
    EXPECT_HAS(read(answer, three), ": unknown");
}

TEST_F(OcspResponderTest, ANonceIsEchoedAndMakesAnAnswerOfItsOwn) {
    const Issued issued = issue();
    const auto asked = request({"-cert", issued.file});
    ASSERT_FALSE(asked.nonce().empty());
    const auto first = responder_->answer(asked), second = responder_->answer(asked);
    EXPECT_FALSE(first.cached);
    EXPECT_FALSE(second.cached);
    EXPECT_NE(std::ranges::search(first.der, asked.nonce()).begin(), first.der.end());
}

TEST_F(OcspResponderTest, WithoutANonceTheSameAnswerServesUntilItIsOldOrSomethingChanges) {
    const Issued issued = issue(), other = issue();
    const auto asked = request({"-no_nonce", "-cert", issued.file});
    const Bytes first = responder_->answer(asked).der;
    EXPECT_TRUE(responder_->answer(asked).cached);
    EXPECT_EQ(responder_->answer(asked).der, first);
    EXPECT_FALSE(responder_->answer(asked, true).cached);
    revoke(other, RevocationReason::kSuperseded);
    EXPECT_FALSE(responder_->answer(asked).cached);
    EXPECT_TRUE(responder_->answer(asked).cached);
    instance_.clock.advance(config_.cache_life);
    EXPECT_FALSE(responder_->answer(asked).cached);
    // A serial that may be given out any moment is looked up each time.
    const auto unknown = request({"-no_nonce", "-cert", issue(false).file});
    responder_->answer(unknown);
    EXPECT_FALSE(responder_->answer(unknown).cached);
}

TEST_F(OcspResponderTest, AnExpiredCertificateIsStillAnsweredForAndSaysSinceWhen) {
    const Issued issued = issue();
    revoke(issued, RevocationReason::kKeyCompromise);
    instance_.clock.advance(std::chrono::days(3 * 365 + 1));
    const auto answer = responder_->answer(request({"-no_nonce", "-cert", issued.file}));
    ASSERT_EQ(answer.status, ResponseStatus::kSuccessful);
    const std::string path = (scratch_ / "response").string();
    must(write_file_durably(path, answer.der));
    const std::string text = openssl({"ocsp", "-respin", path, "-resp_text", "-noverify"}).output;
    EXPECT_HAS(text, "Cert Status: revoked");
    EXPECT_HAS(text, "OCSP Archive Cutoff");
}

TEST_F(OcspResponderTest, TheKeyIsMadeOnceLoggedAndFoundAgainAfterARestart) {
    const Issued issued = issue();
    ask(issued);
    ASSERT_EQ(instance_.count("ca.ocsp_responder"), 1U);
    responder_.reset();
    authority_.reset();
    instance_.restart();
    start();
    EXPECT_HAS(ask(issued), ": good");
    EXPECT_EQ(instance_.count("ca.ocsp_responder"), 1U);
    EXPECT_TRUE(responder_->health().signer.usable);
}

TEST_F(OcspResponderTest, TheCertificateIsADelegatedRespondersAndIsKnownToItself) {
    responder_->renew_if_due();
    const auto row = instance_.ledger->view([&](ReadTransaction& txn) {
        return require(txn, instance_.ledger->codec(), tables::kOcspResponder, key_of("responder"), "");
    });
    ASSERT_TRUE(row);
    const std::string file =
        write_pem(scratch_, "ocsp.pem", "CERTIFICATE", as_bytes(row->value.certificate()));
    const std::string text = openssl({"x509", "-in", file, "-noout", "-text"}).output;
    EXPECT_HAS(text, "OCSP Signing");
    EXPECT_HAS(text, "OCSP No Check");
    EXPECT_HAS(text, "X509v3 Key Usage: critical\n                Digital Signature");
    EXPECT_LACKS(text, "CA:TRUE");
    EXPECT_HAS(openssl({"verify", "-CAfile", ca_file_, file}).output, ": OK");
    EXPECT_HAS(ask({{}, file, {}}), ": good");
}

TEST_F(OcspResponderTest, TheKeyIsReplacedBeforeItsCertificateEnds) {
    const Issued issued = issue();
    ask(issued);
    instance_.clock.advance(std::chrono::days(19));
    responder_->renew_if_due();
    EXPECT_EQ(instance_.count("ca.ocsp_responder"), 1U);
    instance_.clock.advance(std::chrono::days(2));
    responder_->renew_if_due();
    EXPECT_EQ(instance_.count("ca.ocsp_responder"), 2U);
    // Nobody looked for a year: the next answer sees to it.
    instance_.clock.advance(std::chrono::days(365));
    EXPECT_EQ(responder_->answer(request({"-cert", issued.file})).status, ResponseStatus::kSuccessful);
    EXPECT_EQ(instance_.count("ca.ocsp_responder"), 3U);
}

TEST_F(OcspResponderTest, AnswersNeverOutliveTheRespondersCertificate) {
    const Issued issued = issue();
    ask(issued);
    instance_.clock.set_wall(responder_->health().signer.not_after - 10min);
    const auto answer = responder_->answer(request({"-cert", issued.file}));
    EXPECT_EQ(answer.next_update, responder_->health().signer.not_after);
}

TEST_F(OcspResponderTest, WhileTheHsmIsAwayTheAnswerIsTryLaterAndItIsNotAskedEachTime) {
    const Issued issued = issue();
    instance_.software_keys.fail_with(Error{Errc::kUnavailable, "the token is gone"});
    const auto asked = request({"-cert", issued.file});
    EXPECT_EQ(responder_->answer(asked).status, ResponseStatus::kTryLater);
    EXPECT_FALSE(responder_->health().signer.usable);
    EXPECT_HAS(responder_->health().signer.trouble, "the token is gone");
    instance_.software_keys.fail_with(std::nullopt);
    EXPECT_EQ(responder_->answer(asked).status, ResponseStatus::kTryLater) << "it was asked a moment ago";
    instance_.clock.advance(config_.retry_pause);
    EXPECT_EQ(responder_->answer(asked).status, ResponseStatus::kSuccessful);
    EXPECT_TRUE(responder_->health().signer.trouble.empty());
}

TEST_F(OcspResponderTest, AfterTheTokenCameBackTheKeyIsUnwrappedAnew) {
    const Issued issued = issue();
    ask(issued);
    const std::uint64_t before = instance_.software_keys.unwraps();
    instance_.software_keys.lose_sessions();
    EXPECT_EQ(responder_->answer(request({"-cert", issued.file})).status, ResponseStatus::kSuccessful);
    EXPECT_EQ(instance_.software_keys.unwraps(), before + 1);
    EXPECT_EQ(instance_.count("ca.ocsp_responder"), 1U);
}

TEST_F(OcspResponderTest, ASignatureThatDoesNotHoldNeverLeaves) {
    const Issued issued = issue();
    ask(issued);
    const auto row = must(instance_.ledger->view([&](ReadTransaction& txn) {
        return require(txn, instance_.ledger->codec(), tables::kOcspResponder, key_of("responder"), "");
    }));
    instance_.software_keys.behind({row.value.wrap_scheme(), to_bytes(as_bytes(row.value.wrapped_key()))})
        ->corrupt(true);
    EXPECT_EQ(responder_->answer(request({"-cert", issued.file})).status, ResponseStatus::kTryLater);
}

TEST_F(OcspResponderTest, AStoreThatIsOlderThanTheListGetsItOnce) {
    const Issued unit = issue(false);
    const CredentialId credential =
        instance_.add_credential(instance_.add_signer(), "click", {}, {record::CLASS_SIMPLE, 100});
    const Issued old = issue(false);
    instance_.change_credential(credential, [&](record::Credential& record) {
        record.set_certificate_source("embedded");
        record.set_certificate_serial(old.serial.data(), old.serial.size());
        record.set_not_after_ms(unix_millis(old.not_after));
    });
    must(instance_.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(auto authority, recorder.require(tables::kAuthority, key_of("ca"), "ca"));
        authority.value.set_issued_listed(false);
        SIGILLO_TRY(recorder.save(tables::kAuthority, key_of("ca"), authority));
        SIGILLO_TRY(recorder.log(recorder.event("ca.crl")));
        return {};
    }));
    EXPECT_HAS(ask(old), ": unknown");
    const std::vector<EarlierCertificate> units{
        {unit.serial, std::string(32, 'b'), unix_millis(unit.not_after)}};
    must(list_earlier_certificates(*instance_.ledger, units));
    EXPECT_HAS(ask(old), ": good");
    EXPECT_HAS(ask(unit), ": good");
    must(list_earlier_certificates(*instance_.ledger, units));
    EXPECT_EQ(instance_.count("ca.issued_listed"), 1U);
}

}  // namespace
}  // namespace sigillo::issuance
