// The font's objects in the revision.
#include <hb-ot.h>
#include <hb-subset.h>
#include <hb.h>

#include <algorithm>

#include "api/documents/pdf/drawing/font.h"
#include "api/documents/pdf/text_string.h"
#include "appliance/base/digest.h"

namespace sigillo::pdf {
namespace {

// "ABCDEF+": says that it is a subset, and which (ISO 32000-1 §9.6.4).
std::string subset_tag(ByteView program) {
    const Sha256Value digest = sha256(program);
    std::string tag;
    for (std::size_t i = 0; i < 6; ++i) tag += static_cast<char>('A' + digest[i] % 26);
    return tag + '+';
}

std::string hex16(std::uint32_t value) {
    Bytes bytes;
    append_u16(bytes, static_cast<std::uint16_t>(value));
    return hex_string(bytes);
}

// Only what draws: layout was done here, and hints serve no screen of today.
void drop_tables(hb_subset_input_t* input) {
    hb_set_t* const drop = hb_subset_input_set(input, HB_SUBSET_SETS_DROP_TABLE_TAG);
    for (const hb_tag_t tag :
         {HB_TAG('G', 'S', 'U', 'B'), HB_TAG('G', 'P', 'O', 'S'), HB_TAG('G', 'D', 'E', 'F'),
          HB_TAG('c', 'm', 'a', 'p'), HB_TAG('n', 'a', 'm', 'e'), HB_TAG('p', 'o', 's', 't'),
          HB_TAG('k', 'e', 'r', 'n'), HB_TAG('M', 'A', 'T', 'H'), HB_TAG('O', 'S', '/', '2'),
          HB_TAG('F', 'F', 'T', 'M'), HB_TAG('v', 'h', 'e', 'a'), HB_TAG('v', 'm', 't', 'x')})
        hb_set_add(drop, tag);
}

}  // namespace

Result<Font::Subset> Font::subset() const {
    hb_subset_input_t* const input = hb_subset_input_create_or_fail();
    if (input == nullptr) return fail(Errc::kUnavailable, "no memory for a font's subset", "font");
    for (const Glyph& glyph : glyphs_) hb_set_add(hb_subset_input_glyph_set(input), glyph.glyph);
    drop_tables(input);
    hb_subset_input_set_flags(input, HB_SUBSET_FLAGS_NO_HINTING);
    hb_subset_plan_t* const plan = hb_subset_plan_create_or_fail(face_, input);
    hb_subset_input_destroy(input);
    hb_face_t* const smaller = plan == nullptr ? nullptr : hb_subset_plan_execute_or_fail(plan);
    Subset subset;
    if (smaller != nullptr) {
        hb_blob_t* const blob = hb_face_reference_blob(smaller);
        unsigned size = 0;
        const char* const data = hb_blob_get_data(blob, &size);
        if (data != nullptr) subset.program = to_bytes(std::string_view(data, size));
        hb_blob_destroy(blob);
        const hb_map_t* const moved = hb_subset_plan_old_to_new_glyph_mapping(plan);
        append_u16(subset.glyph_of_cid, 0);
        for (const Glyph& glyph : glyphs_)
            append_u16(subset.glyph_of_cid, static_cast<std::uint16_t>(hb_map_get(moved, glyph.glyph)));
    }
    hb_face_destroy(smaller);
    hb_subset_plan_destroy(plan);
    if (subset.program.empty())
        return fail(Errc::kInvalidArgument, "no subset can be made of the font", "font");
    return subset;
}

std::string Font::descriptor(Reference program, Reference set) const {
    Bytes head;
    hb_blob_t* const blob = hb_face_reference_table(face_, HB_TAG('h', 'e', 'a', 'd'));
    unsigned size = 0;
    const char* const data = hb_blob_get_data(blob, &size);
    if (data != nullptr) head = to_bytes(std::string_view(data, size));
    hb_blob_destroy(blob);
    std::string box;
    for (std::size_t at = 36; at < 44; at += 2) {
        const std::int16_t units = at + 2 <= head.size()
                                       ? static_cast<std::int16_t>(read_u16(ByteView(head).subspan(at)))
                                       : std::int16_t{0};
        box += number(thousandths(units)) + ' ';
    }
    return "<</Type /FontDescriptor/FontName " + name_source(name_) + "/Flags 4/FontBBox [" + box +
           "]/ItalicAngle 0/Ascent " + number(ascent_ * 1000) + "/Descent " + number(-descent_ * 1000) +
           "/CapHeight " + number(ascent_ * 800) + "/StemV 80/FontFile2 " + to_source(program) + "/CIDSet " +
           to_source(set) + ">>";
}

std::string Font::widths() const {
    std::string text = "[1 [";
    for (const Glyph& glyph : glyphs_) text += number(thousandths(advance_of(glyph.glyph))) + ' ';
    text.back() = ']';
    return text + ']';
}

std::string Font::to_unicode() const {
    std::string map =
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo <</Registry (Adobe)/Ordering (UCS)/Supplement 0>> def\n/CMapName /Adobe-Identity-UCS "
        "def\n"
        "/CMapType 2 def\n1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n";
    // At most a hundred entries in one go.
    for (std::size_t first = 0; first < glyphs_.size(); first += 100) {
        const std::size_t count = std::min<std::size_t>(100, glyphs_.size() - first);
        map += std::to_string(count) + " beginbfchar\n";
        for (std::size_t i = first; i < first + count; ++i) {
            Bytes utf16;
            // What another glyph of the same letter group stands for already, stands for nothing here.
            const std::u32string text = glyphs_[i].text.empty() ? U"\u200B" : glyphs_[i].text;
            for (const char32_t point : text) {
                if (point >= 0x10000) {
                    append_u16(utf16, static_cast<std::uint16_t>(0xD800 + ((point - 0x10000) >> 10)));
                    append_u16(utf16, static_cast<std::uint16_t>(0xDC00 + ((point - 0x10000) & 0x3FF)));
                } else {
                    append_u16(utf16, static_cast<std::uint16_t>(point));
                }
            }
            map += hex16(static_cast<std::uint32_t>(i + 1)) + ' ' + hex_string(utf16) + '\n';
        }
        map += "endbfchar\n";
    }
    return map + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n";
}

Status Font::write(Revision& revision) {
    if (!used()) return {};
    SIGILLO_ASSIGN(const Subset subset, this->subset());
    name_ = subset_tag(subset.program) + name_;
    const Reference descendant = revision.allocate();
    const Reference descriptor = revision.allocate();
    const Reference program = revision.allocate();
    const Reference map = revision.allocate();
    const Reference unicode = revision.allocate();
    const Reference set = revision.allocate();

    revision.put(reference(revision), "<</Type /Font/Subtype /Type0/BaseFont " + name_source(name_) +
                                          "/Encoding /Identity-H/DescendantFonts [" + to_source(descendant) +
                                          "]/ToUnicode " + to_source(unicode) + ">>");
    revision.put(descendant, "<</Type /Font/Subtype /CIDFontType2/BaseFont " + name_source(name_) +
                                 "/CIDSystemInfo <</Registry (Adobe)/Ordering (Identity)/Supplement 0>>"
                                 "/FontDescriptor " +
                                 to_source(descriptor) + "/DW 1000/W " + widths() + "/CIDToGIDMap " +
                                 to_source(map) + ">>");
    revision.put(descriptor, this->descriptor(program, set));
    SIGILLO_TRY(
        revision.put_deflated(program, "/Length1 " + std::to_string(subset.program.size()), subset.program));
    SIGILLO_TRY(revision.put_deflated(map, "", subset.glyph_of_cid));
    SIGILLO_TRY(revision.put_deflated(unicode, "", as_bytes(to_unicode())));
    // A bit for each character identifier, 0 included: PDF/A-1 wants it.
    Bytes bits(glyphs_.size() / 8 + 1);
    for (std::size_t cid = 0; cid <= glyphs_.size(); ++cid)
        bits[cid / 8] = static_cast<std::uint8_t>(bits[cid / 8] | (0x80U >> (cid % 8)));
    return revision.put_deflated(set, "", bits);
}

}  // namespace sigillo::pdf
