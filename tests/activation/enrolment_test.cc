#include "appliance/activation/enrolment.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/activation/instance.h"

namespace sigillo::activation::testing {
namespace {

class EnrolmentTest : public ::testing::Test {
 protected:
    Result<EnrolledFactor> enrol(const std::string& type, const std::string& pin = "",
                                 const Enrolment::InTransaction& within = {}) {
        const SecretBytes secret = SecretBytes::copy_of(pin);
        return instance_.enrolment->enrol({tenant_, client_, signer_, type, secret}, within);
    }
    std::size_t listed() {
        const auto factors = instance_.enrolment->list(tenant_, signer_);
        return factors ? factors->size() : 999;
    }
    record::Factor stored(const FactorId& id) {
        const auto found = instance_.ledger->view([&](ReadTransaction& txn) {
            return require(txn, instance_.codec, tables::kFactors, key_of(id.str()), "factorID");
        });
        return found ? found->value : record::Factor();
    }

    Instance instance_;
    std::string tenant_ = "bank";
    ClientId client_ = instance_.add_client();
    SignerId signer_ = instance_.add_signer();
};

TEST_F(EnrolmentTest, factors_of_every_kind_are_enrolled_listed_and_logged) {
    const auto totp = enrol("totp");
    const auto hotp = enrol("hotp");
    const auto pin = enrol("pin", "142536");
    ASSERT_TRUE(totp && hotp && pin);
    EXPECT_EQ(as_text(totp->otpauth.expose()).find("otpauth://totp/"), 0U);
    EXPECT_EQ(as_text(hotp->otpauth.expose()).find("otpauth://hotp/"), 0U);
    EXPECT_TRUE(pin->otpauth.empty());
    const auto factors = instance_.enrolment->list(tenant_, signer_);
    ASSERT_TRUE(factors);
    EXPECT_EQ(factors->size(), 3U);
    const auto events = instance_.events("factor.enrolled");
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[0]["factor"], totp->info.id.str());
    EXPECT_EQ(events[0]["factor_type"], "totp");
    EXPECT_EQ(events[0]["signer"], signer_.str());
    EXPECT_EQ(events[0]["client"], client_.str());
    EXPECT_EQ(events[0]["tenant"], "bank");
}

TEST_F(EnrolmentTest, neither_seed_nor_pin_is_in_the_store) {
    const auto totp = enrol("totp");
    ASSERT_TRUE(totp);
    ASSERT_TRUE(enrol("pin", "very secret pin"));
    const std::string uri(as_text(totp->otpauth.expose()));
    const std::string secret = uri.substr(uri.find("secret=") + 7, 32);
    ASSERT_TRUE(instance_.ledger->view([&](ReadTransaction& txn) -> Status {
        for (const Space space : kAllSpaces)
            SIGILLO_TRY(txn.scan(space, {}, {}, [&](ByteView, ByteView value) -> Result<bool> {
                EXPECT_EQ(as_text(value).find("very secret pin"), std::string_view::npos) << space.name;
                EXPECT_EQ(as_text(value).find(secret), std::string_view::npos) << space.name;
                return true;
            }));
        return {};
    }));
}

TEST_F(EnrolmentTest, what_cannot_be_enrolled_is_refused_with_a_reason) {
    struct Case {
        std::string type, pin;
        Errc code;
        std::string field;
    };
    for (const Case& c : std::vector<Case>{{"click", "", Errc::kInvalidArgument, "type"},
                                           {"otp_sms", "", Errc::kUnsupported, "type"},
                                           {"otp_email", "", Errc::kUnsupported, "type"},
                                           {"grapho", "", Errc::kUnsupported, "type"},
                                           {"retina", "", Errc::kInvalidArgument, "type"},
                                           {"", "", Errc::kInvalidArgument, "type"},
                                           {"pin", "", Errc::kMissingArgument, "pin"},
                                           {"pin", "123456", Errc::kInvalidArgument, "pin"},
                                           {"totp", "142536", Errc::kInvalidArgument, "pin"}}) {
        const auto refused = enrol(c.type, c.pin);
        ASSERT_FALSE(refused) << c.type;
        EXPECT_EQ(refused.error().code, c.code) << c.type;
        EXPECT_EQ(refused.error().field, c.field) << c.type;
    }
    EXPECT_EQ(listed(), 0U);
    EXPECT_EQ(instance_.count("factor.enrolled"), 0U);
}

TEST_F(EnrolmentTest, another_tenants_signer_looks_like_none) {
    tenant_ = "insurer";
    const auto refused = enrol("totp");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kNotFound);
    EXPECT_EQ(refused.error().field, "signerID");
    const auto list = instance_.enrolment->list(tenant_, signer_);
    ASSERT_FALSE(list);
    EXPECT_EQ(list.error().code, Errc::kNotFound);
    const auto remove =
        instance_.enrolment->remove(client_, tenant_, signer_, FactorId::generate(instance_.random));
    ASSERT_FALSE(remove);
    EXPECT_EQ(remove.error().code, Errc::kNotFound);
}

