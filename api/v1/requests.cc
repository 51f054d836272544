#include "api/v1/requests.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "api/json/decode.h"
#include "api/v1/use_position.h"
#include "appliance/base/encoding.h"
#include "appliance/base/ids.h"

namespace sigillo::api::v1 {
namespace {

using json::ObjectReader;

constexpr std::uint32_t kDefaultPage = 100;
constexpr std::uint32_t kLargestPage = 1000;
constexpr int kLongestChain = 8;      // a leaf, its CA, a root, and room for cross-certificates
constexpr int kMostIdentifiers = 16;  // a person has few; bounds the record

std::unexpected<Problem> stop(Problem problem) {
    return std::unexpected(std::move(problem));
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+')
            out.push_back(' ');
        else if (text[i] != '%')
            out.push_back(text[i]);
        else {
            unsigned byte = 0;
            if (text.size() - i < 3) return std::nullopt;
            const char* from = text.data() + i + 1;
            if (std::from_chars(from, from + 2, byte, 16).ptr != from + 2 || byte == 0) return std::nullopt;
            out.push_back(static_cast<char>(byte));
            i += 2;
        }
    }
    if (json::find_invalid_utf8(out) != std::string_view::npos) return std::nullopt;
    return out;
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
    Number value{};
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [stopped, error] = std::from_chars(begin, end, value);
    if (text.empty() || error != std::errc{} || stopped != end) return std::nullopt;
    return value;
}

Outcome<std::uint32_t> page_limit(const Request& request) {
    const auto text = request.query_value("limit");
    if (!text) return kDefaultPage;
    const auto limit = number_of<std::uint32_t>(*text);
    if (!limit || *limit < 1 || *limit > kLargestPage)
        return stop(invalid("limit", "limit is a number from 1 to 1000"));
    return *limit;
}

Outcome<bool> known_queries(const Request& request, const std::set<std::string_view>& known) {
    for (const auto& [name, value] : request.query)
        if (!known.contains(name)) return stop(invalid(name, name + " is not a parameter of this request"));
    return true;
}

// The members of "name", "identifiers" and "identification".
void read_name(ObjectReader& body, sam::Person& person) {
    const auto* name = body.required_object("name");
    if (name == nullptr) return;
    ObjectReader reader(*name, "name.");
    person.set_given(reader.required_text("given"));
    person.set_family(reader.required_text("family"));
    if (const auto& fault = reader.finish()) body.blame(*fault);
}

void read_identifiers(ObjectReader& body, sam::Person& person) {
    const auto* items = body.array("identifiers");
    if (items == nullptr) return;
    if (items->size() > kMostIdentifiers) body.invalid("identifiers");
    for (const auto& item : *items) {
        const auto* object = item.object();
        if (object == nullptr) {
            body.blame({json::Fault::Kind::kWrongType, "array of objects", "identifiers"});
            return;
        }
        ObjectReader reader(*object, "identifiers.");
        auto& identifier = *person.add_identifiers();
        identifier.set_type(reader.required_text("type"));
        identifier.set_value(reader.required_text("value"));
        if (const auto& fault = reader.finish()) body.blame(*fault);
    }
}

void read_identification(ObjectReader& body, sam::Person& person) {
    const auto* object = body.object("identification");
    if (object == nullptr) return;
    ObjectReader reader(*object, "identification.");
    auto& identification = *person.mutable_identification();
    identification.set_method(reader.required_text("method"));
    identification.set_reference(reader.text("reference"));
    identification.set_time(reader.text("time"));
    if (const auto& fault = reader.finish()) body.blame(*fault);
}

}  // namespace

Outcome<json::Object> decode_body(std::string_view body) {
    auto value = json::decode(body);
    if (!value) return stop(invalid(value.error().field, value.error().detail));
    auto* object = std::get_if<json::Object>(&value->data);
    if (object == nullptr) return stop(invalid({}, "the body must be a JSON object"));
    return std::move(*object);
}

Outcome<std::string> path_id(const std::string& value, std::string_view parameter) {
    if (!is_id(value)) return stop(from_error({Errc::kNotFound, {}, std::string(parameter)}));
    return value;
}

Outcome<sam::CreateSigner> decode_create_signer(const json::Object& body) {
    ObjectReader reader(body);
    sam::CreateSigner out;
    auto& person = *out.mutable_person();
    read_name(reader, person);
    person.set_country(reader.required_text("country"));
    person.set_organization(reader.text("organization"));
    person.set_email(reader.text("email"));
    person.set_phone(reader.text("phone"));
    person.set_language(reader.text("language"));
    read_identifiers(reader, person);
    read_identification(reader, person);
    person.set_external_reference(reader.text("externalReference"));
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));
    return out;
}

Outcome<sam::EnrolFactor> decode_enrol_factor(const json::Object& body, const std::string& signer_id) {
    ObjectReader reader(body);
    sam::EnrolFactor out;
    out.set_signer_id(signer_id);
    out.set_type(reader.required_text("type"));
    const auto* pin = reader.string("pin");
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));
    if (out.type() == "pin" && pin == nullptr)
        return stop({400, Errc::kMissingArgument, "pin is missing: a factor of type pin is made with its PIN",
                     "pin"});
    if (out.type() != "pin" && pin != nullptr)
        return stop(invalid("pin", "only a factor of type pin takes a pin"));
    if (pin != nullptr) out.set_pin(*pin);
    return out;
}

