#include "appliance/activation/click.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "appliance/base/encoding.h"

namespace sigillo::activation {
namespace {

std::unexpected<Error> bad_click(std::string what) {
    return fail(Errc::kAuthenticationFailed, "click evidence: " + std::move(what), "click");
}

// One flat object of strings and one integer; anything else stops the parser.
class EvidenceReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
    std::optional<std::int64_t> time;
    std::optional<std::string> nonce;
    std::optional<std::string> hashes_sha256;
    std::optional<std::string> address;
    std::optional<std::string> user_agent;
    std::string problem;

    bool start_object(std::size_t) override { return inside_ ? wrong("nested objects") : (inside_ = true); }
    bool end_object() override { return true; }
    bool key(string_t& name) override {
        name_ = name;
        return true;
    }
    bool string(string_t& value) override {
        if (name_ == "nonce") return take(nonce, std::move(value));
        if (name_ == "hashesSHA256") return take(hashes_sha256, std::move(value));
        if (name_ == "address") return take(address, std::move(value));
        if (name_ == "userAgent") return take(user_agent, std::move(value));
        return misplaced();
    }
    bool number_integer(number_integer_t) override { return misplaced(); }  // negative
    bool number_unsigned(number_unsigned_t value) override {
        if (name_ != "time" || value > std::uint64_t{1} << 52U) return misplaced();
        return take(time, static_cast<std::int64_t>(value));
    }
    bool null() override { return misplaced(); }
    bool boolean(bool) override { return misplaced(); }
    bool number_float(number_float_t, const string_t&) override { return misplaced(); }
    bool binary(binary_t&) override { return misplaced(); }
    bool start_array(std::size_t) override { return misplaced(); }
    bool end_array() override { return misplaced(); }
    bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&) override {
        return wrong("no JSON at byte " + std::to_string(at));
    }

 private:
    bool wrong(std::string what) {
        problem = std::move(what);
        return false;
    }
    bool misplaced() { return wrong("an unknown member, or a value of the wrong type"); }
    template <class T>
    bool take(std::optional<T>& member, T value) {
        if (member) return wrong(name_ + " is given twice");
        member = std::move(value);
        return true;
    }

    bool inside_ = false;
    std::string name_;
};

}  // namespace

Sha256Value hashes_digest(std::span<const Digest> hashes) {
    if (hashes.size() == 1) return sha256(hashes.front().bytes());
    Bytes all;
    all.reserve(hashes.size() * 64);
    for (const Digest& hash : hashes) append(all, hash.bytes());
    return sha256(all);
}

Result<ClickEvidence> parse_click(std::string_view json, const ClickConfig& config) {
    if (json.size() > config.evidence_limit)
        return bad_click("longer than " + std::to_string(config.evidence_limit) + " bytes");
    EvidenceReader reader;
    if (!nlohmann::json::sax_parse(json, &reader)) return bad_click(reader.problem);
    if (!reader.time || !reader.nonce || !reader.hashes_sha256 || !reader.address || !reader.user_agent)
        return bad_click("needs time, nonce, hashesSHA256, address and userAgent");

    ClickEvidence evidence;
    evidence.time = *reader.time;
    auto nonce = base64_decode(*reader.nonce);
    if (!nonce || nonce->size() < config.nonce_least || nonce->size() > config.nonce_most)
        return bad_click("nonce must be base64 of " + std::to_string(config.nonce_least) + " to " +
                         std::to_string(config.nonce_most) + " bytes");
    evidence.nonce = *std::move(nonce);
    auto hashes = base64_decode(*reader.hashes_sha256);
    if (!hashes || hashes->size() != 32) return bad_click("hashesSHA256 must be base64 of 32 bytes");
    evidence.hashes_sha256 = *std::move(hashes);
    evidence.address = *std::move(reader.address);
    evidence.user_agent = *std::move(reader.user_agent);
    return evidence;
}

Status check_click(const ClickEvidence& evidence, std::span<const Digest> hashes, WallTime now,
                   const ClickConfig& config) {
    const std::int64_t seconds = unix_seconds(now);
    if (evidence.time < seconds - config.tolerance.count() ||
        evidence.time > seconds + config.tolerance.count())
        return bad_click("its time is more than " + std::to_string(config.tolerance.count()) +
                         " s away from now");
    if (!equal(evidence.hashes_sha256, hashes_digest(hashes))) return bad_click("it is for other hashes");
    return {};
}

Status spend_nonce(audit::Recorder& recorder, const CredentialId& credential, const ClickEvidence& evidence,
                   const ClickConfig& config, WallTime now) {
    const Bytes key = key_of(credential.str(), as_text(evidence.nonce));
    SIGILLO_TRY(recorder.create(tables::kClickNonces, key, record::Empty()));
    const WallTime accepted_until = from_unix_millis(evidence.time * 1'000) + config.tolerance;
    return recorder.expire_at(std::max(accepted_until, now) + config.nonce_margin, tables::kClickNonces, key);
}

}  // namespace sigillo::activation
