#include "appliance/activation/sad.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "appliance/activation/pin.h"
#include "appliance/store/housekeeper.h"
#include "tests/activation/instance.h"

namespace sigillo::activation::testing {
namespace {

using namespace std::chrono_literals;

class SadTest : public ::testing::Test {
 protected:
    SadTest() { open(); }

    void open(ByteView opening_key = {}) {
        sad_ = instance_.sads->generate();
        const auto created = instance_.update([&](audit::Recorder& recorder) {
            return instance_.sads->create(recorder, sad_,
                                          {client_, credential_, signer_, record::HASH_TYPE_DTBSR,
                                           HashAlgorithm::kSha256, hashes_, 42, opening_key});
        });
        ASSERT_TRUE(created) << to_string(created.error());
        EXPECT_EQ(*created, 300s);
    }
    SadUse use(std::span<const Digest> hashes) const {
        return {sad_.text, client_, credential_, record::HASH_TYPE_DTBSR, HashAlgorithm::kSha256, hashes};
    }
    Result<SpentSad> spend(const SadUse& what) {
        return instance_.update(
            [&](audit::Recorder& recorder) { return instance_.sads->check_and_spend(recorder, what); });
    }
    Errc spending(const SadUse& what) {
        const auto spent = spend(what);
        return spent ? Errc{} : spent.error().code;
    }
    std::span<const Digest> part(std::size_t from, std::size_t size) const {
        return std::span(hashes_).subspan(from, size);
    }
    // Sealed; empty when there is none.
    Bytes opening_key(ByteView row) {
        const auto found = instance_.ledger->view(
            [&](ReadTransaction& txn) { return load(txn, instance_.codec, tables::kSadKeys, row); });
        EXPECT_TRUE(found);
        return found && *found ? to_bytes((*found)->value.sealed_opening_key()) : Bytes();
    }

