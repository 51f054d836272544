#include "appliance/activation/click.h"

#include <gtest/gtest.h>

#include "appliance/base/encoding.h"
#include "tests/activation/instance.h"

namespace sigillo::activation::testing {
namespace {

const WallTime kNow = from_unix_millis(1'800'000'000'000);
const std::string kNonce = base64_encode(Bytes(16, 0x5a));
const std::string kHash = base64_encode(Bytes(32, 0x11));

std::string json(const std::string& time, const std::string& nonce, const std::string& hash,
                 const std::string& rest) {
    return R"({"time":)" + time + R"(,"nonce":")" + nonce + R"(","hashesSHA256":")" + hash +
           R"(","address":"a")" + rest + "}";
}
std::string good() {
    return json("1800000000", kNonce, kHash, R"(,"userAgent":"u")");
}

void expect_refused(const std::string& text, std::string_view why) {
    const auto evidence = parse_click(text, {});
    ASSERT_FALSE(evidence) << text;
    EXPECT_EQ(evidence.error().code, Errc::kAuthenticationFailed);
    EXPECT_EQ(evidence.error().field, "click");
    EXPECT_NE(evidence.error().detail.find(why), std::string::npos)
        << evidence.error().detail << " for " << text;
}

TEST(Click, evidence_has_exactly_five_members) {
    const auto evidence = parse_click(good(), {});
    ASSERT_TRUE(evidence) << to_string(evidence.error());
    EXPECT_EQ(evidence->time, 1'800'000'000);
    EXPECT_EQ(evidence->nonce, Bytes(16, 0x5a));
    EXPECT_EQ(evidence->hashes_sha256, Bytes(32, 0x11));
    EXPECT_EQ(evidence->address, "a");
    EXPECT_EQ(evidence->user_agent, "u");
    EXPECT_TRUE(parse_click(" " + good() + "\n", {})) << "blanks around are JSON";
}

TEST(Click, anything_else_is_refused_and_says_why) {
    expect_refused("", "no JSON");
    expect_refused("{", "no JSON");
    expect_refused(good() + "x", "no JSON");
    expect_refused("[]", "wrong type");
    expect_refused("7", "wrong type");
    expect_refused("\"text\"", "wrong type");
    expect_refused("{}", "needs time");
    expect_refused(json("1800000000", kNonce, kHash, ""), "needs time");
    expect_refused(json("1800000000", kNonce, kHash, R"(,"userAgent":"u","more":"x")"), "unknown member");
    expect_refused(json("1800000000", kNonce, kHash, R"(,"userAgent":"u","address":"b")"), "given twice");
    expect_refused(json("1800000000", kNonce, kHash, R"(,"userAgent":"u","time":1)"), "given twice");
    expect_refused(json("1800000000", kNonce, kHash, R"(,"userAgent":null)"), "wrong type");
    expect_refused(json("1800000000", kNonce, kHash, R"(,"userAgent":["u"])"), "wrong type");
    expect_refused(json("1800000000", kNonce, kHash, R"(,"userAgent":{"u":1})"), "nested");
    expect_refused(json("\"1800000000\"", kNonce, kHash, R"(,"userAgent":"u")"), "unknown member");
    expect_refused(json("1800000000.5", kNonce, kHash, R"(,"userAgent":"u")"), "wrong type");
    expect_refused(json("-1", kNonce, kHash, R"(,"userAgent":"u")"), "wrong type");
    expect_refused(json("18446744073709551615", kNonce, kHash, R"(,"userAgent":"u")"), "wrong type");
    expect_refused(json("1e400", kNonce, kHash, R"(,"userAgent":"u")"), "");
    expect_refused(json("1800000000", base64_encode(Bytes(15, 1)), kHash, R"(,"userAgent":"u")"), "nonce");
    expect_refused(json("1800000000", base64_encode(Bytes(65, 1)), kHash, R"(,"userAgent":"u")"), "nonce");
    expect_refused(json("1800000000", "not base64 at all!!!!!", kHash, R"(,"userAgent":"u")"), "nonce");
    expect_refused(json("1800000000", kNonce, base64_encode(Bytes(31, 1)), R"(,"userAgent":"u")"),
                   "hashesSHA256");
    expect_refused(json("1800000000", kNonce, kHash, ",\"userAgent\":\"\xff\""), "no JSON");
    expect_refused(json("1800000000", kNonce, kHash, R"(,"userAgent":")" + std::string(5'000, 'u') + "\""),
                   "longer than");
}

TEST(Click, deep_nesting_costs_nothing) {
    expect_refused(std::string(4'000, '['), "wrong type");
}

TEST(Click, time_is_accepted_300_s_around_now) {
    const std::vector<Digest> hashes = hashes_of(2);
    ClickEvidence evidence;
    evidence.hashes_sha256 = to_bytes(ByteView(hashes_digest(hashes)));
    for (const std::int64_t off : {-300, -1, 0, 1, 300}) {
        evidence.time = unix_seconds(kNow) + off;
        EXPECT_TRUE(check_click(evidence, hashes, kNow, {})) << off;
    }
    for (const std::int64_t off : {-301, 301, -1'800'000'000, 1'000'000'000}) {
        evidence.time = unix_seconds(kNow) + off;
        const auto verdict = check_click(evidence, hashes, kNow, {});
        ASSERT_FALSE(verdict) << off;
        EXPECT_EQ(verdict.error().code, Errc::kAuthenticationFailed);
    }
}

TEST(Click, hashes_are_all_of_them_in_order) {
    const std::vector<Digest> hashes = hashes_of(3);
    Bytes all;
    for (const Digest& hash : hashes) append(all, hash.bytes());
    EXPECT_EQ(hashes_digest(hashes), sha256(all));
    EXPECT_EQ(hashes_digest(std::span(hashes).first(1)), sha256(hashes[0].bytes()));

    ClickEvidence evidence;
    evidence.time = unix_seconds(kNow);
    evidence.hashes_sha256 = to_bytes(ByteView(hashes_digest(hashes)));
    EXPECT_TRUE(check_click(evidence, hashes, kNow, {}));
    const std::vector<Digest> swapped{hashes[1], hashes[0], hashes[2]};
    EXPECT_FALSE(check_click(evidence, swapped, kNow, {}));
    EXPECT_FALSE(check_click(evidence, std::span(hashes).first(2), kNow, {}));
}

TEST(Click, a_nonce_serves_a_credential_once_and_is_forgotten_after_its_time) {
    Instance instance;
    const CredentialId one = CredentialId::generate(instance.random);
    const CredentialId two = CredentialId::generate(instance.random);
    ClickEvidence evidence;
    evidence.time = unix_seconds(instance.clock.now());
    evidence.nonce = Bytes(16, 1);
    const auto spend = [&](const CredentialId& credential) {
        return instance.update([&](audit::Recorder& recorder) -> Status {
            return spend_nonce(recorder, credential, evidence, {}, instance.clock.now());
        });
    };
    EXPECT_TRUE(spend(one));
    const auto again = spend(one);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::kAlreadyExists);
    EXPECT_TRUE(spend(two)) << "nonces belong to credentials";
    std::size_t expiries = 0;
    ASSERT_TRUE(instance.ledger->view([&](ReadTransaction& txn) -> Status {
        return txn.scan(tables::kExpiries.space, {}, {},
                        [&](ByteView, ByteView) -> Result<bool> { return ++expiries > 0; });
    }));
    EXPECT_EQ(expiries, 2U);
}

}  // namespace
}  // namespace sigillo::activation::testing
