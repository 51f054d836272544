// Where a visible signature stands: on the page as a reader sees it, rotated and cropped as it is.
// Pure functions; safe from any thread.
#pragma once

#include <string_view>

#include "appliance/base/result.h"

namespace sigillo::pdf {

// Points of 1/72 inch from the bottom left corner of the visible page (CropBox, after /Rotate). left < right
// and bottom < top.
struct Rectangle {
    double left = 0;
    double bottom = 0;
    double right = 0;
    double top = 0;

    double width() const { return right - left; }
    double height() const { return top - bottom; }
    friend bool operator==(const Rectangle&, const Rectangle&) = default;
};

// "rect: x1, y1, x2, y2": two opposite corners in any order; each number with its own unit mm, in or pt,
// points without one: "rect: 10mm, 50mm, 110mm, 80mm", "rect: 140,44,193,53". Spaces are free.
// kInvalidArgument (field "position"): anything else, more than six digits before the point, or no area.
Result<Rectangle> parse_position(std::string_view text);

}  // namespace sigillo::pdf
