// One font of a revision: glyphs for characters, and in the end a subset with exactly those that were used.
//
// In the file it is a CIDFontType2 with Identity-H (ISO 32000-1 §9.7.4): character identifiers count the
// glyphs in the order of their use, /ToUnicode gives their text for searching and copying.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/documents/pdf/fonts.h"
#include "api/documents/pdf/revision.h"
#include "appliance/base/result.h"

struct hb_face_t;
struct hb_font_t;

namespace sigillo::pdf {

class Font {
 public:
    // kInvalidArgument (field "font"): no TrueType font, or one whose licence forbids embedding (OS/2
    // fsType).
    static Result<std::unique_ptr<Font>> load(const FontFile& file);
    ~Font();
    Font(const Font&) = delete;
    Font& operator=(const Font&) = delete;

    hb_font_t* shaper() const { return font_; }
    double per_em() const { return per_em_; }
    bool has(char32_t character) const;
    // Fractions of the font size, above and below the base line, both positive.
    double ascent() const { return ascent_; }
    double descent() const { return descent_; }
    // In font units.
    double advance_of(std::uint32_t glyph) const;

    // The character identifier of a glyph, which from now on is part of the subset; `text` is what it stands
    // for. kLimitExceeded: more than 65,534 glyphs.
    Result<std::uint16_t> use(std::uint32_t glyph, std::u32string_view text);
    bool used() const { return !glyphs_.empty(); }

    // The font's object; allocated on the first call.
    Reference reference(Revision& revision);
    // Writes it, if used.
    Status write(Revision& revision);

 private:
    struct Glyph {
        std::uint32_t glyph;
        std::u32string text;
    };
    Font(hb_face_t* face, hb_font_t* font);
    struct Subset {
        Bytes program;
        Bytes glyph_of_cid;  // two octets each
    };
    Result<Subset> subset() const;
    std::string descriptor(Reference program, Reference set) const;
    std::string widths() const;
    std::string to_unicode() const;
    double thousandths(double units) const { return units * 1000 / per_em_; }

    hb_face_t* face_;
    hb_font_t* font_;
    double per_em_ = 1000;
    double ascent_ = 0.8;
    double descent_ = 0.2;
    std::string name_;  // with the tag of a subset
    Reference reference_;
    std::vector<Glyph> glyphs_;  // character identifier n is the element n - 1
    std::map<std::uint32_t, std::uint16_t> cids_;
};

}  // namespace sigillo::pdf