    Instance instance_;
    ClientId client_ = ClientId::generate(instance_.random);
    CredentialId credential_ = CredentialId::generate(instance_.random);
    std::string signer_ = SignerId::generate(instance_.random).str();
    std::vector<Digest> hashes_ = hashes_of(3);
    NewSad sad_;
};

TEST_F(SadTest, names_its_credential_to_its_client_alone) {
    const auto whose = [&](const SecretBytes& sad, const ClientId& client) {
        return Sads::credential_of(*instance_.ledger, sad, client);
    };
    EXPECT_EQ(whose(sad_.text, client_).value().str(), credential_.str());
    EXPECT_EQ(whose(sad_.text, ClientId::generate(instance_.random)).error().code, Errc::kSadInvalid);
    EXPECT_EQ(whose(instance_.sads->generate().text, client_).error().code, Errc::kSadInvalid);
    ASSERT_EQ(spending(use(hashes_)), Errc{});  // for a call that is repeated
    EXPECT_EQ(whose(sad_.text, client_).value().str(), credential_.str());
}

TEST_F(SadTest, has_256_bits_and_the_store_knows_only_its_digest) {
    EXPECT_EQ(sad_.text.size(), 8U + 43U);  // when, and the bits
    EXPECT_FALSE(instance_.sads->generate().text.equals(sad_.text.expose()));
    bool found = false;
    ASSERT_TRUE(instance_.ledger->view([&](ReadTransaction& txn) -> Status {
        for (const Space space : kAllSpaces)
            SIGILLO_TRY(txn.scan(space, {}, {}, [&](ByteView key, ByteView value) -> Result<bool> {
                found = found || as_text(key).find(as_text(sad_.text.expose())) != std::string_view::npos ||
                        as_text(value).find(as_text(sad_.text.expose())) != std::string_view::npos;
                return true;
            }));
        return {};
    }));
    EXPECT_FALSE(found);
}

TEST_F(SadTest, rows_of_sads_stand_in_the_order_of_issue_and_a_made_up_time_finds_none) {
    instance_.clock.advance(std::chrono::milliseconds(1));
    const NewSad later = instance_.sads->generate();
    EXPECT_LT(sad_.key, later.key);
    EXPECT_EQ(to_bytes(ByteView(sad_key(sad_.text))), sad_.key);

    std::string forged(as_text(sad_.text.expose()));
    forged[7] = forged[7] == 'A' ? 'B' : 'A';
    const SecretBytes other = SecretBytes::copy_of(forged);
    EXPECT_EQ(
        spending({other, client_, credential_, record::HASH_TYPE_DTBSR, HashAlgorithm::kSha256, hashes_}),
        Errc::kSadInvalid);
    for (const std::string_view text : {"", "short", "!!!!!!!!not base64url"})
        EXPECT_EQ(sad_key(SecretBytes::copy_of(text))[0], 0) << text;
}

TEST_F(SadTest, permits_each_hash_once_in_any_number_of_calls) {
    const auto first = spend(use(part(1, 1)));
    ASSERT_TRUE(first);
    EXPECT_EQ(first->activation_index, 42U);
    EXPECT_EQ(first->digest, sad_.digest);
    EXPECT_EQ(spending(use(part(1, 1))), Errc::kHashNotAuthorized);
    const std::vector<Digest> rest{hashes_[2], hashes_[0]};
    EXPECT_TRUE(spend(use(rest))) << "order does not matter";
    EXPECT_EQ(spending(use(hashes_)), Errc::kHashNotAuthorized);
}

TEST_F(SadTest, activation_hash_b_with_a_sad_for_hash_a_is_refused) {
    const std::vector<Digest> other{hash_of("another document")};
    EXPECT_EQ(spending(use(other)), Errc::kHashNotAuthorized);
}

TEST_F(SadTest, activation_a_sad_for_three_hashes_does_not_permit_four) {
    std::vector<Digest> four = hashes_;
    four.push_back(hash_of("one too many"));
    EXPECT_EQ(spending(use(four)), Errc::kHashNotAuthorized);
    EXPECT_TRUE(spend(use(hashes_))) << "a refusal spends nothing";
}

TEST_F(SadTest, one_hash_twice_in_one_call_is_refused) {
    const std::vector<Digest> twice{hashes_[0], hashes_[0]};
    EXPECT_EQ(spending(use(twice)), Errc::kHashNotAuthorized);
    EXPECT_EQ(spending(use({})), Errc::kInvalidArgument);
}

TEST_F(SadTest, activation_another_client_credential_or_hash_type_is_refused) {
    const ClientId other_client = ClientId::generate(instance_.random);
    const CredentialId other_credential = CredentialId::generate(instance_.random);
    const SecretBytes other_sad = instance_.sads->generate().text;
    const SecretBytes empty;
    const auto sha256 = HashAlgorithm::kSha256;
    EXPECT_EQ(spending({sad_.text, other_client, credential_, record::HASH_TYPE_DTBSR, sha256, hashes_}),
              Errc::kSadInvalid);
    EXPECT_EQ(spending({sad_.text, client_, other_credential, record::HASH_TYPE_DTBSR, sha256, hashes_}),
              Errc::kSadInvalid);
    EXPECT_EQ(spending({sad_.text, client_, credential_, record::HASH_TYPE_SDR, sha256, hashes_}),
              Errc::kHashNotAuthorized);
    EXPECT_EQ(spending({sad_.text, client_, credential_, record::HASH_TYPE_UNSPECIFIED, sha256, hashes_}),
              Errc::kHashNotAuthorized);
    EXPECT_EQ(spending({other_sad, client_, credential_, record::HASH_TYPE_DTBSR, sha256, hashes_}),
              Errc::kSadInvalid);
    EXPECT_EQ(spending({empty, client_, credential_, record::HASH_TYPE_DTBSR, sha256, hashes_}),
              Errc::kSadInvalid);
    EXPECT_EQ(
        spending({sad_.text, client_, credential_, record::HASH_TYPE_DTBSR, HashAlgorithm::kSha384, hashes_}),
        Errc::kHashNotAuthorized);
    EXPECT_TRUE(spend(use(hashes_))) << "none of them spent anything";
}

TEST_F(SadTest, expires_after_300_s_of_boot_time_whatever_the_wall_clock_says) {
    instance_.clock.advance(299s);
    instance_.clock.set_wall(instance_.clock.now() + 24h);
    EXPECT_TRUE(spend(use(part(0, 1))));
    instance_.clock.set_wall(instance_.clock.now() - 72h);
    instance_.clock.advance(1s);
    EXPECT_EQ(spending(use(part(1, 1))), Errc::kSadExpired);
}

TEST_F(SadTest, a_reboot_voids_it) {
    instance_.clock.reboot("22222222-2222-4222-8222-222222222222");
    EXPECT_EQ(spending(use(hashes_)), Errc::kSadExpired);
}

TEST_F(SadTest, survives_a_restart_of_the_process) {
    ASSERT_TRUE(spend(use(part(0, 1))));
    instance_.restart();
    EXPECT_EQ(spending(use(part(0, 1))), Errc::kHashNotAuthorized);
    EXPECT_TRUE(spend(use(part(1, 1))));
}

TEST_F(SadTest, a_transaction_that_fails_spends_nothing) {
    const Status failed = instance_.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_TRY(instance_.sads->check_and_spend(recorder, use(hashes_)));
        return fail(Errc::kStorageFull, "the Intent did not fit");
    });
    EXPECT_FALSE(failed);
    EXPECT_TRUE(spend(use(hashes_)));
}

