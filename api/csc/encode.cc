#include "api/csc/encode.h"

#include <algorithm>
#include <array>

#include "api/csc/algorithms.h"
#include "api/json/writer.h"
#include "appliance/base/clock.h"

namespace sigillo::api::csc {
namespace {

using json::Writer;

// What works; the rest of Table 4 is added as it comes.
constexpr std::array<std::string_view, 7> kMethods = {"info",
                                                      "credentials/list",
                                                      "credentials/info",
                                                      "credentials/authorize",
                                                      "credentials/extendTransaction",
                                                      "signatures/signHash",
                                                      "signatures/timestamp"};
constexpr std::array<std::string_view, 2> kDocumentMethods = {"signatures/signDoc", "signatures/signPolling"};
constexpr std::array<std::string_view, 4> kLevels = {"Ades-B-B", "Ades-B-T", "Ades-B-LT", "Ades-B-LTA"};

// How each word of an activation policy is shown (§8.3.1). All of them reach us through the client, in band.
struct FactorObject {
    std::string_view id, format, generator, label, description;
};
constexpr std::array kFactorObjects = {
    FactorObject{"click", "", "", "Confirmation",
                 "JSON text: time, nonce, hashesSHA256, address and userAgent of the signer's confirmation"},
    FactorObject{"pin", "", "", "PIN", "The PIN that the signer chose for this factor"},
    FactorObject{"totp", "N", "totp", "One-time password",
                 "The code that the signer's authenticator app shows now"},
    FactorObject{"hotp", "N", "hotp", "One-time password", "The next code of the signer's token"},
};

struct PolicyWords {
    std::string expression;               // with CSC's AND and OR
    std::vector<std::string_view> words;  // each once, in order
};

PolicyWords read_policy(std::string_view policy) {
    PolicyWords out;
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    for (std::size_t i = 0; i < policy.size();) {
        if (!letter(policy[i])) {
            out.expression.push_back(policy[i++]);
            continue;
        }
        std::size_t end = i;
        while (end < policy.size() && letter(policy[end])) ++end;
        const auto word = policy.substr(i, end - i);
        i = end;
        if (word == "and")
            out.expression += "AND";
        else if (word == "or")
            out.expression += "OR";
        else {
            out.expression += word;
            if (std::ranges::find(out.words, word) == out.words.end()) out.words.push_back(word);
        }
    }
    return out;
}

std::string_view certificate_status(const sam::Credential& credential) {
    if (credential.status() == "revoked" || credential.status() == "deleted") return "revoked";
    if (credential.status() == "suspended") return "suspended";
    return credential.certificate_expired() ? "expired" : "valid";
}

std::string time_text(std::int64_t millis) {
    return generalized_time(from_unix_millis(millis));
}

// §11.5 has no member of its own for a lockout. A key that no factor can activate now is disabled; that it is
// so for a lockout's sake stands in `description`, free text there, and authorize says `Credential locked`.
constexpr std::string_view kLocked = "Locked after too many wrong factors";

void write_key(Writer& out, const sam::Credential& credential) {
    out.key("key").begin_object();
    out.member("status", credential.status() == "active" && !credential.locked() ? "enabled" : "disabled");
    const auto key = key_description(credential.key_algorithm());
    out.key("algo").begin_array();
    if (key)
        for (const auto oid : key->algorithms) out.string(oid);
    out.end_array();
    out.key("len").integer(key ? key->bits : 0);
    if (key) out.optional_member("curve", key->curve);
    out.end_object();
}

void write_certificate(Writer& out, const sam::Credential& credential, const CredentialView& view) {
    out.key("cert").begin_object();
    if (credential.chain_size() > 0) {
        out.member("status", certificate_status(credential));
        if (view.certificates != Certificates::kNone) {
            out.key("certificates").begin_array();
            const int count = view.certificates == Certificates::kChain ? credential.chain_size() : 1;
            for (int i = 0; i < count; ++i) out.base64(as_bytes(credential.chain(i).der()));
            out.end_array();
        }
        if (view.cert_info) {
            const auto& leaf = credential.chain(0);
            out.member("issuerDN", leaf.issuer_dn());
            out.member("serialNumber", leaf.serial_hex());
            out.member("subjectDN", leaf.subject_dn());
            out.member("validFrom", time_text(leaf.not_before_ms()));
            out.member("validTo", time_text(leaf.not_after_ms()));
        }
    }
    out.end_object();
}

void write_auth(Writer& out, const sam::Credential& credential) {
    const auto policy = read_policy(credential.policy());
    out.key("auth").begin_object();
    out.member("mode", "explicit");
    out.member("expression", policy.expression);
    out.key("objects").begin_array();
    for (const auto word : policy.words) {
        const auto object = std::ranges::find(kFactorObjects, word, &FactorObject::id);
        out.begin_object();
        out.member("type", "Password");
        out.member("id", word);
        if (object != kFactorObjects.end()) {
            out.optional_member("format", object->format);
            out.optional_member("generator", object->generator);
            out.member("label", object->label);
            out.member("description", object->description);
        }
        out.end_object();
    }
    out.end_array().end_object();
}

void write_body(Writer& out, const sam::Credential& credential, const CredentialView& view) {
    if (credential.locked()) out.member("description", kLocked);
    out.optional_member("signatureQualifier", credential.signature_qualifier());
    write_key(out, credential);
    write_certificate(out, credential, view);
    if (view.auth_info) write_auth(out, credential);
    out.member("SCAL", "1");  // factors pass through the client: SCAL2 comes with the signer's own page
    out.key("multisign").integer(credential.multisign());
    out.member("lang", "en-US");
}

}  // namespace

std::string encode_service_info(const ServiceInfo& info, bool documents) {
    Writer out;
    out.begin_object();
    out.member("specs", "2.0.0.2").member("name", info.name).member("logo", info.logo);
    out.member("region", info.region).member("lang", info.lang).member("description", info.description);
    out.key("authType").begin_array().string("TLS").end_array();
    out.key("asynchronousOperationMode").boolean(documents);
    out.key("methods").begin_array();
    for (const auto method : kMethods) out.string(method);
    if (documents)
        for (const auto method : kDocumentMethods) out.string(method);
    out.end_array();
    out.key("validationInfo").boolean(documents);
    out.key("signAlgorithms").begin_object().key("algos").begin_array();
    for (const auto oid : all_sign_algorithms()) out.string(oid);
    out.end_array();
    out.end_object();
    // Without signDoc there are none; the members are required all the same.
    out.key("signature_formats").begin_object();
    out.key("formats").begin_array();
    if (documents) out.string("C").string("P");
    out.end_array().key("envelope_properties").begin_array();
    if (documents) {
        out.begin_array().string("Detached").string("Attached").string("Parallel").end_array();
        out.begin_array().string("Certification").string("Revision").end_array();
    }
    out.end_array().end_object();
    out.key("conformance_levels").begin_array();
    if (documents)
        for (const auto level : kLevels) out.string(level);
    out.end_array();
    out.end_object();
    return out.take();
}

std::string encode_credential(const sam::Credential& credential, const CredentialView& view) {
    Writer out;
    out.begin_object();
    write_body(out, credential, view);
    out.end_object();
    return out.take();
}

std::string encode_list(const std::vector<sam::Credential>& credentials, const ListRequest& request) {
    Writer out;
    out.begin_object();
    out.key("credentialIDs").begin_array();
    for (const auto& credential : credentials) out.string(credential.credential_id());
    out.end_array();
    if (request.credential_info) {
        out.key("credentialInfos").begin_array();
        for (const auto& credential : credentials) {
            out.begin_object().member("credentialID", credential.credential_id());
            write_body(out, credential, request.view);
            out.end_object();
        }
        out.end_array();
    }
    if (request.only_valid) out.key("onlyValid").boolean(true);
    out.end_object();
    return out.take();
}

std::string encode_authorized(const sam::Authorized& authorized) {
    Writer out;
    out.begin_object().member("SAD", authorized.sad());
    out.key("expiresIn").integer(authorized.expires_in_s()).end_object();
    return out.take();
}

std::string encode_signatures(const sam::Signatures& signatures) {
    Writer out;
    out.begin_object().key("signatures").begin_array();
    for (const auto& signature : signatures.signatures()) out.base64(as_bytes(signature));
    out.end_array().end_object();
    return out.take();
}

}  // namespace sigillo::api::csc
