#include "api/documents/pdf/drawing/font.h"

#include <hb-ot.h>
#include <hb.h>

#include <cmath>

#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

constexpr std::uint16_t kRestrictedLicence = 0x0002;  // OS/2 fsType, bit 1 alone
constexpr std::uint16_t kEmbeddingBits = 0x000F;

std::unexpected<Error> unusable(const FontFile& file, const char* why) {
    return fail(Errc::kInvalidArgument, "the font " + file.name + ' ' + why, "font");
}

Bytes table_of(hb_face_t* face, hb_tag_t tag) {
    hb_blob_t* const blob = hb_face_reference_table(face, tag);
    unsigned size = 0;
    const char* const data = hb_blob_get_data(blob, &size);
    Bytes bytes = data == nullptr ? Bytes() : to_bytes(std::string_view(data, size));
    hb_blob_destroy(blob);
    return bytes;
}

// ASCII without what a PDF name would have to escape.
std::string postscript_name(hb_face_t* face) {
    std::string raw(128, '\0');
    auto size = static_cast<unsigned>(raw.size());
    hb_ot_name_get_utf8(face, HB_OT_NAME_ID_POSTSCRIPT_NAME, HB_LANGUAGE_INVALID, &size, raw.data());
    std::string name;
    for (const char c : std::string_view(raw).substr(0, size))
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-') name += c;
    return name.empty() ? "Font" : name;
}

}  // namespace

Font::Font(hb_face_t* face, hb_font_t* font) : face_(face), font_(font), per_em_(hb_face_get_upem(face)) {
    hb_font_extents_t extents{};
    if (hb_font_get_h_extents(font_, &extents) != 0 && extents.ascender > 0) {
        ascent_ = extents.ascender / per_em_;
        descent_ = std::abs(extents.descender) / per_em_;
    }
    name_ = postscript_name(face_);
}

Font::~Font() {
    hb_font_destroy(font_);
    hb_face_destroy(face_);
}

Result<std::unique_ptr<Font>> Font::load(const FontFile& file) {
    hb_blob_t* const blob =
        hb_blob_create(reinterpret_cast<const char*>(file.bytes.data()),
                       static_cast<unsigned>(file.bytes.size()), HB_MEMORY_MODE_READONLY, nullptr, nullptr);
    const bool has_face = file.face < hb_face_count(blob);
    hb_face_t* const face = hb_face_create(blob, file.face);
    hb_blob_destroy(blob);
    hb_font_t* const shaper = hb_font_create(face);
    std::unique_ptr<Font> font(new Font(face, shaper));
    if (!has_face || hb_face_get_glyph_count(face) == 0) return unusable(file, "cannot be read");
    if (table_of(face, HB_TAG('g', 'l', 'y', 'f')).empty()) return unusable(file, "has no TrueType outlines");
    const Bytes os2 = table_of(face, HB_TAG('O', 'S', '/', '2'));
    if (os2.size() >= 10 && (read_u16(ByteView(os2).subspan(8)) & kEmbeddingBits) == kRestrictedLicence)
        return unusable(file, "may not be embedded by its licence");
    return font;
}

bool Font::has(char32_t character) const {
    hb_codepoint_t glyph = 0;
    return hb_font_get_nominal_glyph(font_, character, &glyph) != 0;
}

double Font::advance_of(std::uint32_t glyph) const {
    return hb_font_get_glyph_h_advance(font_, glyph);
}

Result<std::uint16_t> Font::use(std::uint32_t glyph, std::u32string_view text) {
    const auto known = cids_.find(glyph);
    if (known != cids_.end()) return known->second;
    if (glyphs_.size() >= 65'534) return fail(Errc::kLimitExceeded, "too many different characters", "text");
    glyphs_.push_back({glyph, std::u32string(text)});
    const auto cid = static_cast<std::uint16_t>(glyphs_.size());
    cids_.emplace(glyph, cid);
    return cid;
}

Reference Font::reference(Revision& revision) {
    if (reference_.number == 0) reference_ = revision.allocate();
    return reference_;
}

}  // namespace sigillo::pdf
