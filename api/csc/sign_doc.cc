#include "api/csc/sign_doc.h"

#include <algorithm>
#include <array>

#include "api/csc/algorithms.h"
#include "api/csc/requests.h"
#include "api/documents/visible_signature.h"
#include "api/json/reader.h"
#include "appliance/base/encoding.h"
#include "appliance/base/ids.h"

namespace sigillo::api::csc {
namespace {

using documents::Envelope;
using documents::Format;
using documents::Level;
using documents::RequestBody;
using documents::SignatureOrder;
using json::ObjectReader;

constexpr std::array<std::pair<std::string_view, Level>, 8> kLevels = {{{"ades-b-b", Level::kB},
                                                                        {"ades-b-t", Level::kT},
                                                                        {"ades-b-lt", Level::kLt},
                                                                        {"ades-b-lta", Level::kLta},
                                                                        {"ades-b", Level::kB},
                                                                        {"ades-t", Level::kT},
                                                                        {"ades-lt", Level::kLt},
                                                                        {"ades-lta", Level::kLta}}};
constexpr std::array<std::string_view, 8> kQualifiers = {
    "eu_eidas_qes",    "eu_eidas_aes",      "eu_eidas_aesqc", "eu_eidas_qeseal",
    "eu_eidas_aeseal", "eu_eidas_aesealqc", "za_ecta_aes",    "za_ecta_oes"};
constexpr std::size_t kLongestUri = 2'048;

std::unexpected<Failure> stop(Failure failure) {
    return std::unexpected(std::move(failure));
}

// The table of signed_envelope_property (§11.11), by what there is to envelop.
std::optional<Envelope> envelope_of(const std::string* value, Format format, bool from_digest) {
    if (format == Format::kPades) {
        if (value == nullptr || *value == "Certification") return Envelope::kCertification;
        if (*value == "Revision") return Envelope::kApproval;
        return std::nullopt;
    }
    // Around a digest nothing can be attached, nor anything added to a document that is not here.
    if (from_digest)
        return value == nullptr || *value == "Detached" ? std::optional(Envelope::kDetached) : std::nullopt;
    if (value == nullptr || *value == "Attached") return Envelope::kAttached;
    if (*value == "Detached") return Envelope::kDetached;
    if (*value == "Parallel") return Envelope::kParallel;
    return std::nullopt;
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
}

// What both kinds of entries have. `out` has everything but the document or the digests.
Outcome<SignatureOrder> read_common(ObjectReader& reader, bool from_digest) {
    const auto format = reader.required_text("signature_format");
    const auto* level = reader.string("conformance_level");
    const auto sign_algo = reader.required_text("signAlgo");
    const auto* params = reader.string("signAlgoParams");
    const auto* hash_oid = reader.string("hashAlgorithmOID");
    const auto* props = reader.array("signed_props");
    const auto* envelope = reader.string("signed_envelope_property");
    if (reader.failed()) return stop(from_fault(*reader.fault()));

    SignatureOrder order;
    if (format != "C" && format != "P") return stop(invalid("signature_format"));
    order.format = format == "C" ? Format::kCades : Format::kPades;
    if (level != nullptr) {
        const auto known = conformance_level(*level);
        if (!known) return stop(invalid("conformance_level"));
        order.level = *known;
    }
    // A document comes without a hash of its own: then SHA-256, unless the algorithm says another.
    const auto algorithm = sign_algorithm(sign_algo);
    const bool open = algorithm && !algorithm->hash && algorithm->padding != Padding::kPss;
    const std::string sha256(sigillo::hash_oid(HashAlgorithm::kSha256));
    const auto scheme =
        scheme_of(sign_algo, params, open && !from_digest && hash_oid == nullptr ? &sha256 : hash_oid);
    if (!scheme) return stop(scheme.error());
    order.hash = scheme->hash;
    order.padding = static_cast<std::uint32_t>(scheme->padding);
    if (props != nullptr) {
        auto known = documents::read_signed_props(*props, order.format);
        if (!known) return stop(failure("Invalid parameter signed_props (" + joined(known.error()) + ")"));
        order.props = std::move(*known);
    }
    const auto place = envelope_of(envelope, order.format, from_digest);
    if (!place) return stop(invalid("signed_envelope_property"));
    order.envelope = *place;
    return order;
}

// Validation data of a PDF stand in the PDF, which is not here: they can only go beside the signature, for
// the client to put them there. An archive time-stamp covers the PDF itself.
Outcome<bool> bring_within_reach(SignatureOrder& order, bool validation_info) {
    if (order.format != Format::kPades || order.level <= Level::kT) return true;
    if (order.level > Level::kLt || !validation_info) return stop(invalid("conformance_level"));
    order.level = Level::kT;
    return true;
}

// One entry is as many orders as it has hashes.
Outcome<bool> read_digests(const json::Value& entry, std::size_t limit, bool validation_info,
                           std::vector<SignatureOrder>& out) {
    const auto* object = entry.object();
    if (object == nullptr) return stop(failure(kInvalidDigests));
    ObjectReader reader(*object);
    reader.note("hashes");
    const json::Value* hashes = json::find(*object, "hashes");
    auto order = read_common(reader, true);
    if (!order) return stop(order.error());
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));
    if (auto near = bring_within_reach(*order, validation_info); !near) return stop(near.error());
    // The text says array, its own example has a string.
    json::Array one;
    const json::Array* list = hashes != nullptr ? hashes->array() : nullptr;
    if (list == nullptr && hashes != nullptr && hashes->string() != nullptr) {
        one.push_back(*hashes);
        list = &one;
    }
    if (list == nullptr) return stop(missing("array", "hashes"));
    if (list->empty()) return stop(failure(kEmptyHashes));
    for (const auto& item : *list) {
        const auto* text = item.string();
        auto raw = text != nullptr ? base64_decode(*text) : Result<Bytes>(std::unexpected(Error{}));
        if (!raw) return stop(failure(kInvalidBase64Hashes));
        if (raw->size() != digest_size(order->hash)) return stop(failure(kInvalidLength));
        if (out.size() >= limit) return stop(failure(kTooManySignatures));
        out.push_back(*order);
        out.back().digest = std::string(as_text(*raw));
    }
    return true;
}

