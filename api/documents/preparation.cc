#include "api/documents/preparation.h"

#include "api/documents/levels.h"
#include "api/documents/work.h"
#include "appliance/ades/signed_attributes.h"

namespace sigillo::api::documents {
namespace {

using File = std::shared_ptr<MemoryFile>;

Result<ades::SignedProperties> typed(const sam::SignedProperties& properties) {
    ades::SignedProperties out;
    out.commitment_types = {properties.commitment_types().begin(), properties.commitment_types().end()};
    if (properties.has_signer_location()) {
        const auto& location = properties.signer_location();
        out.signer_location = {location.country(),
                               location.locality(),
                               {location.postal_address().begin(), location.postal_address().end()}};
    }
    if (properties.has_signature_policy()) {
        const auto& policy = properties.signature_policy();
        SIGILLO_ASSIGN(const Digest hash, Digest::create(static_cast<HashAlgorithm>(policy.hash_algorithm()),
                                                         as_bytes(policy.hash())));
        out.signature_policy = {policy.oid(), hash, policy.uri()};
    }
    if (properties.has_content_hints())
        out.content_hints = {properties.content_hints().description(),
                             properties.content_hints().content_type()};
    out.mime_type = properties.mime_type();
    return out;
}

// What signHash is to sign. sigillod makes the same for signDoc; there it decides, here the client does, who
// has the key's activation for exactly this digest.
Result<Bytes> attributes_of(const Work& work, const sam::Credential& credential, WallTime now) {
    const auto format = work.order.format == Format::kPades ? ades::Format::kPades : ades::Format::kCades;
    SIGILLO_ASSIGN(const Digest message, message_digest(work));
    SIGILLO_ASSIGN(const auto properties, typed(work.order.props.properties));
    SIGILLO_ASSIGN(const auto encoded, ades::encode_properties(format, properties));
    return ades::signed_attributes(
        {.format = format,
         .message = message,
         .scheme = {static_cast<SignaturePadding>(work.order.padding), work.order.hash},
         .certificate = as_bytes(credential.chain(0).der()),
         .signing_time = now,
         .properties = encoded});
}

prepared::Record record_of(const Caller& caller, const std::string& credential_id,
                           const sam::Credential& credential, const Work& work, ByteView attributes) {
    prepared::Record record;
    record.set_client(caller.name());
    record.set_credential_id(credential_id);
    record.set_format(static_cast<std::uint32_t>(work.order.format));
    record.set_level(static_cast<std::uint32_t>(work.order.level));
    record.set_envelope(static_cast<std::uint32_t>(work.order.envelope));
    record.set_hash(static_cast<std::uint32_t>(work.order.hash));
    record.set_padding(work.order.padding);
    record.set_signed_attributes(std::string(as_text(attributes)));
    for (const auto& certificate : credential.chain()) record.add_chain(certificate.der());
    record.set_digest(work.digest);
    if (work.revision) *record.mutable_revision() = work.prepared;
    *record.mutable_properties() = work.order.props.properties;
    return record;
}

Work work_of(const PreparedDocument& kept) {
    const prepared::Record& record = kept.record;
    Work work;
    work.order.format = static_cast<Format>(record.format());
    work.order.level = static_cast<Level>(record.level());
    work.order.envelope = static_cast<Envelope>(record.envelope());
    work.order.hash = static_cast<HashAlgorithm>(record.hash());
    work.order.padding = record.padding();
    work.order.props.properties = record.properties();
    work.digest = record.digest();
    if (record.has_revision()) {
        work.prepared = record.revision();
        work.revision = kept.file;
        work.order.document.emplace();
    } else if (kept.file) {
        work.order.document = LongString{kept.file, 0, std::nullopt};
    } else {
        work.order.digest = record.digest();
    }
    return work;
}

// Time-stamps for those that have none, in the CMS.
Task<Result<File>> stamped_cms(const Toolbox& tools, Caller caller, File cms,
                               std::vector<std::pair<std::string, std::string>> signers) {
    doc::Request request;
    auto& job = *request.mutable_cms_extend();
    for (const auto& [id, signature] : signers) {
        const auto token =
            co_await time_stamp(tools, caller, digest_of(HashAlgorithm::kSha256, as_bytes(signature)));
        if (!token) co_return std::unexpected(token.error());
        auto& stamp = *job.add_time_stamps();
        stamp.set_signer(id);
        stamp.set_token(std::string(as_text(*token)));
    }
    if (signers.empty()) co_return cms;
    SIGILLO_CO_ASSIGN(auto out, MemoryFile::create("stamped"));
    job.set_document(1);
    job.set_out(2);
    SIGILLO_CO_ASSIGN(const auto answer,
                      ask_worker(tools.doc, request, both(cms, out), doc::Answer::kCmsExtended));
    co_return out;
}

std::string id_of(const std::string& signature) {
    const auto id = sha256(as_bytes(signature));
    return std::string(as_text(id));
}

Task<Result<File>> extend_cms(const Toolbox& tools, Caller caller, Extension extension) {
    SIGILLO_CO_ASSIGN(const auto needs, cms_needs(tools, extension.document.file, {}));
    std::vector<std::pair<std::string, std::string>> unstamped;
    for (const auto& signer : needs.signers())
        if (!signer.time_stamped()) unstamped.emplace_back(signer.id(), signer.signature());
    auto stamped = co_await stamped_cms(tools, caller, extension.document.file, std::move(unstamped));
    if (!stamped || extension.level <= Level::kT) co_return stamped;
    CmsToLift cms;
    cms.cms = std::move(*stamped);
    if (extension.content) cms.content = extension.content->file;
    ValidationData gathered;
    auto lifted = co_await cms_to_lt(tools, caller, cms, gathered);
    if (!lifted || extension.level == Level::kLt) co_return lifted;
    cms.cms = std::move(*lifted);
    co_return co_await cms_to_lta(tools, std::move(caller), std::move(cms));
}

// The newest signature gets its time-stamp where it is, if its place is wide enough.
Task<Result<File>> stamped_pdf(const Toolbox& tools, Caller caller, File pdf) {
    SIGILLO_CO_ASSIGN(const auto needs, pdf_needs(tools, pdf, 1));
    if (needs.signatures().empty())
        co_return fail(Errc::kInvalidArgument, "the document has no signature", "document");
    const auto& signature = needs.signatures(0);
    if (signature.time_stamped()) co_return pdf;
    SIGILLO_CO_ASSIGN(auto cms, MemoryFile::of(as_bytes(signature.cms()), "cms"));
    std::vector<std::pair<std::string, std::string>> one;
    one.emplace_back(id_of(signature.signature()), signature.signature());
    const auto stamped = co_await stamped_cms(tools, caller, std::move(cms), std::move(one));
    if (!stamped) co_return std::unexpected(stamped.error());
    SIGILLO_CO_ASSIGN(const auto size, (*stamped)->size());
    if (size > signature.contents_size())
        co_return co_await pdf_time_stamped(tools, std::move(caller), std::move(pdf));
    Bytes der(size);
    SIGILLO_CO_TRY((*stamped)->read(0, der));
    co_return with_contents(*pdf, {signature.contents_offset(), signature.contents_size()}, der);
}

Task<Result<File>> extend_pdf(const Toolbox& tools, Caller caller, Extension extension) {
    auto stamped = co_await stamped_pdf(tools, caller, extension.document.file);
    if (!stamped || extension.level <= Level::kT) co_return stamped;
    ValidationData gathered;
    auto lifted = co_await pdf_to_lt(tools, caller, std::move(*stamped), 0, gathered);
    if (!lifted || extension.level == Level::kLt) co_return lifted;
    co_return co_await pdf_time_stamped(tools, std::move(caller), std::move(*lifted));
}

}  // namespace

Task<Result<PreparedAnswer>> prepare_document(const Toolbox& tools, PreparedStore& store, Caller caller,
                                              std::string credential_id, SignatureOrder order) {
    auto owned = co_await credential(tools, caller, credential_id);
    if (!owned) co_return std::unexpected(std::move(owned).error());
    if (owned->chain_size() == 0) co_return fail(Errc::kDisabled, "the credential has no certificate yet");
    Work work{.order = std::move(order)};
    const WallTime now = tools.clock.now();
    SIGILLO_CO_TRY(prepare_work(tools, *owned, now, work));
    SIGILLO_CO_ASSIGN(const Bytes attributes, attributes_of(work, *owned, now));
    SIGILLO_CO_ASSIGN(const Digest document, Digest::create(work.order.hash, as_bytes(work.digest)));
    const MemoryFile* file = work.revision         ? work.revision.get()
                             : work.order.document ? work.order.document->file.get()
                                                   : nullptr;
    SIGILLO_CO_ASSIGN(auto id, store.put(record_of(caller, credential_id, *owned, work, attributes), file));
    co_return PreparedAnswer{std::move(id), digest_of(work.order.hash, attributes), document};
}

Task<Result<SignedOutcome>> complete_document(const Toolbox& tools, PreparedStore& store, Caller caller,
                                              Completion completion) {
    const auto known = co_await registered(tools, caller);
    if (!known) co_return std::unexpected(known.error());
    SIGILLO_CO_ASSIGN(const auto kept, store.get(caller.name(), completion.id));
    std::vector<Work> works;
    works.push_back(work_of(kept));
    Work& work = works.front();
    std::vector<std::string> chain{kept.record.chain().begin(), kept.record.chain().end()};
    if (completion.sad) {
        SIGILLO_CO_TRY(deposit_work(tools, work));
        auto made =
            co_await sign_works(tools, caller, kept.record.credential_id(), *completion.sad, works, chain);
        if (!made) co_return std::unexpected(std::move(made).error());
    } else {
        work.signature.set_signed_attributes(kept.record.signed_attributes());
        work.signature.set_signature(completion.signature.value_or(""));
    }
    ValidationData gathered;
    auto file = co_await finish_work(tools, caller, work, chain, gathered);
    if (!file) co_return std::unexpected(std::move(file).error());
    store.completed(completion.id);
    co_return SignedOutcome{std::move(*file), is_enveloped(work.order)};
}

Task<Result<SignedOutcome>> extend_document(const Toolbox& tools, Caller caller, Extension extension) {
    const auto known = co_await registered(tools, caller);
    if (!known) co_return std::unexpected(known.error());
    if (extension.format == Format::kPades) {
        auto pdf = co_await extend_pdf(tools, caller, std::move(extension));
        if (!pdf) co_return std::unexpected(std::move(pdf).error());
        co_return SignedOutcome{std::move(*pdf), true};
    }
    auto cms = co_await extend_cms(tools, caller, std::move(extension));
    if (!cms) co_return std::unexpected(std::move(cms).error());
    co_return SignedOutcome{std::move(*cms), true};
}

}  // namespace sigillo::api::documents
