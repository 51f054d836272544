#include "appliance/sigillod/documents.h"

#include <algorithm>

#include "appliance/sigillod/codec.h"

namespace sigillo {
namespace {

Result<ades::Format> format_of(std::uint32_t format) {
    for (const auto known : {ades::Format::kCades, ades::Format::kPades})
        if (format == static_cast<std::uint32_t>(known)) return known;
    return fail(Errc::kInvalidArgument, "neither CAdES nor PAdES", "signature_format");
}

Result<ades::SignedProperties> to_properties(const sam::SignedProperties& message) {
    ades::SignedProperties properties;
    properties.commitment_types.assign(message.commitment_types().begin(), message.commitment_types().end());
    if (message.has_signer_location()) {
        const auto& from = message.signer_location();
        properties.signer_location = ades::SignerLocation{
            from.country(), from.locality(), {from.postal_address().begin(), from.postal_address().end()}};
    }
    if (message.has_signature_policy()) {
        const auto& from = message.signature_policy();
        auto hash = Digest::create(static_cast<HashAlgorithm>(std::min(from.hash_algorithm(), 255U)),
                                   as_bytes(from.hash()));
        if (!hash)
            return fail(Errc::kInvalidArgument, "signature-policy-identifier: its hash is no SHA-2 digest",
                        "signed_props");
        properties.signature_policy = ades::SignaturePolicy{from.oid(), *hash, from.uri()};
    }
    if (message.has_content_hints())
        properties.content_hints =
            ades::ContentHints{message.content_hints().description(), message.content_hints().content_type()};
    properties.mime_type = message.mime_type();
    return properties;
}

// The message digest of a document: its own, or that of the deposited revision's ByteRange.
Result<Digest> message_digest(const sam::DocumentToSign& document, const Digest& authorised,
                              Deposits& deposits, const signing::RevisionLimits& limits) {
    if (!document.has_revision()) return authorised;
    const sam::PreparedRevision& revision = document.revision();
    SIGILLO_ASSIGN(const Deposits::Deposit deposit, deposits.take(as_bytes(revision.deposit())));
    signing::PreparedRevision prepared;
    prepared.fd = deposit.fd.get();
    prepared.size = deposit.size;
    prepared.original_size = revision.original_size();
    if (static_cast<std::size_t>(revision.byte_range_size()) != prepared.byte_range.size())
        return fail(Errc::kInvalidArgument, "a ByteRange has four numbers", "revision");
    std::ranges::copy(revision.byte_range(), prepared.byte_range.begin());
    return signing::digest_of_revision(prepared, authorised, limits);
}

}  // namespace

Bytes answer_deposit(Deposits& deposits, ipc::FdMessage message) {
    sam::DepositRequest request;
    if (!request.ParseFromArray(message.payload.data(), static_cast<int>(message.payload.size())) ||
        request.id() == 0)
        return {};  // ends the connection, as a frame without an id does
    sam::DepositResponse response;
    response.set_id(request.id());
    const auto name =
        message.fds.size() == 1
            ? deposits.put(std::move(message.fds.front()))
            : Result<Bytes>(fail(Errc::kInvalidArgument, "a deposit is one descriptor", "deposit"));
    if (name) {
        response.mutable_deposited()->set_deposit(name->data(), name->size());
        response.mutable_deposited()->set_expires_in_s(
            static_cast<std::uint32_t>(deposits.lifetime().count()));
    } else {
        *response.mutable_error() = to_message(name.error());
    }
    return to_bytes(response.SerializeAsString());
}

Result<signing::SignRequest> to_sign_request(const sam::SignDocuments& body, const RegisteredClient& client,
                                             Deposits& deposits, const DocumentLimits& limits,
                                             std::size_t documents_per_call) {
    signing::SignRequest request;
    request.client = client.id;
    request.tenant = client.tenant;
    SIGILLO_ASSIGN(request.credential, CredentialId::parse(body.credential_id()));
    request.sad = SecretBytes::copy_of(body.sad());
    if (body.padding() > static_cast<std::uint32_t>(SignaturePadding::kPss))
        return fail(Errc::kInvalidArgument, "unknown signature padding", "signAlgo");
    if (body.documents().empty()) return fail(Errc::kMissingArgument, "no document", "documents");
    if (static_cast<std::size_t>(body.documents_size()) > documents_per_call)
        return fail(Errc::kLimitExceeded,
                    "one call takes at most " + std::to_string(documents_per_call) + " documents",
                    "documents");
    google::protobuf::RepeatedPtrField<std::string> digests;
    for (const sam::DocumentToSign& document : body.documents()) *digests.Add() = document.digest();
    SIGILLO_ASSIGN(request.hashes, to_digests(body.hash_algorithm(), digests));
    request.scheme = {static_cast<SignaturePadding>(body.padding()),
                      static_cast<HashAlgorithm>(body.hash_algorithm())};

    request.documents.reserve(request.hashes.size());
    for (std::size_t i = 0; i < request.hashes.size(); ++i) {
        const sam::DocumentToSign& document = body.documents(static_cast<int>(i));
        SIGILLO_ASSIGN(const ades::Format format, format_of(document.format()));
        if (format == ades::Format::kCades && document.has_revision())
            return fail(Errc::kInvalidArgument, "only a PDF has revisions", "revision");
        SIGILLO_ASSIGN(const ades::SignedProperties properties, to_properties(document.properties()));
        SIGILLO_ASSIGN(ades::EncodedProperties encoded,
                       ades::encode_properties(format, properties, limits.properties));
        // Last, since it can take a while: a digest of the whole file.
        SIGILLO_ASSIGN(const Digest message,
                       message_digest(document, request.hashes[i], deposits, limits.revision));
        request.documents.push_back({format, message, std::move(encoded)});
    }
    return request;
}

sam::SignedDocuments to_message(const signing::Signed& made) {
    sam::SignedDocuments message;
    for (std::size_t i = 0; i < made.signatures.size() && i < made.signed_attributes.size(); ++i) {
        sam::SignedDocument& document = *message.add_documents();
        document.set_signed_attributes(made.signed_attributes[i].data(), made.signed_attributes[i].size());
        document.set_signature(made.signatures[i].data(), made.signatures[i].size());
    }
    for (const Bytes& certificate : made.chain) message.add_chain(certificate.data(), certificate.size());
    return message;
}

}  // namespace sigillo
