#include "tests/bench/signing_work.h"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include "appliance/base/encoding.h"
#include "tests/bench/json_text.h"

namespace sigillo::bench {
namespace {

constexpr std::string_view kSha256 = "2.16.840.1.101.3.4.2.1";
constexpr std::string_view kEcdsaSha256 = "1.2.840.10045.4.3.2";
constexpr std::string_view kRsaSha256 = "1.2.840.113549.1.1.11";
constexpr std::size_t kNonceBytes = 16;

std::uint64_t random_start() {
    std::uint64_t start = 0;
    std::array<unsigned char, sizeof start> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) throw std::runtime_error("RAND_bytes failed");
    std::memcpy(&start, bytes.data(), sizeof start);
    return start;
}

// splitmix64: different for each count, which is all that a nonce or a digest of nothing has to be here.
void fill(std::span<std::uint8_t> out, std::uint64_t& counter) {
    for (std::size_t at = 0; at < out.size(); at += sizeof(std::uint64_t)) {
        std::uint64_t mixed = (counter += 0x9e3779b97f4a7c15U);
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
        mixed ^= mixed >> 31;
        std::memcpy(out.data() + at, &mixed, sizeof mixed);
    }
}

std::string unix_seconds() {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(
                              std::chrono::system_clock::now().time_since_epoch()).count());
}

}  // namespace

SigningWork::SigningWork(SigningPlan plan, std::size_t connections)
    : plan_(std::move(plan)), connections_(connections), slots_(connections), counter_(random_start()) {
    if (plan_.credentials.size() < connections)
        throw std::runtime_error("fewer credentials than connections: they would wait for each other");
    // Whole rounds only, so that a credential always meets the same connection.
    plan_.credentials.resize(plan_.credentials.size() / connections * connections);
    for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].next = i;
}

// Fills slot.hashes; returns base64 of SHA-256 over the digests in order, for the evidence.
std::string SigningWork::make_hashes(Slot& slot) {
    std::vector<std::uint8_t> digests(plan_.batch * SHA256_DIGEST_LENGTH);
    fill(digests, counter_);
    slot.hashes = "[";
    for (std::size_t i = 0; i < plan_.batch; ++i) {
        slot.hashes += i == 0 ? "\"" : ",\"";
        slot.hashes += base64_encode(std::span(digests).subspan(i * SHA256_DIGEST_LENGTH, SHA256_DIGEST_LENGTH));
        slot.hashes += '"';
    }
    slot.hashes += ']';
    std::array<std::uint8_t, SHA256_DIGEST_LENGTH> all{};
    SHA256(digests.data(), digests.size(), all.data());
    return base64_encode(all);
}

std::optional<std::string> SigningWork::begin(std::size_t number) {
    if (plan_.documents != 0 && started_ == plan_.documents) return std::nullopt;
    ++started_;
    Slot& slot = slots_[number];
    slot.credential = plan_.credentials[slot.next];
    slot.next = (slot.next + connections_) % plan_.credentials.size();
    slot.authorized = false;
    const std::string all = make_hashes(slot);
    std::array<std::uint8_t, kNonceBytes> nonce{};
    fill(nonce, counter_);
    std::string json = R"({"credentialID":")" + slot.credential + R"(","numSignatures":)" + std::to_string(plan_.batch) +
                       R"(,"hashes":)" + slot.hashes + R"(,"hashAlgorithmOID":")";
    json.append(kSha256)
        .append(R"(","authData":[{"id":"click","value":"{\"time\":)")
        .append(unix_seconds())
        .append(R"(,\"nonce\":\")")
        .append(base64_encode(nonce))
        .append(R"(\",\"hashesSHA256\":\")")
        .append(all)
        .append(R"(\",\"address\":\"127.0.0.1\",\"userAgent\":\"bench\"}"}]})");
    return post_request("/csc/v2/credentials/authorize", json);
}

std::optional<std::string> SigningWork::go_on(std::size_t number, const HttpAnswer& answer) {
    Slot& slot = slots_[number];
    if (answer.status != 200)
        throw std::runtime_error((slot.authorized ? "signHash answered " : "authorize answered ") +
                                 std::to_string(answer.status) + ": " + std::string(answer.body));
    if (slot.authorized) {
        const auto quotes = std::ranges::count(answer.body.substr(answer.body.find('[') + 1), '"');
        if (static_cast<std::size_t>(quotes) != 2 * plan_.batch) throw std::runtime_error("not as many signatures as hashes");
        return std::nullopt;
    }
    slot.authorized = true;
    std::string json = R"({"credentialID":")" + slot.credential + R"(","SAD":")" + text_member(answer.body, "SAD") +
                       R"(","hashes":)" + slot.hashes + R"(,"hashAlgorithmOID":")";
    json.append(kSha256).append(R"(","signAlgo":")").append(plan_.rsa ? kRsaSha256 : kEcdsaSha256).append("\"}");
    return post_request("/csc/v2/signatures/signHash", json);
}

}  // namespace sigillo::bench