Outcome<sam::ChangePin> decode_change_pin(const json::Object& body, const std::string& signer_id,
                                          const std::string& factor_id) {
    ObjectReader reader(body);
    sam::ChangePin out;
    out.set_signer_id(signer_id);
    out.set_factor_id(factor_id);
    out.set_old_pin(reader.required_text("old"));
    out.set_new_pin(reader.required_text("new"));
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));
    return out;
}

Outcome<sam::CreateCredential> decode_create_credential(const json::Object& body) {
    ObjectReader reader(body);
    sam::CreateCredential out;
    out.set_signer_id(reader.required_text("signerID"));
    out.set_class_(reader.required_text("class"));
    const bool disposable = reader.boolean("disposable", false);
    if (const auto* key = reader.required_object("key")) {
        ObjectReader inner(*key, "key.");
        out.set_key_algorithm(inner.required_text("algo"));
        if (const auto& fault = inner.finish()) reader.blame(*fault);
    }
    out.set_policy(reader.required_text("activation"));
    if (const auto* factors = reader.object("factors")) {
        for (const auto& [word, id] : *factors) {
            if (id.string() == nullptr)
                reader.blame({json::Fault::Kind::kWrongType, "string", "factors." + word});
            else
                (*out.mutable_factors())[word] = *id.string();
        }
    }
    const auto* multisign = reader.integer("multisign");
    if (const auto* certificate = reader.required_object("certificate")) {
        ObjectReader inner(*certificate, "certificate.");
        out.set_certificate_source(inner.required_text("source"));
        if (const auto& fault = inner.finish()) reader.blame(*fault);
    }
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));
    if (!is_id(out.signer_id())) return stop(from_error({Errc::kNotFound, {}, "signerID"}));
    if (disposable)
        return stop({400, Errc::kUnsupported, "disposable credentials are not available yet", "disposable"});
    for (const auto& [word, id] : out.factors())
        if (!is_id(id)) return stop(from_error({Errc::kNotFound, {}, "factors." + word}));
    if (multisign != nullptr) {
        if (*multisign < 1 || *multisign > 1000)
            return stop(invalid("multisign", "multisign is a number from 1 to 1000"));
        out.set_multisign(static_cast<std::uint32_t>(*multisign));
    }
    return out;
}

Outcome<sam::SetCertificate> decode_set_certificate(const json::Object& body,
                                                    const std::string& credential_id) {
    ObjectReader reader(body);
    sam::SetCertificate out;
    out.set_credential_id(credential_id);
    const auto* chain = reader.required_array("chain");
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));
    if (chain->empty() || chain->size() > kLongestChain)
        return stop(invalid("chain", "chain holds 1 to 8 certificates, the signer's first"));
    for (const auto& item : *chain) {
        const auto* text = item.string();
        auto der = text != nullptr ? base64_decode(*text) : Result<Bytes>(std::unexpected(Error{}));
        if (!der || der->empty())
            return stop(invalid("chain", "each element of chain is a DER certificate in standard base64"));
        out.add_chain()->assign(as_text(*der));
    }
    return out;
}

Outcome<sam::SetStatus> decode_set_status(const json::Object& body, const std::string& credential_id) {
    ObjectReader reader(body);
    sam::SetStatus out;
    out.set_credential_id(credential_id);
    out.set_status(reader.required_text("status"));
    out.set_reason(reader.text("reason"));
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));
    if (out.status() != "active" && out.status() != "suspended" && out.status() != "revoked")
        return stop(invalid("status", "status is active, suspended or revoked"));
    return out;
}

Outcome<sam::ListSigners> decode_list_signers(const Request& request) {
    if (auto known = known_queries(request, {"after", "limit", "externalReference"}); !known)
        return stop(known.error());
    sam::ListSigners out;
    const auto limit = page_limit(request);
    if (!limit) return stop(limit.error());
    out.mutable_page()->set_limit(*limit);
    if (const auto after = request.query_value("after")) {
        if (!is_id(*after)) return stop(invalid("after", "after is the last signerID of the page before"));
        out.mutable_page()->set_after(std::string(*after));
    }
    if (const auto reference = request.query_value("externalReference")) {
        const auto decoded = percent_decode(*reference);
        if (!decoded) return stop(invalid("externalReference", "externalReference is not URL-encoded UTF-8"));
        out.set_external_reference(*decoded);
    }
    return out;
}

Outcome<sam::ListUses> decode_list_uses(const Request& request, const std::string& credential_id) {
    if (auto known = known_queries(request, {"after", "limit"}); !known) return stop(known.error());
    sam::ListUses out;
    out.set_credential_id(credential_id);
    const auto limit = page_limit(request);
    if (!limit) return stop(limit.error());
    out.set_limit(*limit);
    if (const auto after = request.query_value("after")) {
        const auto number = number_of<std::uint64_t>(*after);
        const auto position = number ? position_of(*number) : std::nullopt;
        if (!position) return stop(invalid("after", "after is the last index of the page before"));
        out.set_after_epoch(position->epoch);
        out.set_after(position->index);
        out.set_has_after(true);
    }
    return out;
}

}  // namespace sigillo::api::v1
