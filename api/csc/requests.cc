#include "api/csc/requests.h"

#include <algorithm>
#include <optional>

#include "api/csc/algorithms.h"
#include "api/json/decode.h"
#include "api/json/reader.h"
#include "appliance/base/encoding.h"
#include "appliance/base/ids.h"

namespace sigillo::api::csc {
namespace {

using json::ObjectReader;

// record.HashType: what a SAD is for.
constexpr std::uint32_t kSadsOwn = 0;     // extendTransaction: as it was
constexpr std::uint32_t kDtbsr = 1;       // signHash signs the hash as it is given
constexpr std::uint32_t kSdr = 2;         // signDoc signs SignedAttributes around the document's digest
constexpr std::size_t kLongestSad = 512;  // ours has 51 characters
constexpr std::size_t kLongestDescription = 500;  // §11.6; in bytes

std::unexpected<Failure> stop(Failure failure) {
    return std::unexpected(std::move(failure));
}

Outcome<Certificates> certificates_of(const std::string* value) {
    if (value == nullptr || *value == "single") return Certificates::kSingle;
    if (*value == "none") return Certificates::kNone;
    if (*value == "chain") return Certificates::kChain;
    return stop(invalid("certificates"));
}

// CSC API v2.2 §11.6: hashType. v2.0 has none: dtbsr.
std::optional<std::uint32_t> read_hash_type(const std::string* text, std::uint32_t otherwise) {
    if (text == nullptr) return otherwise;
    if (*text == "dtbsr") return kDtbsr;
    if (*text == "sdr") return kSdr;
    return std::nullopt;
}

// Appends to a protobuf field of bytes.
template <class Field>
Outcome<bool> read_hashes(const json::Array& hashes, HashAlgorithm algorithm, const RequestLimits& limits,
                          Field& out) {
    if (hashes.empty()) return stop(failure(kEmptyHashes));
    if (hashes.size() > limits.hashes) return stop(failure(kTooManySignatures));
    bool lengths_fit = true;
    for (const auto& item : hashes) {
        const auto* text = item.string();
        if (text == nullptr) return stop(failure(kInvalidBase64));
        auto raw = base64_decode(*text);
        if (!raw) return stop(failure(kInvalidBase64));
        lengths_fit = lengths_fit && raw->size() == digest_size(algorithm);
        out.Add()->assign(as_text(*raw));
    }
    if (!lengths_fit) return stop(failure(kInvalidLength));
    return true;
}

// hashAlgorithmOID where nothing else says which hash it is.
Outcome<HashAlgorithm> required_hash_algorithm(const std::string* oid) {
    if (oid == nullptr) return stop(missing("string", "hashAlgorithmOID"));
    const auto hash = hash_from_oid(*oid);
    if (!hash) return stop(invalid("hashAlgorithmOID"));
    return *hash;
}

Outcome<bool> read_auth_data(const json::Array* items, sam::Authorize& out) {
    if (items == nullptr) return true;
    for (const auto& item : *items) {
        const auto* object = item.object();
        if (object == nullptr) return stop(invalid("authData"));
        ObjectReader reader(*object);
        auto& data = *out.add_auth_data();
        data.set_id(reader.required_text("id"));
        data.set_value(reader.text("value"));
        if (reader.finish()) return stop(invalid("authData"));
    }
    return true;
}

}  // namespace

bool is_sad(std::string_view sad) {
    return !sad.empty() && sad.size() <= kLongestSad &&
           std::ranges::all_of(sad, [](char c) { return c > 0x20 && c < 0x7f; });
}

Outcome<Scheme> scheme_of(const std::string& sign_algo, const std::string* params,
                          const std::string* hash_oid) {
    const auto algorithm = sign_algorithm(sign_algo);
    if (!algorithm) return stop(invalid("signAlgo"));
    auto implied = algorithm->hash;
    if (algorithm->padding == Padding::kPss) {
        if (params == nullptr) return stop(missing("string", "signAlgoParams"));
        const auto der = base64_decode(*params);
        if (der) implied = pss_hash(*der);
        if (!der || !implied) return stop(invalid("signAlgoParams"));
    } else if (params != nullptr && *params != "BQA=") {  // NULL, which RSA's identifiers carry, says nothing
        return stop(invalid("signAlgoParams"));
    }
    if (!implied) {
        const auto hash = required_hash_algorithm(hash_oid);
        if (!hash) return stop(hash.error());
        return Scheme{algorithm->padding, *hash};
    }
    if (hash_oid != nullptr) {
        const auto hash = hash_from_oid(*hash_oid);
        if (!hash) return stop(invalid("hashAlgorithmOID"));
        if (*hash != *implied) return stop(failure(kContradiction));
    }
    return Scheme{algorithm->padding, *implied};
}

Outcome<json::Object> decode_body(std::string_view body, bool may_be_empty) {
    if (body.empty() && may_be_empty) return json::Object{};
    auto value = json::decode(body);
    if (!value) {
        const auto& error = value.error();
        return stop(failure(error.field.empty() ? error.detail : error.detail + ": " + error.field));
    }
    auto* object = std::get_if<json::Object>(&value->data);
    if (object == nullptr) return stop(failure("the body must be a JSON object"));
    return std::move(*object);
}

Outcome<std::string> decode_service_info(const json::Object& body) {
    ObjectReader reader(body);
    auto lang = reader.text("lang");
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));
    return lang;
}

