#include "tests/sigillod/attacker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "appliance/base/encoding.h"
#include "appliance/base/random.h"

namespace sigillo::testing {
namespace {

using Words = std::vector<std::string>;

const Words kSharedWords{"click", "totp", "pin", "hotp", "otp_sms", ""};

// What fields of a name can hold beside the ids that the attacker knows.
const std::map<std::string, Words>& words_of_fields() {
    static const std::map<std::string, Words> kWords{
        {"id", kSharedWords},
        {"type", kSharedWords},
        {"method", {"video", ""}},
        {"factors.key", kSharedWords},
        {"class", {"simple", "advanced", "qualified", "", "royal"}},
        {"key_algorithm", {"EC-P256", "EC-P256", "EC-P384", "EC-P521", ""}},
        {"policy",
         {"click", "totp", "click or totp", "totp and click", "pin", "click and pin", "hotp", "(click)", "()",
          ""}},
        {"certificate_source", {"embedded", "embedded", "csr", ""}},
        {"status", {"active", "suspended", "revoked", "deleted", ""}},
        {"country", {"IT", "DE", "Italy", ""}},
        {"pin", {"271828", "314159", "1", ""}},
        {"old_pin", {"271828", "314159", "000000"}},
        {"new_pin", {"271828", "314159", "111111"}},
        {"time", {"2026-11-23T00:00:00Z", ""}},
        {"reason", {"keyCompromise", "because", ""}},
    };
    return kWords;
}

const std::map<std::string, std::vector<std::uint64_t>>& numbers_of_fields() {
    static const std::map<std::string, std::vector<std::uint64_t>> kNumbers{
        {"hash_algorithm", {1, 1, 1, 2, 0, 99}},  {"hash_type", {1, 1, 2, 0, 3}},
        {"padding", {0, 0, 0, 1, 2, 9}},          {"limit", {0, 1, 1'000, 1'001, 0xffffffff}},
        {"multisign", {0, 1, 100, 1'000, 5'000}}, {"format", {1, 1, 2, 2, 0, 3}},
    };
    return kNumbers;
}

}  // namespace

std::string fake_sad(std::chrono::milliseconds age) {
    SystemRandom random;
    const auto issued = std::chrono::duration_cast<std::chrono::milliseconds>(
                            std::chrono::system_clock::now().time_since_epoch()) -
                        age;
    Bytes time;
    append_u64(time, static_cast<std::uint64_t>(issued.count()));
    Bytes raw(time.begin() + 2, time.end());
    append(raw, ByteView(random.bytes(32)));
    return base64url_encode(raw);
}

Attacker::Attacker(const Contract& contract, const ClientUnderTest& client, std::uint32_t seed)
    : contract_(contract), client_(client), dice_(seed) {
    know("hashes", std::string(as_text(ByteView(hash_of("another document")))));
    know("hashes", std::string(20, 'h'));
    know("hashes", std::string(64, 'H'));
    set_usual("hashes", std::string(as_text(ByteView(target_))));
    set_usual("digest", std::string(as_text(ByteView(target_))));
    for (const char* name : {"spki_sha256", "order_signature"}) {
        know(name, "");
        set_usual(name, std::string(as_text(ByteView(client.spki()))));
    }
    for (const char* name :
         {"credential_id", "signer_id", "factor_id", "client_id", "factors.value", "after"}) {
        know(name, "");
        know(name, std::string(32, '0'));
        know(name, std::string(32, 'A'));
        know(name, "../" + std::string(29, 'f'));
    }
}

void Attacker::know(const std::string& field, const std::string& value) {
    known_[field].push_back(value);
}

std::string Attacker::one_of(const Words& values) {
    return values[below(dice_, values.size())];
}

std::string Attacker::text(const ContractField& field) {
    if (const auto usual = usual_.find(field.name); usual != usual_.end() && below(dice_, 5) != 0)
        return usual->second;
    if (const auto known = known_.find(field.name); known != known_.end()) return one_of(known->second);
    if (const auto words = words_of_fields().find(field.name); words != words_of_fields().end())
        return one_of(words->second);
    if (field.name == "sad") {
        switch (below(dice_, 5)) {
            case 0:
                return fake_sad(std::chrono::minutes(20));
            case 1:
                return one_of({"", std::string(43, 'A'), std::string(51, 'A'), std::string(512, 'x')});
            case 2:
                return some_sad();
            default:
                return fake_sad();
        }
    }
    if (field.name == "value")  // of AuthData, and of identifiers
        return one_of({"000000", "123456", "271828", "314159", "", "{}", client_.click({target_}),
                       client_.click({target_, target_}), client_.click({})});
    return one_of({"", "x", "Ada", "Lovelace", std::string(300, 'y')});
}

std::uint64_t Attacker::number(const ContractField& field) {
    static const std::vector<std::uint64_t> kAny{0, 1, 2, 255, std::uint64_t{1} << 63};
    const auto found = numbers_of_fields().find(field.name);
    const auto& values = found != numbers_of_fields().end() ? found->second : kAny;
    return values[below(dice_, values.size())];
}

std::string Attacker::body(const ContractField& body) {
    const Contract::Values values{[this](const ContractField& field) { return text(field); },
                                  [this](const ContractField& field) { return number(field); }};
    return Contract::wrap(body.number, contract_.encode(body.type, values, dice_));
}

sam::SigningRequest Attacker::request(const ContractField& body) {
    sam::SigningRequest request;
    EXPECT_TRUE(request.ParseFromString(this->body(body))) << body.name;
    EXPECT_EQ(static_cast<std::uint32_t>(request.body_case()), body.number) << body.name;
    if (below(dice_, 8) == 0) request.mutable_client()->set_idempotency_key("once");
    return request;
}

std::string Attacker::some_sad() {
    if (grants_.empty()) return fake_sad();
    auto grant = grants_.begin();
    std::advance(grant, below(dice_, grants_.size()));
    return grant->first;
}

// Click evidence for exactly these hashes, or a PIN that the attacker enrolled: the factors that it can come
// by.
bool Attacker::shows_a_right_factor(const sam::Authorize& order) const {
    std::string all;
    for (const std::string& hash : order.hashes()) all += hash;
    const std::string wanted = base64_encode(sha256(as_bytes(all)));
    return std::ranges::any_of(order.auth_data(), [&](const sam::AuthData& datum) {
        if (datum.id() == "pin") return own_pins_.contains(datum.value());
        const auto evidence = nlohmann::json::parse(datum.value(), nullptr, false);
        return datum.id() == "click" && evidence.is_object() && evidence.value("hashesSHA256", "") == wanted;
    });
}

void Attacker::judge_grant(const sam::SigningRequest& request, const std::string& sad) {
    Grant grant;
    if (request.has_authorize()) {
        const auto& order = request.authorize();
        EXPECT_TRUE(shows_a_right_factor(order)) << order.auth_data_size() << " factors";
        grant = {order.credential_id(), order.hash_type(), {order.hashes().begin(), order.hashes().end()}};
    } else {
        ASSERT_TRUE(request.has_extend_transaction()) << "a SAD for " << request.body_case();
        const auto& order = request.extend_transaction();
        const auto old = grants_.find(order.sad());
        ASSERT_NE(old, grants_.end()) << "extended a SAD that was never granted";
        EXPECT_EQ(old->second.credential, order.credential_id());
        for (const std::string& hash : order.hashes()) EXPECT_TRUE(old->second.hashes.contains(hash));
        grant = {
            order.credential_id(), old->second.hash_type, {order.hashes().begin(), order.hashes().end()}};
        grants_.erase(old);
    }
    EXPECT_FALSE(victims.contains(grant.credential)) << "activated without its signer";
    EXPECT_EQ(sad.size(), fake_sad().size()) << "the fake ones look otherwise";
    grants_[sad] = grant;
    ++granted_total_;
}

void Attacker::judge_signatures(const std::string& credential, const std::string& sad,
                                std::uint32_t hash_type, const std::vector<std::string>& hashes, int count) {
    EXPECT_FALSE(victims.contains(credential)) << "signed without its signer";
    EXPECT_EQ(count, static_cast<int>(hashes.size()));
    const auto grant = grants_.find(sad);
    ASSERT_NE(grant, grants_.end()) << "signed with a SAD that was never granted";
    EXPECT_EQ(grant->second.credential, credential);
    EXPECT_EQ(grant->second.hash_type, hash_type) << "a SAD for one type of hash served the other";
    for (const std::string& hash : hashes) EXPECT_TRUE(grant->second.hashes.contains(hash));
    signatures_total_ += static_cast<std::size_t>(count);
}

sam::SigningResponse Attacker::try_it(const sam::SigningRequest& request) {
    auto answer = client_.ask(request);
    if (answer.has_authorized()) judge_grant(request, answer.authorized().sad());
    if (answer.has_signatures()) {
        EXPECT_TRUE(request.has_sign_hash()) << "signatures for " << request.body_case();
        const auto& order = request.sign_hash();
        judge_signatures(order.credential_id(), order.sad(), 1,
                         {order.hashes().begin(), order.hashes().end()},
                         answer.signatures().signatures_size());
    }
    if (answer.has_signed_documents()) {
        EXPECT_TRUE(request.has_sign_documents()) << "signed documents for " << request.body_case();
        const auto& order = request.sign_documents();
        std::vector<std::string> digests;
        for (const auto& document : order.documents()) {
            EXPECT_FALSE(document.has_revision()) << "nothing was ever deposited";
            digests.push_back(document.digest());
        }
        judge_signatures(order.credential_id(), order.sad(), 2, digests,
                         answer.signed_documents().documents_size());
    }
    if (answer.has_created_credential()) know("credential_id", answer.created_credential().credential_id());
    if (answer.has_signer() && request.has_create_signer()) know("signer_id", answer.signer().signer_id());
    if (answer.has_enrolled_factor()) {
        know("factor_id", answer.enrolled_factor().factor().factor_id());
        know("factors.value", answer.enrolled_factor().factor().factor_id());
        if (request.enrol_factor().type() == "pin") own_pins_.insert(request.enrol_factor().pin());
    }
    if (answer.has_done() && request.has_change_pin()) own_pins_.insert(request.change_pin().new_pin());
    return answer;
}

}  // namespace sigillo::testing