bool is_http_uri(std::string_view uri) {
    return uri.size() <= kLongestUri && (uri.starts_with("https://") || uri.starts_with("http://")) &&
           std::ranges::all_of(
               uri, [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>'; });
}

}  // namespace

std::optional<Level> conformance_level(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    for (const auto& [name, level] : kLevels)
        if (name == text) return level;
    return std::nullopt;
}

Outcome<SignatureOrder> decode_document(const json::Object& entry, const RequestBody& body) {
    ObjectReader reader(entry);
    const json::Value* document = json::find(entry, "document");
    reader.note("document");
    if (document == nullptr || (document->string() == nullptr && document->blob() == nullptr))
        return stop(missing("string", "document"));
    const auto* visible = reader.object("visible_signature");
    const auto* certification = reader.integer("certification_level");
    auto order = read_common(reader, false);
    if (!order) return order;
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));
    if (visible != nullptr) {
        if (order->format != Format::kPades) return stop(invalid("visible_signature"));
        if (auto read = documents::read_visible_signature(*visible, body, order->appearance); !read)
            return stop(from_fault(read.error()));
    }
    // What may change after a certification (DocMDP): ours, as visible_signature is.
    if (certification != nullptr) {
        if (order->envelope != Envelope::kCertification || *certification < 1 || *certification > 3)
            return stop(invalid("certification_level"));
        order->appearance.set_certification(static_cast<std::uint32_t>(*certification));
    }
    auto content = documents::content_of(*document, body);
    if (!content) {
        if (content.error().code == Errc::kInvalidArgument) return stop(failure(kInvalidBase64Documents));
        return stop(from_error(content.error()));
    }
    order->document = std::move(*content);
    return order;
}

