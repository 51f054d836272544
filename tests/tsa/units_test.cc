// The life of time-stamping units: what is refused, what survives a crash, what is destroyed.
#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tests/tsa/tsa_under_test.h"

namespace sigillo::tsa::testing {
namespace {

NewUnit new_unit(KeyAlgorithm algorithm = KeyAlgorithm::kEcP256) {
    return {"a unit", algorithm, {"IT", "Sigillo S.r.l. – tests", "VATIT-12345678901", "TSU 1"}};
}

void expect_error(const Status& status, Errc code, const std::string& part = {}) {
    ASSERT_FALSE(status);
    EXPECT_EQ(errc_name(status.error().code), errc_name(code)) << status.error().detail;
    EXPECT_NE(status.error().detail.find(part), std::string::npos) << status.error().detail;
}

TEST(TsaUnits, RequestIsSignedByItsKeyAndAsksForWhatAUnitNeeds) {
    for (const auto algorithm : {KeyAlgorithm::kEcP256, KeyAlgorithm::kEcP384, KeyAlgorithm::kRsa2048}) {
        TsaUnderTest tsa;
        const auto created = must(tsa.units->create(new_unit(algorithm)));
        EXPECT_EQ(must(tsa.units->request(created.id)).size() > 0, true);
        const unsigned char* cursor = created.request.data();
        X509_REQ* request = d2i_X509_REQ(nullptr, &cursor, static_cast<long>(created.request.size()));
        ASSERT_TRUE(request);
        EXPECT_EQ(cursor, created.request.data() + created.request.size());
        EXPECT_EQ(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
        char name[256];
        X509_NAME_oneline(X509_REQ_get_subject_name(request), name, sizeof name);
        EXPECT_NE(std::string(name).find("CN=TSU 1"), std::string::npos) << name;
        EXPECT_NE(std::string(name).find("VATIT-12345678901"), std::string::npos) << name;
        STACK_OF(X509_EXTENSION)* extensions = X509_REQ_get_extensions(request);
        ASSERT_EQ(sk_X509_EXTENSION_num(extensions), 3);
        int critical = 0;
        auto* usage = static_cast<EXTENDED_KEY_USAGE*>(
            X509V3_get_d2i(extensions, NID_ext_key_usage, &critical, nullptr));
        ASSERT_TRUE(usage);
        EXPECT_EQ(critical, 1);
        ASSERT_EQ(sk_ASN1_OBJECT_num(usage), 1);
        EXPECT_EQ(OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, 0)), NID_time_stamp);
        auto* period = static_cast<PKEY_USAGE_PERIOD*>(
            X509V3_get_d2i(extensions, NID_private_key_usage_period, &critical, nullptr));
        ASSERT_TRUE(period);
        EXPECT_TRUE(period->notBefore != nullptr && period->notAfter != nullptr);
        PKEY_USAGE_PERIOD_free(period);
        EXTENDED_KEY_USAGE_free(usage);
        sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
        X509_REQ_free(request);
    }
}

TEST(TsaUnits, NamesAndSubjectsThatMakeNoSenseAreRefused) {
    TsaUnderTest tsa;
    const auto refused = [&](const std::function<void(NewUnit&)>& change, const char* field) {
        NewUnit unit = new_unit();
        change(unit);
        const auto created = tsa.units->create(unit);
        ASSERT_FALSE(created) << field;
        EXPECT_EQ(created.error().code, Errc::kInvalidArgument);
        EXPECT_EQ(created.error().field, field);
    };
    refused([](NewUnit& unit) { unit.name = ""; }, "name");
    refused([](NewUnit& unit) { unit.name = "a\nb"; }, "name");
    refused([](NewUnit& unit) { unit.name = std::string(65, 'x'); }, "name");
    refused([](NewUnit& unit) { unit.subject.country = "it"; }, "country");
    refused([](NewUnit& unit) { unit.subject.organization = ""; }, "organization");
    refused([](NewUnit& unit) { unit.subject.common_name = std::string(65, 'x'); }, "common_name");
    refused([](NewUnit& unit) { unit.subject.common_name = "\xC0\x80"; }, "common_name");
    refused([](NewUnit& unit) { unit.subject.common_name = "\xED\xA0\x80"; }, "common_name");
    refused([](NewUnit& unit) { unit.subject.common_name = "a\x01"; }, "common_name");
    refused([](NewUnit& unit) { unit.algorithm = KeyAlgorithm::kEd25519; }, "algorithm");
    refused([](NewUnit& unit) { unit.policies = {"no oid"}; }, "oid");
    EXPECT_TRUE(must(tsa.units->list()).empty());
    EXPECT_EQ(tsa.software_keys.size(), 0u);
}

TEST(TsaUnits, CertificateThatMayNotSignTimeStampsIsRefused) {
    TsaUnderTest tsa;
    const auto created = must(tsa.units->create(new_unit()));
    const auto refused = [&](const std::function<void(CertificateOptions&)>& change, const std::string& why) {
        CertificateOptions options;
        change(options);
        const Status status = tsa.units->import(created.id, tsa.chain_for(created.id, options));
        expect_error(status, Errc::kInvalidArgument, why);
        if (!status) {
            EXPECT_EQ(status.error().field, "chain") << why;
        }
    };
    refused([](auto& o) { o.extended_key_usage = ""; }, "no extendedKeyUsage");
    refused([](auto& o) { o.extended_key_usage = "timeStamping"; }, "not critical");
    refused([](auto& o) { o.extended_key_usage = "critical,timeStamping,serverAuth"; },
            "not timeStamping alone");
    refused([](auto& o) { o.extended_key_usage = "critical,serverAuth"; }, "not timeStamping alone");
    refused([](auto& o) { o.extended_key_usage = "critical,anyExtendedKeyUsage"; }, "not timeStamping alone");
    refused([](auto& o) { o.key_usage = ""; }, "no keyUsage");
    refused([](auto& o) { o.key_usage = "critical,digitalSignature,keyEncipherment"; }, "keyUsage is not");
    refused([](auto& o) { o.key_usage = "critical,keyAgreement"; }, "keyUsage is not");
    refused([](auto& o) { o.key_usage = "critical,digitalSignature,decipherOnly"; }, "keyUsage is not");
    refused([](auto& o) { o.basic_constraints = "critical,CA:TRUE"; }, "CA's");
    refused([](auto& o) { o.valid_until = std::chrono::hours(-1); }, "");
    refused([](auto& o) { o.valid_from = std::chrono::hours(1); }, "not valid before");
    refused([](auto& o) { o.valid_until = std::chrono::days(20); }, "30 days longer");
    refused([](auto& o) { o.subject = ""; }, "no subject");
    refused([](auto& o) { o.key_until = std::chrono::days(800); }, "does not end before");
    refused([](auto& o) { o.key_until = std::chrono::days(-1); }, "would end");
    refused(
        [](auto& o) {
            o.key_from = std::chrono::days(9);
            o.key_until = std::chrono::days(3);
        },
        "ends before it begins");

    // Another key's, another CA's, none, only the leaf, not DER.
    const auto other = must(tsa.units->create(new_unit()));
    expect_error(tsa.units->import(created.id, tsa.chain_for(other.id)), Errc::kInvalidArgument,
                 "another key");
    TestCa stranger("Another CA");
    const Bytes leaf = tsa.chain_for(created.id)[0];
    expect_error(tsa.units->import(created.id, std::vector{leaf, stranger.certificate()}),
                 Errc::kInvalidArgument);
    expect_error(tsa.units->import(created.id, std::vector<Bytes>{}), Errc::kInvalidArgument, "empty");
    expect_error(tsa.units->import(created.id, std::vector<Bytes>{leaf}), Errc::kInvalidArgument);
    Bytes cut = leaf;
    cut.pop_back();
    expect_error(tsa.units->import(created.id, std::vector{cut, tsa.ca.certificate()}),
                 Errc::kInvalidArgument);
    EXPECT_EQ(tsa.record(created.id).state(), record::UNIT_PENDING);

    // Others may be there, and nonRepudiation may be too.
    CertificateOptions good;
    good.key_usage = "critical,digitalSignature,nonRepudiation";
    good.basic_constraints = "";
    EXPECT_TRUE(tsa.units->import(created.id, tsa.chain_for(created.id, good)));
}

TEST(TsaUnits, KeysPeriodIsTheCertificatesOrTheConfiguredLife) {
    TsaUnderTest tsa;
    CertificateOptions options;
    options.key_from = std::chrono::hours(-1);
    options.key_until = std::chrono::days(100);
    const auto days_left = [&](const UnitId& id) {
        return (from_unix_millis(tsa.record(id).usage_until_ms()) - tsa.clock.now()) / std::chrono::hours(1);
    };
    EXPECT_NEAR(static_cast<double>(days_left(tsa.ready_unit(KeyAlgorithm::kEcP256, options))), 2400, 1);
    EXPECT_NEAR(static_cast<double>(days_left(tsa.ready_unit())), 365 * 24, 1);
    CertificateOptions brief;
    brief.valid_until = std::chrono::days(100);
    EXPECT_NEAR(static_cast<double>(days_left(tsa.ready_unit(KeyAlgorithm::kEcP256, brief))), 70 * 24, 1);
}

TEST(TsaUnits, EachStateAllowsItsOwnStepsOnly) {
    TsaUnderTest tsa;
    const auto created = must(tsa.units->create(new_unit()));
    const UnitId id = created.id;
    expect_error(tsa.units->activate(id), Errc::kConflict, "without a certificate");
    expect_error(tsa.units->retire(id, "x"), Errc::kConflict);
    must(tsa.units->import(id, tsa.chain_for(id)));
    must(tsa.units->import(id, tsa.chain_for(id)));  // a better one, before it serves
    expect_error(tsa.units->retire(id, "x"), Errc::kConflict);
    must(tsa.units->activate(id));
    expect_error(tsa.units->activate(id), Errc::kConflict, "active");
    expect_error(tsa.units->import(id, tsa.chain_for(id)), Errc::kConflict);
    expect_error(tsa.units->destroy(id), Errc::kConflict, "active");
    expect_error(tsa.units->rotate(id, id), Errc::kConflict);
    EXPECT_FALSE(tsa.units->request(id));
    must(tsa.units->retire(id, "test"));
    EXPECT_TRUE(tsa.units->in_service()->empty());
    expect_error(tsa.units->activate(id), Errc::kConflict, "retired");
    must(tsa.units->destroy(id));
    expect_error(tsa.units->destroy(id), Errc::kConflict, "destroyed");
    EXPECT_EQ(tsa.software_keys.size(), 0u);
    const UnitId unknown = UnitId::generate(tsa.random);
    for (const Status& status :
         {tsa.units->activate(unknown), tsa.units->retire(unknown, "x"), tsa.units->destroy(unknown)})
        expect_error(status, Errc::kNotFound);

    std::vector<std::string> types;
    for (const auto& event : tsa.events())
        if (event["type"].get<std::string>().starts_with("tsu.")) {
            types.push_back(event["type"]);
            EXPECT_EQ(event["unit"], id.str());
            EXPECT_EQ(event["records"].size(), 1u);  // so the sweep can hold the record to it
        }
    EXPECT_EQ(types,
              (std::vector<std::string>{"tsu.creating", "tsu.created", "tsu.certified", "tsu.certified",
                                        "tsu.activated", "tsu.retired", "tsu.destroying", "tsu.destroyed"}));
}

TEST(TsaUnits, UnitWhosePeriodHasNotBegunIsNotActivated) {
    TsaUnderTest tsa;
    CertificateOptions options;
    options.key_from = std::chrono::days(1);
    options.key_until = std::chrono::days(100);
    const UnitId next = tsa.ready_unit(KeyAlgorithm::kEcP256, options);
    expect_error(tsa.units->activate(next), Errc::kConflict, "for use from");
    const UnitId serving = tsa.add_unit();
    expect_error(tsa.units->rotate(serving, next), Errc::kConflict, "for use from");
    EXPECT_TRUE(run_to_end(tsa.authority->issue(request_for("x"))));
}

TEST(TsaUnits, ServeAgainAfterARestart) {
    TsaUnderTest tsa;
    const UnitId first = tsa.add_unit();
    const UnitId second = tsa.add_unit();
    const UnitId retired = tsa.add_unit();
    must(tsa.units->retire(retired, "test"));
    tsa.restart();
    const auto units = tsa.units->in_service();
    ASSERT_EQ(units->size(), 2u);
    EXPECT_EQ((*units)[0]->id, second);  // the newest first
    EXPECT_EQ((*units)[1]->id, first);
    EXPECT_TRUE(run_to_end(tsa.authority->issue(request_for("x"))));
}

TEST(TsaUnits, CrashBetweenLogAndTokenLeavesNoKeyBehind) {
    TsaUnderTest tsa;
    // The token answers to nothing after the key was made: as if the process had died there.
    const auto created = must(tsa.units->create(new_unit()));
    const UnitId id = created.id;
    tsa.software_keys.fail_with(Error{Errc::kHsmFailed, "injected"});
    expect_error(tsa.units->destroy(id), Errc::kHsmFailed);
    EXPECT_EQ(tsa.record(id).state(), record::UNIT_DESTROYING);
    EXPECT_FALSE(tsa.units->create(new_unit()));
    tsa.software_keys.fail_with(std::nullopt);
    EXPECT_EQ(tsa.software_keys.size(), 1u);
    tsa.restart();
    EXPECT_EQ(tsa.record(id).state(), record::UNIT_DESTROYED);
    EXPECT_EQ(tsa.software_keys.size(), 0u);
    for (const UnitInfo& info : must(tsa.units->list()))
        EXPECT_EQ(info.record.state(), record::UNIT_DESTROYED);
}

TEST(TsaUnits, UnitWhoseKeyIsMissingOrAnotherStaysOutAndTheOthersServe) {
    TsaUnderTest tsa;
    const UnitId missing = tsa.add_unit();
    const UnitId good = tsa.add_unit();
    must(tsa.software_keys.destroy(missing.str()));
    const UnitId swapped = tsa.add_unit();
    must(tsa.software_keys.destroy(swapped.str()));
    must(tsa.software_keys.create(swapped.str(), KeyAlgorithm::kEcP256));
    tsa.restart();
    ASSERT_EQ(tsa.units->in_service()->size(), 1u);
    EXPECT_EQ(tsa.units->in_service()->front()->id, good);
    int troubles = 0;
    for (const UnitInfo& info : must(tsa.units->list())) troubles += info.trouble.empty() ? 0 : 1;
    EXPECT_EQ(troubles, 2);
    EXPECT_TRUE(run_to_end(tsa.authority->issue(request_for("x"))));
}

TEST(TsaUnits, HousekeepingRetiresAndDestroysKeysWhosePeriodIsOver) {
    TsaUnderTest tsa;
    const UnitId unit = tsa.add_unit();
    const UnitId retired = tsa.add_unit();
    must(tsa.units->retire(retired, "test"));
    must(tsa.units->housekeep(tsa.clock.now() + std::chrono::days(364)));
    EXPECT_EQ(tsa.software_keys.size(), 2u);
    must(tsa.units->housekeep(tsa.clock.now() + std::chrono::days(366)));
    EXPECT_EQ(tsa.record(unit).state(), record::UNIT_DESTROYED);
    EXPECT_EQ(tsa.record(retired).state(), record::UNIT_DESTROYED);
    EXPECT_EQ(tsa.software_keys.size(), 0u);
    EXPECT_TRUE(tsa.units->in_service()->empty());
}

TEST(TsaUnits, NumberOfUnitsIsBounded) {
    TsaUnderTest tsa;
    tsa.units_config.max_units = 2;
    tsa.restart();
    must(tsa.units->create(new_unit()));
    const auto second = must(tsa.units->create(new_unit()));
    const auto third = tsa.units->create(new_unit());
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().code, Errc::kLimitExceeded);
    must(tsa.units->destroy(second.id));
    EXPECT_TRUE(tsa.units->create(new_unit()));
}

TEST(TsaUnits, RotationThatCannotBeWrittenChangesNothing) {
    TsaUnderTest tsa;
    const UnitId serving = tsa.add_unit();
    const UnitId pending = must(tsa.units->create(new_unit())).id;
    expect_error(tsa.units->rotate(serving, pending), Errc::kConflict);
    const UnitId next = tsa.ready_unit();
    const UnitId retired = tsa.add_unit();
    must(tsa.units->retire(retired, "test"));
    expect_error(tsa.units->rotate(retired, next), Errc::kConflict);
    EXPECT_TRUE(run_to_end(tsa.authority->issue(request_for("x"))));
    EXPECT_EQ(tsa.units->in_service()->front()->id, serving);
    EXPECT_EQ(tsa.record(next).state(), record::UNIT_READY);
}

}  // namespace
}  // namespace sigillo::tsa::testing
