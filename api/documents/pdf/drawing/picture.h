// Images of a visible signature as image XObjects (ISO 32000-1 §8.9).
#pragma once

#include <array>

#include "api/documents/pdf/limits.h"
#include "api/documents/pdf/revision.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

struct Picture {
    Reference object;
    double width = 0;  // pixels, upright
    double height = 0;
    // From the unit square of the image as stored to the upright unit square: a b c d e f of cm.
    std::array<double, 6> upright{1, 0, 0, 1, 0, 0};
};

enum class Transparency { kAllowed, kForbidden };  // PDF/A-1 forbids soft masks: alpha is then laid on white

// PNG or JPEG, told apart by their first octets.
// kInvalidArgument (field "image"): neither, or broken; kLimitExceeded (field "image").
Result<Picture> put_picture(ByteView image, Transparency transparency, const Limits& limits,
                            Revision& revision);

// A JPEG's header, as far as a PDF needs it. kInvalidArgument (field "image").
struct JpegHeader {
    unsigned width = 0;
    unsigned height = 0;
    unsigned components = 0;     // 1, 3 or 4
    bool inverted_cmyk = false;  // Adobe's
    unsigned orientation = 1;    // EXIF, 1 to 8
};
Result<JpegHeader> read_jpeg_header(ByteView jpeg);

}  // namespace sigillo::pdf
