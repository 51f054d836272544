// Fonts for visible signatures, as bytes: the worker that draws has no file system, so whoever starts it
// reads them before.
#pragma once

#include <string>
#include <vector>

#include "appliance/base/bytes.h"

namespace sigillo::pdf {

// A TrueType font (glyf outlines); its licence must allow embedding, which its OS/2 table says and we check.
struct FontFile {
    std::string name;   // as a client spells it in TextBlock::font, without regard to case
    ByteView bytes;     // must outlive the call
    unsigned face = 0;  // of a collection (.ttc)
};

// The first is the default. A character that the chosen font lacks is taken from the first other that has it;
// a character that none has is an error which names it, never a box.
using Fonts = std::vector<FontFile>;

}  // namespace sigillo::pdf