Outcome<ListRequest> decode_list(const json::Object& body) {
    ObjectReader reader(body);
    ListRequest out;
    out.signer_id = reader.required_text("userID");
    out.credential_info = reader.boolean("credentialInfo", false);
    const auto* certificates = reader.string("certificates");
    out.view.cert_info = reader.boolean("certInfo", false);
    out.view.auth_info = reader.boolean("authInfo", false);
    out.only_valid = reader.boolean("onlyValid", false);
    reader.string("lang");
    reader.string("clientData");
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));
    if (!is_id(out.signer_id)) return stop(invalid("userID"));
    const auto which = certificates_of(certificates);
    if (!which) return stop(which.error());
    out.view.certificates = *which;
    return out;
}

Outcome<InfoRequest> decode_info(const json::Object& body) {
    ObjectReader reader(body);
    InfoRequest out;
    out.credential_id = reader.required_text("credentialID");
    const auto* certificates = reader.string("certificates");
    out.view.cert_info = reader.boolean("certInfo", false);
    out.view.auth_info = reader.boolean("authInfo", false);
    reader.string("lang");
    reader.string("clientData");
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));
    if (!is_id(out.credential_id)) return stop(invalid("credentialID"));
    const auto which = certificates_of(certificates);
    if (!which) return stop(which.error());
    out.view.certificates = *which;
    return out;
}

Outcome<sam::Authorize> decode_authorize(const json::Object& body, const RequestLimits& limits) {
    ObjectReader reader(body);
    sam::Authorize out;
    out.set_credential_id(reader.required_text("credentialID"));
    const std::int64_t count = reader.required_integer("numSignatures");
    const auto* hashes = reader.required_array("hashes");
    const auto* hash_oid = reader.string("hashAlgorithmOID");
    const auto* auth_data = reader.array("authData");
    out.set_description(reader.text("description"));
    out.set_client_data(reader.text("clientData"));
    const auto* hash_type = reader.string("hashType");
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));

    if (!is_id(out.credential_id())) return stop(invalid("credentialID"));
    if (count < 1) return stop(failure(kInvalidNumSignatures));
    if (count > static_cast<std::int64_t>(limits.hashes)) return stop(failure(kTooManySignatures));
    const auto hash = required_hash_algorithm(hash_oid);
    if (!hash) return stop(hash.error());
    if (out.description().size() > kLongestDescription) return stop(invalid("description"));
    if (auto read = read_auth_data(auth_data, out); !read) return stop(std::move(read).error());

    if (auto read = read_hashes(*hashes, *hash, limits, *out.mutable_hashes()); !read)
        return stop(std::move(read).error());
    if (static_cast<std::int64_t>(hashes->size()) != count) return stop(failure(kInvalidNumSignatures));
    const auto type = read_hash_type(hash_type, kDtbsr);
    if (!type) return stop(invalid("hashType"));
    out.set_hash_type(*type);
    out.set_hash_algorithm(static_cast<std::uint32_t>(*hash));
    return out;
}

