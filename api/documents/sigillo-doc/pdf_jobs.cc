// Jobs on PDF documents.
#include "api/documents/cms/inspect.h"
#include "api/documents/pdf/dss.h"
#include "api/documents/pdf/inspect.h"
#include "api/documents/pdf/prepare.h"
#include "api/documents/sigillo-doc/jobs.h"
#include "api/documents/sigillo-doc/needs.h"

namespace sigillo::doc {
namespace {

pdf::Colour colour_of(const Colour& colour) {
    return {static_cast<std::uint8_t>(colour.red()), static_cast<std::uint8_t>(colour.green()),
            static_cast<std::uint8_t>(colour.blue())};
}

pdf::TextBlock text_of(const TextBlock& block) {
    pdf::TextBlock out;
    out.lines = {block.lines().begin(), block.lines().end()};
    out.font = block.font();
    if (block.font_size() > 0) out.font_size = block.font_size();
    out.align = static_cast<pdf::HorizontalAlignment>(block.align());
    out.vertical_align = static_cast<pdf::VerticalAlignment>(block.vertical_align());
    if (block.has_colour()) out.colour = colour_of(block.colour());
    return out;
}

pdf::Handwriting handwriting_of(const Handwriting& drawing) {
    pdf::Handwriting out;
    for (const auto& stroke : drawing.strokes()) {
        auto& points = out.strokes.emplace_back();
        for (const auto& point : stroke.points()) points.push_back({point.x(), point.y(), point.pressure()});
    }
    if (drawing.has_colour()) out.colour = colour_of(drawing.colour());
    if (drawing.pen_width() > 0) out.pen_width = drawing.pen_width();
    return out;
}

pdf::Appearance appearance_of(const Appearance& appearance) {
    pdf::Appearance out;
    if (appearance.has_background()) out.background = colour_of(appearance.background());
    if (appearance.has_border()) out.border = colour_of(appearance.border());
    if (appearance.border_width() > 0) out.border_width = appearance.border_width();
    if (appearance.has_padding()) out.padding = appearance.padding();
    for (const auto& block : appearance.text()) out.text.push_back(text_of(block));
    if (!appearance.image().empty()) out.image = pdf::Image{to_bytes(appearance.image())};
    if (appearance.has_handwriting()) out.handwriting = handwriting_of(appearance.handwriting());
    out.picture_place = static_cast<pdf::PicturePlace>(appearance.picture_place());
    return out;
}

Result<pdf::SignatureSpec> spec_of(const PdfSignature& signature) {
    pdf::SignatureSpec spec;
    spec.field_use = signature.existing_field() ? pdf::FieldUse::kExisting : pdf::FieldUse::kCreate;
    spec.field_name = signature.field_name();
    if (signature.document_time_stamp()) spec.sub_filter = pdf::SubFilter::kRfc3161;
    spec.certification = static_cast<pdf::Certification>(signature.certification());
    if (signature.has_lock())
        spec.lock = pdf::FieldLock{static_cast<pdf::LockAction>(signature.lock().action()),
                                   {signature.lock().fields().begin(), signature.lock().fields().end()}};
    spec.name = signature.name();
    spec.reason = signature.reason();
    spec.location = signature.location();
    spec.contact_info = signature.contact_info();
    if (signature.signing_time_ms() != 0) spec.signing_time = from_unix_millis(signature.signing_time_ms());
    if (signature.contents_size() != 0) spec.contents_size = signature.contents_size();
    if (signature.page() != 0) spec.page = signature.page();
    if (!signature.position().empty()) {
        SIGILLO_ASSIGN(spec.rectangle, pdf::parse_position(signature.position()));
    }
    spec.appearance = appearance_of(signature.appearance());
    for (const auto& area : signature.clauses()) {
        SIGILLO_ASSIGN(const auto rectangle, pdf::parse_position(area.position()));
        spec.clauses.push_back({area.page(), rectangle, appearance_of(area.appearance())});
    }
    spec.placeholders = {signature.placeholders().begin(), signature.placeholders().end()};
    return spec;
}

pdf::ValidationData data_of(const ValidationMaterial& material) {
    pdf::ValidationData out;
    for (const auto& der : material.certificates()) out.certificates.push_back(to_bytes(der));
    for (const auto& der : material.crls()) out.crls.push_back(to_bytes(der));
    for (const auto& der : material.ocsps()) out.ocsps.push_back(to_bytes(der));
    return out;
}

// One signature of the document, and what it lacks beside what the document's store has.
Result<PdfSignatureNeeds> needs_of(const pdf::SignatureInfo& signature, const pdf::ValidationData& store,
                                   const PdfNeeds& job, int document) {
    PdfSignatureNeeds out;
    out.set_vri_key(signature.vri_key);
    out.set_sub_filter(signature.sub_filter);
    if (!signature.fields.empty()) out.set_field_name(signature.fields.front());
    out.set_cms(std::string(as_text(signature.cms)));
    out.set_contents_offset(signature.byte_range[0] + signature.byte_range[1] + 1);
    out.set_contents_size((signature.byte_range[2] - out.contents_offset() - 1) / 2);

    SIGILLO_ASSIGN(const auto parsed,
                   cms::SignedData::read(ByteView(signature.cms), {}, cms::Trailing::kZeros));
    SIGILLO_ASSIGN(const auto source, cms::FdSource::create(document));
    cms::InspectOptions options;
    options.pades = true;
    options.content = cms::Content{&source,
                                   {{signature.byte_range[0], signature.byte_range[1]},
                                    {signature.byte_range[2], signature.byte_range[3]}}};
    options.certificates = store.certificates;
    options.crls = store.crls;
    options.ocsps = store.ocsps;
    for (const auto& der : job.anchors()) options.anchors.push_back(to_bytes(der));
    for (const auto& der : job.certificates()) options.certificates.push_back(to_bytes(der));
    SIGILLO_ASSIGN(const auto inspection, cms::inspect(parsed, options));
    SIGILLO_TRY(refuse_broken(inspection));
    bool stamped = !inspection.document_tokens.empty();
    for (const auto& signer : inspection.signers) {
        for (const auto& token : signer.tokens) stamped = stamped || token.kind == cms::TokenKind::kSignature;
        if (out.signature().empty()) out.set_signature(std::string(as_text(signer.signature)));
    }
    out.set_time_stamped(stamped);
    SIGILLO_ASSIGN(auto needs, needs_of_all(inspection));
    for (auto& proof : needs.proofs) *out.add_needed() = std::move(proof);
    for (auto& certificate : needs.certificates) out.add_certificates(std::move(certificate));
    return out;
}

}  // namespace

Result<PdfPrepared> pdf_prepare(const PdfPrepare& job, const Files& files) {
    SIGILLO_ASSIGN(const int document, files.at(job.document()));
    SIGILLO_ASSIGN(const int out, files.at(job.out()));
    SIGILLO_ASSIGN(const auto spec, spec_of(job.signature()));
    SIGILLO_ASSIGN(const auto prepared, pdf::prepare_signature(document, spec, loaded_fonts(), {}, out));
    PdfPrepared answer;
    answer.set_original_size(prepared.original_size);
    for (const auto number : prepared.byte_range) answer.add_byte_range(number);
    answer.set_contents_offset(prepared.gap.contents_offset);
    answer.set_contents_size(prepared.gap.contents_size);
    answer.set_field_name(prepared.field_name);
    return answer;
}

Result<PdfNeedsFound> pdf_needs(const PdfNeeds& job, const Files& files) {
    SIGILLO_ASSIGN(const int document, files.at(job.document()));
    SIGILLO_ASSIGN(const auto info, pdf::inspect(document, {}));
    if (info.encrypted) return fail(Errc::kUnsupported, "the document is encrypted", "document");
    PdfNeedsFound found;
    const std::size_t count = info.signatures.size();
    const std::size_t wanted = job.newest() == 0 ? count : std::min<std::size_t>(job.newest(), count);
    for (std::size_t i = count - wanted; i < count; ++i) {
        SIGILLO_ASSIGN(*found.add_signatures(),
                       needs_of(info.signatures[i], info.validation_data, job, document));
    }
    return found;
}

Result<PdfExtended> pdf_extend(const PdfExtend& job, const Files& files) {
    SIGILLO_ASSIGN(const int document, files.at(job.document()));
    SIGILLO_ASSIGN(const int out, files.at(job.out()));
    std::vector<pdf::SignatureValidationData> signatures;
    for (const auto& vri : job.vri()) {
        auto& one = signatures.emplace_back();
        one.vri_key = vri.vri_key();
        one.data = data_of(vri.material());
        if (vri.created_ms() != 0) one.created = from_unix_millis(vri.created_ms());
    }
    SIGILLO_ASSIGN(const auto extended,
                   pdf::add_validation_data(document, data_of(job.material()), signatures, {}, out));
    PdfExtended answer;
    answer.set_original_size(extended.original_size);
    answer.set_size(extended.size);
    return answer;
}

}  // namespace sigillo::doc