Outcome<std::optional<AsyncOrder>> decode_mode(const json::Object& body, const AsyncLimits& limits) {
    ObjectReader reader(body);
    const auto* mode = reader.string("operationMode");
    const auto* validity = reader.integer("validity_period");
    const auto* response_uri = reader.string("response_uri");
    if (reader.failed()) return stop(from_fault(*reader.fault()));
    if (mode != nullptr && *mode != "S" && *mode != "A") return stop(invalid("operationMode"));
    if (mode == nullptr || *mode == "S") {
        if (validity != nullptr) return stop(invalid("validity_period"));
        if (response_uri != nullptr) return stop(invalid("response_uri"));
        return std::optional<AsyncOrder>();
    }
    AsyncOrder order{.validity = limits.default_validity, .response_uri = {}};
    if (validity != nullptr) {
        if (*validity <= 0) return stop(invalid("validity_period"));
        if (*validity > limits.max_validity.count()) return stop(failure(kValidityOutOfBounds));
        order.validity = std::chrono::milliseconds(*validity);
    }
    if (response_uri != nullptr) {
        if (!limits.callbacks || !is_http_uri(*response_uri)) return stop(invalid("response_uri"));
        order.response_uri = *response_uri;
    }
    return std::optional(std::move(order));
}

Outcome<SignDocRequest> decode_sign_doc(const RequestBody& body, const SignDocLimits& limits) {
    ObjectReader reader(body.object);
    SignDocRequest out;
    const auto* qualifier = reader.string("signatureQualifier");
    // At least one of the two (§11.11): a SAD is for one credential, so that it is named already.
    const json::Value* credential = json::find(body.object, "credentialID");
    const bool named = qualifier == nullptr || (credential != nullptr && !credential->is_null());
    reader.note("credentialID");
    if (named) out.credential_id = reader.required_text("credentialID");
    out.sad = reader.required_text("SAD");
    const json::Value* digests = json::find(body.object, "documentDigests");
    const json::Value* whole = json::find(body.object, "documents");
    reader.note("documentDigests");
    reader.note("documents");
    for (const auto name : {"operationMode", "response_uri"}) reader.string(name);
    reader.integer("validity_period");
    out.validation_info = reader.boolean("returnValidationInfo", false);
    reader.string("clientData");
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));

    if (named && !is_id(out.credential_id)) return stop(invalid("credentialID"));
    if (qualifier != nullptr) {
        if (std::ranges::find(kQualifiers, *qualifier) == kQualifiers.end())
            return stop(invalid("signatureQualifier"));
        out.qualifier = *qualifier;
    }
    if (!is_sad(out.sad)) return stop(invalid("SAD"));
    auto async = decode_mode(body.object, limits.async);
    if (!async) return stop(async.error());
    out.async = std::move(*async);

    const auto absent = [](const json::Value* value) { return value == nullptr || value->is_null(); };
    if (!absent(digests) && digests->array() == nullptr) return stop(failure(kInvalidDigests));
    if (!absent(whole) && whole->array() == nullptr) return stop(failure(kInvalidDocuments));
    if (!absent(digests) && !absent(whole)) return stop(failure(kBothDocuments));
    const json::Array* list = !absent(digests) ? digests->array() : !absent(whole) ? whole->array() : nullptr;
    if (list == nullptr || list->empty()) return stop(failure(kNeitherDocuments));
    out.from_digests = !absent(digests);
    for (const auto& entry : *list) {
        if (out.from_digests) {
            if (auto read = read_digests(entry, limits.documents, out.validation_info, out.orders); !read)
                return stop(read.error());
            continue;
        }
        if (out.orders.size() >= limits.documents) return stop(failure(kTooManySignatures));
        if (entry.object() == nullptr) return stop(failure(kInvalidDocuments));
        auto order = decode_document(*entry.object(), body);
        if (!order) return stop(order.error());
        out.orders.push_back(std::move(*order));
    }
    return out;
}

Outcome<PollRequest> decode_sign_polling(const json::Object& body) {
    ObjectReader reader(body);
    PollRequest out;
    out.request_id = reader.required_text("requestID");
    // The service knows no users of its own: whoever registered the client speaks for them.
    const auto* user = reader.string("userID");
    reader.string("clientData");
    if (const auto& fault = reader.finish()) {
        if (fault->field == "clientData") return stop(invalid("clientData"));
        if (fault->field == "userID") return stop(failure("Invalid parameter \"userID\""));
        return stop(from_fault(*fault));
    }
    if (user != nullptr && !is_id(*user)) return stop(failure("Invalid parameter \"userID\""));
    if (!is_id(out.request_id)) return stop(invalid("requestID"));
    return out;
}

}  // namespace sigillo::api::csc
