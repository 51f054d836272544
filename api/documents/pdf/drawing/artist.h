// Draws visible signatures into a revision.
#pragma once

#include <map>

#include "api/documents/pdf/appearance.h"
#include "api/documents/pdf/drawing/fonts_in_use.h"
#include "api/documents/pdf/drawing/frame.h"
#include "api/documents/pdf/drawing/picture.h"
#include "api/documents/pdf/drawing/words.h"
#include "api/documents/pdf/limits.h"
#include "api/documents/pdf/revision.h"
#include "appliance/base/digest.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

class Artist {
 public:
    // All must outlive this.
    Artist(const Fonts& fonts, const Words& words, const Limits& limits, Revision& revision)
        : fonts_(fonts), words_(words), limits_(limits), revision_(revision) {}

    struct Canvas {
        double width = 0;  // points, as displayed
        double height = 0;
        int rotation = 0;  // of the page: the drawing is turned against it
        Transparency transparency = Transparency::kAllowed;
    };
    // A form XObject with the appearance. Fonts and equal images are shared among the drawings of one Artist.
    // Errors as set_text, put_picture, draw_handwriting; kLimitExceeded (field "text").
    Result<Reference> draw(const Appearance& appearance, const Canvas& canvas);
    // After the last drawing: writes the fonts.
    Status finish() { return fonts_.write(revision_); }

 private:
    struct Sheet;
    Result<Size> picture_size(const Appearance& appearance, const Frame& frame, Transparency transparency);
    Status draw_picture(const Appearance& appearance, const Frame& frame, Transparency transparency,
                        Sheet& sheet);
    Status draw_text(const Appearance& appearance, const Frame& frame, Sheet& sheet);
    Result<Picture> picture(ByteView image, Transparency transparency);

    FontsInUse fonts_;
    const Words& words_;
    const Limits& limits_;
    Revision& revision_;
    std::map<Sha256Value, Picture> pictures_;
};

}  // namespace sigillo::pdf
