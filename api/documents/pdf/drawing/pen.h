// Handwriting as smooth lines whose width follows the pressure.
#pragma once

#include <string>

#include "api/documents/pdf/appearance.h"
#include "api/documents/pdf/drawing/frame.h"
#include "api/documents/pdf/limits.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

// What the drawing takes of the frame, keeping its proportions. Errors as draw_handwriting.
Result<Size> handwriting_size(const Handwriting& handwriting, const Frame& frame, const Limits& limits);

// A content stream's operators; the drawing keeps its proportions and stands in the middle of the frame.
// kInvalidArgument (field "handwriting"): no point, or one that is no number. kLimitExceeded (field
// "handwriting").
Result<std::string> draw_handwriting(const Handwriting& handwriting, const Frame& frame,
                                     const Limits& limits);

}  // namespace sigillo::pdf
