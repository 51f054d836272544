#include "appliance/activation/evidence.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "appliance/activation/click.h"
#include "appliance/base/aead.h"

namespace sigillo::activation {
namespace {

constexpr std::size_t kSaltSize = 32;
constexpr std::size_t kHashesPerLeaf = 256;  // 23 KiB of SHA-512 in base64: well inside a leaf

// A JSON string, or kInvalidArgument: nlohmann checks UTF-8 as it writes.
Result<std::string> json_string(std::string_view text, std::string_view field) {
    try {
        return nlohmann::json(std::string(text)).dump();
    } catch (const nlohmann::json::exception&) {
        return fail(Errc::kInvalidArgument, "not UTF-8", std::string(field));
    }
}

std::vector<Bytes> raw(std::span<const Digest> hashes) {
    std::vector<Bytes> values;
    values.reserve(hashes.size());
    for (const Digest& hash : hashes) values.push_back(to_bytes(hash.bytes()));
    return values;
}

Bytes associated_data(ByteView row) {
    return concat(as_bytes(tables::kEvidence.space.name), row);
}

}  // namespace

Status check_utf8(std::string_view text, std::string_view field) {
    if (!text.empty()) SIGILLO_TRY(json_string(text, field));
    return {};
}

Result<std::optional<Evidence>> make_evidence(std::string_view click, std::string_view description,
                                              std::string_view client_data, Random& random) {
    struct Member {
        std::string_view name;
        std::string_view text;
    };
    std::string body;
    for (const Member member :
         {Member{"clientData", client_data}, Member{"click", click}, Member{"description", description}}) {
        if (member.text.empty()) continue;
        SIGILLO_ASSIGN(const std::string text, json_string(member.text, member.name));
        body += body.empty() ? '{' : ',';
        body += '"';
        body += member.name;
        body += "\":";
        body += text;
    }
    if (body.empty()) return std::optional<Evidence>();
    body += '}';
    Evidence evidence;
    evidence.salt = random.bytes(kSaltSize);
    evidence.digest = sha256({evidence.salt, as_bytes(body)});
    evidence.body = std::move(body);
    return std::optional<Evidence>(std::move(evidence));
}

EvidenceKeeper::EvidenceKeeper(const RecordCodec& codec, Random& random, std::chrono::days retention)
    : random_(random), retention_(retention) {
    Bytes key = codec.keyed_digest("evidence sealing key", {});
    key_ = SecretBytes::copy_of(key);
    cleanse(key);
}

SecretBytes EvidenceKeeper::key_of_row(ByteView salt) const {
    return hkdf_sha256(key_.expose(), salt, "sigillo evidence", kAeadKeySize);
}

Status EvidenceKeeper::keep(audit::Recorder& recorder, std::uint64_t index, const Evidence& evidence) const {
    const Bytes row = number_key(recorder.epoch(), index);
    const Bytes nonce = random_.bytes(kAeadNonceSize);
    const SecretBytes key = key_of_row(evidence.salt);
    SIGILLO_ASSIGN(const Bytes sealed,
                   aead_seal(key.expose(), nonce, as_bytes(evidence.body), associated_data(row)));
    const Bytes body = concat(nonce, sealed);
    record::Evidence record;
    record.set_salt(evidence.salt.data(), evidence.salt.size());
    record.set_sealed_body(body.data(), body.size());
    SIGILLO_TRY(recorder.create(tables::kEvidence, row, record));
    return recorder.expire_at(recorder.clock().now() + retention_, tables::kEvidence, row);
}

Result<Evidence> EvidenceKeeper::open(ReadTransaction& txn, const RecordCodec& codec, std::uint64_t epoch,
                                      std::uint64_t index) const {
    const Bytes row = number_key(epoch, index);
    SIGILLO_ASSIGN(const auto record, require(txn, codec, tables::kEvidence, row, "evidence"));
    const ByteView sealed = as_bytes(record.value.sealed_body());
    if (sealed.size() < kAeadNonceSize) return fail(Errc::kCorrupt, "evidence: shorter than its nonce");
    Evidence evidence;
    evidence.salt = to_bytes(record.value.salt());
    const SecretBytes key = key_of_row(evidence.salt);
    SIGILLO_ASSIGN(const SecretBytes body, aead_open(key.expose(), sealed.first(kAeadNonceSize),
                                                     sealed.subspan(kAeadNonceSize), associated_data(row)));
    evidence.body = std::string(as_text(body.expose()));
    evidence.digest = sha256({evidence.salt, body.expose()});
    return evidence;
}

namespace {

Error no_evidence() {
    return {Errc::kNotFound,
            "no evidence is kept for this entry: it is no activation, had none, or it was erased", "index"};
}

Status log_order(audit::Recorder& recorder, std::string_view type, const EvidenceKeeper::Order& order) {
    auto event = recorder.event(type);
    event.set("officer", order.officer).set("reason", order.reason).set("activation", order.index);
    if (order.epoch != 0 && order.epoch != recorder.epoch()) event.set("activation_epoch", order.epoch);
    SIGILLO_TRY(recorder.log(std::move(event)));
    return {};
}

std::uint64_t epoch_of(const audit::Recorder& recorder, const EvidenceKeeper::Order& order) {
    return order.epoch != 0 ? order.epoch : recorder.epoch();
}

}  // namespace

Result<Evidence> EvidenceKeeper::show(audit::Recorder& recorder, const Order& order) const {
    auto found = open(recorder.transaction(), recorder.codec(), epoch_of(recorder, order), order.index);
    if (!found && found.error().code == Errc::kNotFound) return std::unexpected(no_evidence());
    if (!found) return std::unexpected(std::move(found).error());
    SIGILLO_TRY(log_order(recorder, "evidence.shown", order));
    return found;
}

Status EvidenceKeeper::erase(audit::Recorder& recorder, const Order& order) {
    const Bytes row = number_key(epoch_of(recorder, order), order.index);
    // As bytes: a damaged row can be erased, too.
    SIGILLO_ASSIGN(const auto stored, recorder.transaction().get(tables::kEvidence.space, row));
    if (!stored) return std::unexpected(no_evidence());
    SIGILLO_TRY(recorder.erase(tables::kEvidence, row));
    return log_order(recorder, "evidence.erased", order);
}

std::string_view hash_type_name(record::HashType type) {
    return type == record::HASH_TYPE_SDR ? "sdr" : "dtbsr";
}

Result<std::uint64_t> log_with_hashes(audit::Recorder& recorder, audit::Event event, ByteView sad_digest,
                                      HashAlgorithm algorithm, std::span<const Digest> hashes) {
    event.set_base64("sad_sha256", sad_digest)
        .set("hash_algorithm", hash_oid(algorithm))
        .set("hash_count", std::uint64_t{hashes.size()})
        .set_base64("hashes_sha256", hashes_digest(hashes))
        .set_base64_list("hashes", raw(hashes.first(std::min(hashes.size(), kHashesPerLeaf))));
    SIGILLO_ASSIGN(const std::uint64_t index, recorder.log(std::move(event)));
    for (std::size_t first = kHashesPerLeaf; first < hashes.size(); first += kHashesPerLeaf) {
        auto more = recorder.event("activation.hashes");
        more.set_base64("sad_sha256", sad_digest)
            .set("first", std::uint64_t{first})
            .set_base64_list("hashes",
                             raw(hashes.subspan(first, std::min(hashes.size() - first, kHashesPerLeaf))));
        SIGILLO_TRY(recorder.log(std::move(more)));
    }
    return index;
}

}  // namespace sigillo::activation
