// Images, strokes, lines of text and positions that clients send. Without a font: text is refused at its
// first glyph.
#include "api/documents/pdf/drawing/pen.h"
#include "api/documents/pdf/drawing/picture.h"
#include "api/documents/pdf/drawing/words.h"
#include "api/documents/pdf/placement.h"
#include "api/documents/pdf/source_text.h"
#include "api/documents/pdf/text_string.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;

namespace {

void strokes_of(ByteView input) {
    pdf::Handwriting handwriting;
    for (std::size_t i = 0; i + 5 <= input.size(); i += 5) {
        if (handwriting.strokes.empty() || input[i] == 0) handwriting.strokes.emplace_back();
        handwriting.strokes.back().push_back({static_cast<float>(read_u16(input.subspan(i + 1))) - 30'000,
                                              static_cast<float>(read_u16(input.subspan(i + 3))) * 1e30F,
                                              static_cast<float>(input[i]) / 128});
    }
    (void)pdf::draw_handwriting(handwriting, {0, 0, 200, 60}, pdf::Limits());
}

}  // namespace

FUZZ_TARGET(input) {
    if (input.empty()) return;
    const ByteView rest = input.subspan(1);
    const std::string_view text = as_text(rest);
    pdf::Limits limits;
    limits.image_pixels = 1 << 16;
    switch (input[0] % 5) {
        case 0: {
            pdf::Revision revision({}, 1);
            (void)pdf::put_picture(rest, pdf::Transparency::kAllowed, limits, revision);
            break;
        }
        case 1:
            strokes_of(rest);
            break;
        case 2:
            (void)pdf::fill_in({std::string(text)}, {{"name", "x"}, {"reason", ""}});
            break;
        case 3:
            if (const auto place = pdf::parse_position(text))
                FUZZ_CHECK(place->width() > 0 && place->height() > 0);
            FUZZ_CHECK(pdf::from_utf8(pdf::decode_text_string(rest)).has_value());
            break;
        default:
            if (auto dictionary = pdf::DictionaryText::parse(text)) {
                dictionary->set("Annots", "[1 0 R]");
                const auto again = pdf::DictionaryText::parse(dictionary->text());
                FUZZ_CHECK(again && again->find("Annots") == "[1 0 R]");
            }
    }
}