TEST_F(SadTest, twenty_calls_at_once_for_one_hash_are_one_signature) {
    std::atomic<int> spent{0};
    std::atomic<int> refused{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 20; ++i)
            threads.emplace_back([&] {
                const Errc answer = spending(use(part(0, 1)));
                if (answer == Errc{}) ++spent;
                if (answer == Errc::kHashNotAuthorized) ++refused;
            });
    }
    EXPECT_EQ(spent, 1);
    EXPECT_EQ(refused, 19);
}

TEST_F(SadTest, hashes_given_back_can_be_used_again) {
    const auto spent = spend(use(part(0, 2)));
    ASSERT_TRUE(spent);
    ASSERT_TRUE(instance_.update(
        [&](audit::Recorder& recorder) { return instance_.sads->give_back(recorder, *spent, part(0, 2)); }));
    EXPECT_TRUE(spend(use(hashes_)));
}

TEST_F(SadTest, the_opening_key_goes_with_the_last_hash_and_comes_back_with_one_given_back) {
    const SecretBytes key = instance_.random.secret(32);
    SecretBytes early = instance_.random.secret(8);
    const auto sealed = seal_opening_key(early, key, credential_);
    ASSERT_TRUE(sealed);
    open(*sealed);
    const auto first = spend(use(part(0, 2)));
    ASSERT_TRUE(first);
    EXPECT_EQ(first->sealed_opening_key, *sealed);
    EXPECT_FALSE(opening_key(sad_.key).empty());
    const auto last = spend(use(part(2, 1)));
    ASSERT_TRUE(last);
    EXPECT_EQ(last->sealed_opening_key, *sealed);
    EXPECT_TRUE(opening_key(sad_.key).empty());

    ASSERT_TRUE(instance_.update(
        [&](audit::Recorder& recorder) { return instance_.sads->give_back(recorder, *last, part(2, 1)); }));
    const auto again = spend(use(part(2, 1)));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->sealed_opening_key, *sealed);

    instance_.clock.advance(301s);
    ASSERT_TRUE(instance_.update(
        [&](audit::Recorder& recorder) { return instance_.sads->give_back(recorder, *again, part(2, 1)); }));
    EXPECT_TRUE(opening_key(sad_.key).empty()) << "not after its expiry";
}

TEST_F(SadTest, at_expiry_the_opening_key_goes_and_the_row_stays_to_say_so) {
    const SecretBytes key = instance_.random.secret(32);
    const auto sealed = seal_opening_key(instance_.random.secret(8), key, credential_);
    ASSERT_TRUE(sealed);
    open(*sealed);
    Housekeeper housekeeper(*instance_.store, {});
    ASSERT_TRUE(housekeeper.run_once(instance_.clock.now()));
    EXPECT_FALSE(opening_key(sad_.key).empty());
    instance_.clock.advance(361s);
    ASSERT_TRUE(housekeeper.run_once(instance_.clock.now()));
    EXPECT_TRUE(opening_key(sad_.key).empty());
    EXPECT_EQ(spending(use(hashes_)), Errc::kSadExpired);
    instance_.clock.advance(24h);
    ASSERT_TRUE(housekeeper.run_once(instance_.clock.now()));
    EXPECT_EQ(spending(use(hashes_)), Errc::kSadExpired);
    instance_.clock.advance(1h);
    ASSERT_TRUE(housekeeper.run_once(instance_.clock.now()));
    EXPECT_EQ(spending(use(hashes_)), Errc::kSadInvalid) << "after 25 h";
}

class ExtendTest : public SadTest {
 protected:
    Result<Sads::Extension> extend(const SadUse& what, const NewSad& fresh) {
        return instance_.update(
            [&](audit::Recorder& recorder) { return instance_.sads->extend(recorder, what, fresh); });
    }
};