Outcome<sam::ExtendTransaction> decode_extend_transaction(const json::Object& body,
                                                          const RequestLimits& limits) {
    ObjectReader reader(body);
    sam::ExtendTransaction out;
    out.set_credential_id(reader.required_text("credentialID"));
    out.set_sad(reader.required_text("SAD"));
    const auto* hashes = reader.required_array("hashes");
    const auto* hash_oid = reader.string("hashAlgorithmOID");
    reader.string("clientData");
    const auto* hash_type = reader.string("hashType");
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));

    if (!is_id(out.credential_id())) return stop(invalid("credentialID"));
    if (!is_sad(out.sad())) return stop(invalid("SAD"));
    const auto hash = required_hash_algorithm(hash_oid);
    if (!hash) return stop(hash.error());
    const auto type = read_hash_type(hash_type, kSadsOwn);
    if (!type) return stop(invalid("hashType"));
    out.set_hash_type(*type);
    if (auto read = read_hashes(*hashes, *hash, limits, *out.mutable_hashes()); !read)
        return stop(std::move(read).error());
    out.set_hash_algorithm(static_cast<std::uint32_t>(*hash));
    return out;
}

Outcome<sam::SignHash> decode_sign_hash(const json::Object& body, const RequestLimits& limits) {
    ObjectReader reader(body);
    sam::SignHash out;
    out.set_credential_id(reader.required_text("credentialID"));
    out.set_sad(reader.required_text("SAD"));
    const auto* hashes = reader.required_array("hashes");
    const auto* hash_oid = reader.string("hashAlgorithmOID");
    const std::string sign_algo = reader.required_text("signAlgo");
    const auto* params = reader.string("signAlgoParams");
    for (const auto name : {"operationMode", "response_uri", "clientData"}) reader.string(name);
    reader.integer("validity_period");
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));

    if (!is_id(out.credential_id())) return stop(invalid("credentialID"));
    if (!is_sad(out.sad())) return stop(invalid("SAD"));
    const auto scheme = scheme_of(sign_algo, params, hash_oid);
    if (!scheme) return stop(scheme.error());
    if (auto read = read_hashes(*hashes, scheme->hash, limits, *out.mutable_hashes()); !read)
        return stop(std::move(read).error());
    out.set_hash_algorithm(static_cast<std::uint32_t>(scheme->hash));
    out.set_padding(static_cast<std::uint32_t>(scheme->padding));
    return out;
}

// §11.13. Which nonces are too long, sigillod knows.
Outcome<sam::TimeStamp> decode_time_stamp(const json::Object& body) {
    ObjectReader reader(body);
    sam::TimeStamp out;
    const std::string hash = reader.required_text("hash");
    const std::string algorithm = reader.required_text("hashAlgo");
    const auto* nonce = reader.string("nonce");
    reader.string("clientData");
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));

    const auto known = hash_from_oid(algorithm);
    if (!known) return stop(invalid("hashAlgo"));
    if (hash.empty()) return stop(failure(kEmptyHash));
    const auto digest = base64_decode(hash);
    if (!digest) return stop(failure(kInvalidBase64));
    if (digest->size() != digest_size(*known)) return stop(failure(kInvalidLength));
    out.set_hash(static_cast<std::uint32_t>(*known));
    out.set_digest(std::string(as_text(*digest)));
    out.set_cert_req(true);
    if (nonce != nullptr) {
        std::string digits = nonce->size() % 2 == 0 ? *nonce : "0" + *nonce;
        for (char& c : digits)
            if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
        const auto number = hex_decode(digits);
        if (nonce->empty() || !number) return stop(invalid("nonce"));
        // The content octets of a positive INTEGER: the shortest, and without a sign (X.690 §8.3).
        Bytes content = *number;
        const auto first = std::ranges::find_if(content, [](std::uint8_t octet) { return octet != 0; });
        content.erase(content.begin(), first);
        if (content.empty() || content.front() >= 0x80) content.insert(content.begin(), 0);
        out.set_nonce(std::string(as_text(content)));
    }
    return out;
}

}  // namespace sigillo::api::csc
