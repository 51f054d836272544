#include "api/documents/work.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>

#include "api/documents/assembly/assembly.h"
#include "api/documents/levels.h"
#include "appliance/ades/signed_properties.h"
#include "appliance/ipc/deposit_client.h"

namespace sigillo::api::documents {
namespace {

using File = std::shared_ptr<MemoryFile>;

// Octets that a CMS takes beside its certificates: attributes, an RSA-4096 signature, a time-stamp token with
// its own certificates (4 to 8 KiB), and room to be lifted to T later.
constexpr std::uint32_t kCmsBytes = 16'384;

doc::PdfSignature pdf_signature(const SignatureOrder& order, const sam::Credential& credential,
                                WallTime time) {
    doc::PdfSignature out = order.appearance;
    const bool certifies = order.envelope == Envelope::kCertification;
    if (!certifies)
        out.set_certification(0);
    else if (out.certification() == 0)
        out.set_certification(2);  // form filling and further signatures may follow
    std::uint32_t certificates = 0;
    for (const auto& certificate : credential.chain())
        certificates += static_cast<std::uint32_t>(certificate.der().size());
    out.set_contents_size(kCmsBytes + certificates);
    const std::string subject =
        credential.chain_size() > 0 ? credential.chain(0).subject_dn() : std::string();
    out.set_name(order.props.name.empty() ? common_name(subject) : order.props.name);
    out.set_reason(order.props.reason);
    out.set_location(order.props.location);
    out.set_contact_info(order.props.contact_info);
    out.set_signing_time_ms(unix_millis(time));
    if (credential.chain_size() > 0) {
        auto& words = *out.mutable_placeholders();
        words["issuer"] = common_name(credential.chain(0).issuer_dn());
        words["serial"] = credential.chain(0).serial_hex();
    }
    return out;
}

sam::DocumentToSign to_sign(const Work& work) {
    sam::DocumentToSign out;
    out.set_digest(work.digest);
    out.set_format(static_cast<std::uint32_t>(work.order.format == Format::kPades ? ades::Format::kPades
                                                                                  : ades::Format::kCades));
    *out.mutable_properties() = work.order.props.properties;
    if (!work.deposit.empty()) {
        auto& revision = *out.mutable_revision();
        revision.set_deposit(work.deposit);
        revision.set_original_size(work.prepared.original_size());
        *revision.mutable_byte_range() = work.prepared.byte_range();
    }
    return out;
}

SignatureParts parts_of(const Work& work, const std::vector<std::string>& chain, ByteView token) {
    SignatureParts parts;
    parts.signed_attributes = to_bytes(work.signature.signed_attributes());
    parts.signature = to_bytes(work.signature.signature());
    parts.scheme = {static_cast<SignaturePadding>(work.order.padding), work.order.hash};
    for (const auto& der : chain) parts.chain.push_back(to_bytes(der));
    parts.time_stamp = to_bytes(token);
    return parts;
}

// Beside the signatures of others, which a worker reads.
Result<File> assemble_parallel(const Toolbox& tools, const SignatureParts& parts, const File& document) {
    doc::Request request;
    auto& job = *request.mutable_cms_add_signature();
    auto& given = *job.mutable_parts();
    given.set_signed_attributes(std::string(as_text(parts.signed_attributes)));
    given.set_signature(std::string(as_text(parts.signature)));
    given.set_padding(static_cast<std::uint32_t>(parts.scheme.padding));
    given.set_hash(static_cast<std::uint32_t>(parts.scheme.hash));
    for (const auto& der : parts.chain) given.add_chain(std::string(as_text(der)));
    given.set_time_stamp(std::string(as_text(parts.time_stamp)));
    job.set_document(1);
    job.set_out(2);
    SIGILLO_ASSIGN(auto out, MemoryFile::create("signed"));
    SIGILLO_ASSIGN(const auto answer,
                   ask_worker(tools.doc, request, {document, out}, doc::Answer::kCmsSignatureAdded));
    return out;
}

// The signature around which everything else stands. Blocks.
Result<File> assemble(const Toolbox& tools, Work& work, const std::vector<std::string>& chain,
                      ByteView token) {
    const SignatureParts parts = parts_of(work, chain, token);
    if (work.order.format == Format::kCades && is_enveloped(work.order)) {
        const File& document = work.order.document->file;
        if (work.order.envelope == Envelope::kParallel) return assemble_parallel(tools, parts, document);
        SIGILLO_ASSIGN(auto out, MemoryFile::create("signed"));
        SIGILLO_TRY(attached_signature(parts, document->fd(), out->fd()));
        return out;
    }
    SIGILLO_ASSIGN(const Bytes cms, detached_signature(parts));
    if (!work.revision) return MemoryFile::of(cms, "signature");
    SIGILLO_ASSIGN(
        auto file,
        with_contents(*work.revision, {work.prepared.contents_offset(), work.prepared.contents_size()}, cms));
    work.revision.reset();
    return file;
}

// A parallel signature signs what those before it signed, not them: this is what the signer authorises.
Result<std::string> content_digest(const Toolbox& tools, const File& signed_content, HashAlgorithm hash) {
    doc::Request request;
    auto& job = *request.mutable_cms_content_digest();
    job.set_document(1);
    job.set_hash_algorithm(static_cast<std::uint32_t>(hash));
    SIGILLO_ASSIGN(auto answer, ask_worker(tools.doc, request, {signed_content}, doc::Answer::kCmsContent));
    return std::move(*answer.mutable_cms_content()->mutable_value());
}

}  // namespace

Status prepare_work(const Toolbox& tools, const sam::Credential& credential, WallTime time, Work& work) {
    if (!work.order.document) {
        work.digest = work.order.digest;
        return {};
    }
    const LongString& document = *work.order.document;
    if (work.order.envelope == Envelope::kParallel) {
        SIGILLO_ASSIGN(work.digest, content_digest(tools, document.file, work.order.hash));
    } else if (work.order.hash == HashAlgorithm::kSha256 && document.sha256) {
        work.digest = std::string(as_text(document.sha256->bytes()));
    } else {
        SIGILLO_ASSIGN(const Digest digest, document.file->digest(work.order.hash));
        work.digest = std::string(as_text(digest.bytes()));
    }
    if (work.order.format != Format::kPades) return {};
    SIGILLO_ASSIGN(work.revision, MemoryFile::create("revision"));
    doc::Request request;
    auto& job = *request.mutable_pdf_prepare();
    job.set_document(1);
    job.set_out(2);
    *job.mutable_signature() = pdf_signature(work.order, credential, time);
    SIGILLO_ASSIGN(auto answer,
                   ask_worker(tools.doc, request, {document.file, work.revision}, doc::Answer::kPdfPrepared));
    work.prepared = std::move(*answer.mutable_pdf_prepared());
    work.order.document->file.reset();  // it is the first part of the revision
    return {};
}

Status deposit_work(const Toolbox& tools, Work& work) {
    if (!work.revision) return {};
    SIGILLO_TRY(work.revision->seal());
    SIGILLO_ASSIGN(const auto receipt,
                   ipc::deposit(tools.deposit.socket, work.revision->fd(), tools.deposit.deadline));
    work.deposit = std::string(as_text(receipt.deposit));
    return {};
}

Result<Digest> message_digest(const Work& work) {
    if (!work.revision) return Digest::create(work.order.hash, as_bytes(work.digest));
    const auto& range = work.prepared.byte_range();
    if (range.size() != 4) return fail(Errc::kInternal, "a prepared revision without its ByteRange");
    const std::array ranges{MemoryFile::Range{range[0], range[1]}, MemoryFile::Range{range[2], range[3]}};
    return work.revision->digest(work.order.hash, ranges);
}

std::string signer_id(const Work& work) {
    const auto id = sha256(as_bytes(work.signature.signature()));
    return std::string(as_text(id));
}

Task<Result<File>> finish_work(const Toolbox& tools, Caller caller, Work& work,
                               const std::vector<std::string>& chain, ValidationData& gathered) {
    const SignatureOrder& order = work.order;
    Bytes token;
    if (order.level >= Level::kT) {
        auto stamped = co_await time_stamp(
            tools, caller, digest_of(HashAlgorithm::kSha256, as_bytes(work.signature.signature())));
        if (!stamped) co_return std::unexpected(std::move(stamped).error());
        token = std::move(*stamped);
    }
    SIGILLO_CO_ASSIGN(File file, assemble(tools, work, chain, token));
    if (order.level <= Level::kT) co_return file;
    if (order.format == Format::kPades) {
        auto lifted = co_await pdf_to_lt(tools, caller, std::move(file), 1, gathered);
        if (!lifted || order.level == Level::kLt) co_return lifted;
        co_return co_await pdf_time_stamped(tools, caller, std::move(*lifted));
    }
    CmsToLift cms;
    cms.cms = std::move(file);
    cms.signers.push_back(signer_id(work));
    if (order.envelope == Envelope::kDetached) {
        if (order.document)
            cms.content = order.document->file;
        else
            cms.content_digest = Digest::create(order.hash, as_bytes(order.digest)).value();
    }
    auto lifted = co_await cms_to_lt(tools, caller, cms, gathered);
    if (!lifted || order.level == Level::kLt) co_return lifted;
    cms.cms = std::move(*lifted);
    co_return co_await cms_to_lta(tools, caller, std::move(cms));
}

Task<Status> sign_works(const Toolbox& tools, Caller caller, std::string credential_id, std::string sad,
                        std::vector<Work>& works, std::vector<std::string>& chain) {
    std::map<std::pair<HashAlgorithm, std::uint32_t>, std::vector<Work*>> groups;
    for (auto& work : works) groups[{work.order.hash, work.order.padding}].push_back(&work);
    for (auto& [scheme, group] : groups) {
        sam::SigningRequest request;
        auto& question = *request.mutable_sign_documents();
        question.set_credential_id(credential_id);
        question.set_sad(sad);
        question.set_hash_algorithm(static_cast<std::uint32_t>(scheme.first));
        question.set_padding(scheme.second);
        for (const Work* work : group) *question.add_documents() = to_sign(*work);
        auto answer =
            co_await ask_sam(tools, caller, std::move(request), sam::SigningResponse::kSignedDocuments);
        if (!answer) co_return std::unexpected(std::move(answer).error());
        auto& made = *answer->mutable_signed_documents();
        if (static_cast<std::size_t>(made.documents_size()) != group.size())
            co_return fail(Errc::kInternal, "sigillod signed another number of documents");
        for (std::size_t i = 0; i < group.size(); ++i)
            group[i]->signature = std::move(*made.mutable_documents(static_cast<int>(i)));
        chain.assign(made.chain().begin(), made.chain().end());
    }
    co_return Status();
}

}  // namespace sigillo::api::documents