TEST_F(ExtendTest, a_subset_of_the_unspent_hashes_goes_on_and_the_old_sad_ends) {
    ASSERT_TRUE(spend(use(part(0, 1))));
    instance_.clock.advance(200s);
    const NewSad fresh = instance_.sads->generate();
    const auto extension = extend(use(part(1, 1)), fresh);
    ASSERT_TRUE(extension) << to_string(extension.error());
    EXPECT_EQ(extension->lifetime, 300s);
    EXPECT_EQ(extension->activation_index, 42U);
    EXPECT_EQ(extension->signer_id, signer_);
    EXPECT_EQ(spending(use(part(1, 1))), Errc::kSadInvalid) << "the old one";

    const auto with_fresh = [&](std::span<const Digest> hashes) {
        return SadUse{fresh.text, client_, credential_, record::HASH_TYPE_DTBSR, HashAlgorithm::kSha256,
                      hashes};
    };
    EXPECT_EQ(spending(with_fresh(part(2, 1))), Errc::kHashNotAuthorized) << "left out of the subset";
    EXPECT_EQ(spending(with_fresh(part(0, 1))), Errc::kHashNotAuthorized) << "spent before";
    instance_.clock.advance(299s);
    EXPECT_EQ(spending(with_fresh(part(1, 1))), Errc{});
}

TEST_F(ExtendTest, new_or_spent_hashes_are_refused_and_change_nothing) {
    ASSERT_TRUE(spend(use(part(0, 1))));
    const NewSad fresh = instance_.sads->generate();
    const std::vector<Digest> fresh_hash{hash_of("new")};
    for (const auto hashes : {std::span<const Digest>(fresh_hash), part(0, 1), part(0, 2)}) {
        const auto refused = extend(use(hashes), fresh);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::kHashNotAuthorized);
    }
    EXPECT_TRUE(spend(use(part(1, 2)))) << "the old one goes on";
}

TEST_F(ExtendTest, never_beyond_15_minutes_from_the_activation) {
    std::chrono::seconds passed{0};
    std::vector<std::chrono::seconds> lifetimes;
    while (true) {
        instance_.clock.advance(250s);
        passed += 250s;
        NewSad fresh = instance_.sads->generate();
        const auto extension = extend(use(hashes_), fresh);
        if (!extension) {
            EXPECT_EQ(extension.error().code, Errc::kSadExpired);
            break;
        }
        lifetimes.push_back(extension->lifetime);
        ASSERT_LE(passed + extension->lifetime, 900s);
        sad_ = std::move(fresh);
    }
    EXPECT_EQ(lifetimes, (std::vector<std::chrono::seconds>{300s, 300s, 150s}));
}

TEST_F(ExtendTest, the_type_of_hash_never_changes) {
    SadUse other = use(hashes_);
    other.hash_type = record::HASH_TYPE_SDR;
    const auto refused = extend(other, instance_.sads->generate());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kHashNotAuthorized);
    SadUse whichever = use(hashes_);
    whichever.hash_type = record::HASH_TYPE_UNSPECIFIED;
    const NewSad fresh = instance_.sads->generate();
    ASSERT_TRUE(extend(whichever, fresh));
    const SadUse as_document{fresh.text, client_, credential_, record::HASH_TYPE_SDR, HashAlgorithm::kSha256,
                             hashes_};
    EXPECT_EQ(spending(as_document), Errc::kHashNotAuthorized);
    SadUse as_hash = as_document;
    as_hash.hash_type = record::HASH_TYPE_DTBSR;
    EXPECT_EQ(spending(as_hash), Errc{});
}

TEST_F(ExtendTest, an_expired_sad_cannot_be_extended) {
    instance_.clock.advance(300s);
    const auto refused = extend(use(hashes_), instance_.sads->generate());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kSadExpired);
}

TEST_F(ExtendTest, the_opening_key_moves_to_the_new_sad) {
    const SecretBytes key = instance_.random.secret(32);
    sad_ = instance_.sads->generate();
    const auto sealed = seal_opening_key(sad_.text, key, credential_);
    ASSERT_TRUE(sealed);
    ASSERT_TRUE(instance_.update([&](audit::Recorder& recorder) {
        return instance_.sads->create(recorder, sad_,
                                      {client_, credential_, signer_, record::HASH_TYPE_DTBSR,
                                       HashAlgorithm::kSha256, hashes_, 42, *sealed});
    }));
    const NewSad fresh = instance_.sads->generate();
    ASSERT_TRUE(extend(use(hashes_), fresh));
    EXPECT_TRUE(opening_key(sad_.key).empty());
    const auto opened = open_opening_key(fresh.text, opening_key(fresh.key), credential_);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->equals(key.expose()));
}

TEST_F(ExtendTest, a_new_epoch_ends_every_sad) {
    ASSERT_TRUE(instance_.update([](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(const std::size_t erased, Sads::erase_some(recorder, 100));
        EXPECT_GE(erased, 1U);
        return {};
    }));
    EXPECT_EQ(spending(use(hashes_)), Errc::kSadInvalid);
}

}  // namespace
}  // namespace sigillo::activation::testing
