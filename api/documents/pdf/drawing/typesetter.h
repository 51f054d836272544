// From a line of text to placed glyphs: fonts with what they have, direction by the Unicode bidirectional
// algorithm (UAX #9), shape by HarfBuzz.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/documents/pdf/drawing/font.h"
#include "api/documents/pdf/drawing/fonts_in_use.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

// Lengths in ems: times the font size.
struct PlacedGlyph {
    std::uint16_t cid = 0;
    double width = 0;    // by which the font itself moves on
    double advance = 0;  // by which the line moves on
    double dx = 0;
    double dy = 0;
};

struct Run {
    Font* font = nullptr;
    std::vector<PlacedGlyph> glyphs;  // from left to right
};

struct Line {
    std::vector<Run> runs;  // from left to right
    double width = 0;
};

// `font` is tried first for each character. Control characters count as spaces.
// kInvalidArgument: no UTF-8 (field "text"); a character that no font has, which the detail names (field
// "text").
Result<Line> typeset(std::string_view text, std::size_t font, FontsInUse& fonts);

}  // namespace sigillo::pdf
