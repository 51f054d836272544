#include "api/documents/levels.h"

#include "appliance/base/encoding.h"

namespace sigillo::api::documents {
namespace {

using File = std::shared_ptr<MemoryFile>;

// Room for a token of our own authority with its certificates; they take 4 to 8 KiB.
constexpr std::uint32_t kTokenBytes = 16'384;

// Revocation data are to be from after the signature; answers tell whole seconds.
WallTime this_second(const Toolbox& tools) {
    return std::chrono::floor<std::chrono::seconds>(tools.clock.now());
}

// What a document lacks for its level is the fault of no parameter.
Error about_validation(Error error) {
    if (error.code != Errc::kInternal) error.field = "validation_data";
    return error;
}

void merge(std::vector<Bytes>& into, const std::vector<Bytes>& more) {
    for (const auto& der : more)
        if (std::ranges::find(into, der) == into.end()) into.push_back(der);
}
void add_certificates(ValidationData& data,
                      const google::protobuf::RepeatedPtrField<std::string>& certificates) {
    for (const auto& der : certificates) merge(data.certificates, std::vector<Bytes>{to_bytes(der)});
}

Result<File> cms_extended(const Toolbox& tools, const CmsToLift& cms, doc::Request request) {
    SIGILLO_ASSIGN(auto out, MemoryFile::create("extended"));
    request.mutable_cms_extend()->set_document(1);
    request.mutable_cms_extend()->set_out(2);
    std::vector<File> files{cms.cms, out};
    auto& content = *request.mutable_cms_extend()->mutable_content();
    if (cms.content) {
        content.set_descriptor(3);
        files.push_back(cms.content);
    } else if (cms.content_digest) {
        content.mutable_digest()->set_algorithm(static_cast<std::uint32_t>(cms.content_digest->algorithm()));
        content.mutable_digest()->set_value(std::string(as_text(cms.content_digest->bytes())));
    }
    SIGILLO_ASSIGN(const auto answer,
                   ask_worker(tools.doc, request, std::move(files), doc::Answer::kCmsExtended));
    return out;
}

Result<Digest> archive_imprint(const Toolbox& tools, const CmsToLift& cms, const std::string& signer) {
    doc::Request request;
    auto& job = *request.mutable_cms_archive_imprint();
    job.set_document(1);
    job.set_signer(signer);
    job.set_hash_algorithm(static_cast<std::uint32_t>(HashAlgorithm::kSha256));
    std::vector<File> files{cms.cms};
    if (cms.content) {
        job.mutable_content()->set_descriptor(2);
        files.push_back(cms.content);
    } else if (cms.content_digest) {
        job.mutable_content()->mutable_digest()->set_algorithm(
            static_cast<std::uint32_t>(cms.content_digest->algorithm()));
        job.mutable_content()->mutable_digest()->set_value(std::string(as_text(cms.content_digest->bytes())));
    }
    SIGILLO_ASSIGN(const auto answer,
                   ask_worker(tools.doc, request, std::move(files), doc::Answer::kCmsImprint));
    return Digest::create(HashAlgorithm::kSha256, as_bytes(answer.cms_imprint().imprint().value()));
}

}  // namespace

Result<doc::CmsNeedsFound> cms_needs(const Toolbox& tools, const File& cms,
                                     const std::vector<std::string>& signers) {
    doc::Request request;
    auto& job = *request.mutable_cms_needs();
    job.set_document(1);
    for (const auto& id : signers) job.add_signers(id);
    SIGILLO_ASSIGN(auto answer, ask_worker(tools.doc, request, {cms}, doc::Answer::kCmsNeeds));
    return std::move(*answer.mutable_cms_needs());
}

Result<doc::PdfNeedsFound> pdf_needs(const Toolbox& tools, const File& pdf, std::uint32_t newest) {
    doc::Request request;
    request.mutable_pdf_needs()->set_document(1);
    request.mutable_pdf_needs()->set_newest(newest);
    SIGILLO_ASSIGN(auto answer, ask_worker(tools.doc, request, {pdf}, doc::Answer::kPdfNeeds));
    return std::move(*answer.mutable_pdf_needs());
}

void merge_validation_data(ValidationData& into, const ValidationData& more) {
    merge(into.certificates, more.certificates);
    merge(into.crls, more.crls);
    merge(into.ocsps, more.ocsps);
}
Task<Result<File>> cms_to_lt(const Toolbox& tools, Caller caller, CmsToLift cms, ValidationData& gathered) {
    SIGILLO_CO_ASSIGN(const auto needs, cms_needs(tools, cms.cms, cms.signers));
    auto data = co_await tools.gatherer.gather(caller.client, proofs_of(needs.needed()), this_second(tools));
    if (!data) co_return std::unexpected(about_validation(std::move(data).error()));
    add_certificates(*data, needs.certificates());
    merge_validation_data(gathered, *data);
    doc::Request request;
    put_material(*data, *request.mutable_cms_extend()->mutable_material());
    co_return cms_extended(tools, cms, std::move(request));
}

Task<Result<File>> cms_to_lta(const Toolbox& tools, Caller caller, CmsToLift cms) {
    if (cms.signers.empty()) {
        SIGILLO_CO_ASSIGN(const auto needs, cms_needs(tools, cms.cms, {}));
        for (const auto& signer : needs.signers()) cms.signers.push_back(signer.id());
    }
    // One after the other: each stamp covers the signature as it is then.
    for (const auto& signer : cms.signers) {
        SIGILLO_CO_ASSIGN(const Digest imprint, archive_imprint(tools, cms, signer));
        const auto token = co_await time_stamp(tools, caller, imprint);
        if (!token) co_return std::unexpected(token.error());
        doc::Request request;
        auto& stamp = *request.mutable_cms_extend()->add_archive_time_stamps();
        stamp.set_signer(signer);
        stamp.set_token(std::string(as_text(*token)));
        SIGILLO_CO_ASSIGN(cms.cms, cms_extended(tools, cms, std::move(request)));
    }
    co_return std::move(cms.cms);
}

Task<Result<File>> pdf_to_lt(const Toolbox& tools, Caller caller, File pdf, std::uint32_t newest,
                             ValidationData& gathered) {
    SIGILLO_CO_ASSIGN(const auto needs, pdf_needs(tools, pdf, newest));
    doc::Request request;
    auto& job = *request.mutable_pdf_extend();
    for (const auto& signature : needs.signatures()) {
        auto data =
            co_await tools.gatherer.gather(caller.client, proofs_of(signature.needed()), this_second(tools));
        if (!data) co_return std::unexpected(about_validation(std::move(data).error()));
        add_certificates(*data, signature.certificates());
        auto& vri = *job.add_vri();
        vri.set_vri_key(signature.vri_key());
        vri.set_created_ms(unix_millis(tools.clock.now()));
        put_material(*data, *vri.mutable_material());
        merge_validation_data(gathered, *data);
    }
    put_material(gathered, *job.mutable_material());
    job.set_document(1);
    job.set_out(2);
    SIGILLO_CO_ASSIGN(auto out, MemoryFile::create("extended"));
    SIGILLO_CO_ASSIGN(const auto answer,
                      ask_worker(tools.doc, request, both(pdf, out), doc::Answer::kPdfExtended));
    co_return out;
}

Task<Result<File>> pdf_time_stamped(const Toolbox& tools, Caller caller, File pdf) {
    SIGILLO_CO_ASSIGN(auto out, MemoryFile::create("stamped"));
    doc::Request request;
    auto& job = *request.mutable_pdf_prepare();
    job.set_document(1);
    job.set_out(2);
    job.mutable_signature()->set_document_time_stamp(true);
    job.mutable_signature()->set_contents_size(kTokenBytes);
    SIGILLO_CO_ASSIGN(const auto answer,
                      ask_worker(tools.doc, request, both(pdf, out), doc::Answer::kPdfPrepared));
    const auto& prepared = answer.pdf_prepared();
    if (prepared.byte_range_size() != 4)
        co_return fail(Errc::kInternal, "a prepared revision without its ByteRange");
    const std::array ranges{MemoryFile::Range{prepared.byte_range(0), prepared.byte_range(1)},
                            MemoryFile::Range{prepared.byte_range(2), prepared.byte_range(3)}};
    SIGILLO_CO_ASSIGN(const Digest digest, out->digest(HashAlgorithm::kSha256, ranges));
    const auto token = co_await time_stamp(tools, std::move(caller), digest);
    if (!token) co_return std::unexpected(token.error());
    co_return with_contents(*out, {prepared.contents_offset(), prepared.contents_size()}, *token);
}

Task<Result<ValidationData>> validation_info(const Toolbox& tools, Caller caller, File file, Format format,
                                             std::vector<std::string> signers) {
    ValidationData out;
    if (format == Format::kCades) {
        SIGILLO_CO_ASSIGN(const auto needs, cms_needs(tools, file, signers));
        auto data = co_await tools.gatherer.gather(std::move(caller.client), proofs_of(needs.needed()),
                                                   this_second(tools));
        if (!data) co_return std::unexpected(about_validation(std::move(data).error()));
        co_return std::move(*data);
    }
    SIGILLO_CO_ASSIGN(const auto needs, pdf_needs(tools, file, 1));
    for (const auto& signature : needs.signatures()) {
        auto data =
            co_await tools.gatherer.gather(caller.client, proofs_of(signature.needed()), this_second(tools));
        if (!data) co_return std::unexpected(about_validation(std::move(data).error()));
        merge_validation_data(out, *data);
    }
    co_return out;
}

}  // namespace sigillo::api::documents
