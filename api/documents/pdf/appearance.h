// What a visible signature shows.
//
// Everything is drawn inside the rectangle, upright for the reader of a rotated page, as vectors and with
// embedded subsets of the fonts. Text is UTF-8, laid out by HarfBuzz (ligatures, marks) and FriBidi (right to
// left).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "appliance/base/bytes.h"

namespace sigillo::pdf {

// DeviceRGB, 0 to 255.
using Colour = std::array<std::uint8_t, 3>;

enum class HorizontalAlignment : std::uint8_t { kLeft, kMiddle, kRight };
enum class VerticalAlignment : std::uint8_t { kTop, kMiddle, kBottom };

struct TextBlock {
    // Lines, in which {name}, {reason}, {location}, {contact}, {time} and every key of
    // SignatureSpec::placeholders stand for their values; "{{" is a brace. A line with a placeholder whose
    // value is empty is left out. Where a line must be broken it is broken at spaces, not at U+00A0.
    std::vector<std::string> lines;
    std::string font;       // FontFile::name; empty: the first
    double font_size = 12;  // points, at most: it shrinks until the lines fit
    HorizontalAlignment align = HorizontalAlignment::kLeft;
    VerticalAlignment vertical_align = VerticalAlignment::kMiddle;
    Colour colour{0, 0, 0};
};

// PNG (any colour type; alpha becomes a soft mask) or JPEG (embedded as it is, upright by its EXIF
// orientation). It keeps its proportions.
struct Image {
    Bytes bytes;
};

// One line of a handwritten signature. The unit is free, y grows downwards as on screens and tablets; all
// strokes of an appearance are scaled together into their place. pressure is 0 to 1, and 0.5 where the device
// knows none.
struct StrokePoint {
    float x = 0;
    float y = 0;
    float pressure = 0.5F;
};
using Stroke = std::vector<StrokePoint>;

struct Handwriting {
    std::vector<Stroke> strokes;
    Colour colour{16, 32, 112};
    double pen_width = 1.4;  // points at pressure 0.5
};

// Where image and handwriting stand, if there is text too.
enum class PicturePlace : std::uint8_t {
    kAuto,    // left in a wide rectangle, above in a tall one
    kLeft,    //
    kRight,   //
    kAbove,   //
    kBehind,  // the whole rectangle, the text over it
};

struct Appearance {
    std::optional<Colour> background;
    std::optional<Colour> border;
    double border_width = 0.75;  // points
    double padding = 4;          // points; at most an eighth of the shorter side
    std::vector<TextBlock> text;
    std::optional<Image> image;
    std::optional<Handwriting> handwriting;
    PicturePlace picture_place = PicturePlace::kAuto;
};

}  // namespace sigillo::pdf
