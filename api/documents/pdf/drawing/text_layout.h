// Lines in a frame: as large as they may and can be, broken at spaces where that helps.
#pragma once

#include <map>
#include <string>

#include "api/documents/pdf/appearance.h"
#include "api/documents/pdf/drawing/frame.h"
#include "api/documents/pdf/drawing/typesetter.h"

namespace sigillo::pdf {

// A content stream's operators for the block, whose lines are filled in already. Adds what it uses to
// `resources` (name of the font in the stream to its object). Errors as typeset() and FontsInUse.
Result<std::string> set_text(const TextBlock& block, const Frame& frame, FontsInUse& fonts,
                             Revision& revision, std::map<std::string, Reference>& resources);

// "r g b" of a colour, for rg and RG.
std::string colour_operands(const Colour& colour);

}  // namespace sigillo::pdf