TEST_F(EnrolmentTest, what_the_caller_adds_to_the_transaction_stands_or_falls_with_it) {
    const auto failed = enrol("totp", "", [](audit::Recorder&, const EnrolledFactor&) -> Status {
        return fail(Errc::kStorageFull, "no room for the answer");
    });
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::kStorageFull);
    EXPECT_EQ(listed(), 0U);
    EXPECT_EQ(instance_.count("factor.enrolled"), 0U);
    std::string seen;
    const auto done = enrol("totp", "", [&](audit::Recorder&, const EnrolledFactor& factor) -> Status {
        seen = factor.info.id.str();
        return {};
    });
    ASSERT_TRUE(done);
    EXPECT_EQ(seen, done->info.id.str());
}

TEST_F(EnrolmentTest, a_deleted_factor_is_gone_with_its_secret) {
    const auto totp = enrol("totp");
    const auto pin = enrol("pin", "142536");
    ASSERT_TRUE(totp && pin);
    ASSERT_TRUE(instance_.enrolment->remove(client_, tenant_, signer_, totp->info.id));
    ASSERT_TRUE(instance_.enrolment->remove(client_, tenant_, signer_, pin->info.id));
    EXPECT_EQ(listed(), 0U);
    EXPECT_TRUE(stored(totp->info.id).deleted());
    EXPECT_TRUE(stored(totp->info.id).otp().sealed_seed().empty());
    EXPECT_TRUE(stored(pin->info.id).pin().encrypted_private_key().empty());
    EXPECT_EQ(instance_.count("factor.deleted"), 2U);
    const auto again = instance_.enrolment->remove(client_, tenant_, signer_, totp->info.id);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::kNotFound);
    EXPECT_EQ(again.error().field, "factorID");
}

TEST_F(EnrolmentTest, another_signers_factor_cannot_be_deleted_through_ones_own) {
    const auto mine = enrol("totp");
    ASSERT_TRUE(mine);
    const SignerId other = instance_.add_signer();
    const auto refused = instance_.enrolment->remove(client_, tenant_, other, mine->info.id);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kNotFound);
    EXPECT_EQ(listed(), 1U);
}

TEST_F(EnrolmentTest, a_signer_has_a_bounded_number_of_factors) {
    FactorId last;
    for (int i = 0; i < 32; ++i) {
        const auto enrolled = enrol("hotp");
        ASSERT_TRUE(enrolled) << i;
        last = enrolled->info.id;
    }
    const auto refused = enrol("hotp");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kLimitExceeded);
    EXPECT_EQ(refused.error().field, "factors");
    ASSERT_TRUE(instance_.enrolment->remove(client_, tenant_, signer_, last));
    EXPECT_TRUE(enrol("hotp")) << "deleted ones do not count";
}

TEST_F(EnrolmentTest, an_hsm_that_is_away_enrols_nothing) {
    instance_.software_keys.fail_with(Error{Errc::kUnavailable, "token gone"});
    const auto refused = enrol("totp");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kUnavailable);
    instance_.software_keys.fail_with(std::nullopt);
    EXPECT_EQ(listed(), 0U);
}

}  // namespace
}  // namespace sigillo::activation::testing
