#include "api/documents/pdf/drawing/artist.h"

#include <algorithm>
#include <array>

#include "api/documents/pdf/drawing/pen.h"
#include "api/documents/pdf/drawing/text_layout.h"
#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

// A rectangle so much wider than high has its picture at the side.
constexpr double kWide = 1.6;
constexpr double kSideShare = 0.4;   // of the width, at most, for a picture at the side
constexpr double kAboveShare = 0.6;  // of the height, for one above
constexpr double kGap = 6;           // points between picture and text, at most a twentieth of the rectangle
constexpr double kLeast = 0.25;      // of its share a picture keeps, however slim it is

std::string four(double a, double b, double c, double d) {
    return number(a) + ' ' + number(b) + ' ' + number(c) + ' ' + number(d);
}

struct Places {
    Frame picture;
    Frame text;
};

PicturePlace place_in(const Frame& all, PicturePlace place) {
    if (place != PicturePlace::kAuto) return place;
    return all.width >= kWide * all.height ? PicturePlace::kLeft : PicturePlace::kAbove;
}

Places places_for(const Frame& all, PicturePlace place) {
    const double gap = std::min({kGap, all.width / 20, all.height / 20});
    const double side = all.width * kSideShare;
    const double rest = all.width - side - gap;
    const double low = all.height * (1 - kAboveShare) - gap;
    switch (place) {
        case PicturePlace::kLeft:
            return {{all.x, all.y, side, all.height}, {all.x + side + gap, all.y, rest, all.height}};
        case PicturePlace::kRight:
            return {{all.x + rest + gap, all.y, side, all.height}, {all.x, all.y, rest, all.height}};
        case PicturePlace::kAbove:
            return {{all.x, all.y + low + gap, all.width, all.height - low - gap},
                    {all.x, all.y, all.width, low}};
        default:
            return {all, all};
    }
}

// What the picture does not need of its share is the text's.
void give_rest(Places& places, PicturePlace place, const Size& needed) {
    Frame& picture = places.picture;
    Frame& text = places.text;
    const double width = std::clamp(needed.width, picture.width * kLeast, picture.width);
    const double height = std::clamp(needed.height, picture.height * kLeast, picture.height);
    if (place == PicturePlace::kLeft) {
        text.x -= picture.width - width;
        text.width += picture.width - width;
        picture.width = width;
    } else if (place == PicturePlace::kRight) {
        text.width += picture.width - width;
        picture.x += picture.width - width;
        picture.width = width;
    } else if (place == PicturePlace::kAbove) {
        text.height += picture.height - height;
        picture.y += picture.height - height;
        picture.height = height;
    }
}

// Against the page's rotation, so that it stands upright for the reader; ISO 32000-1 §12.5.5 moves the result
// onto the widget's rectangle.
const char* matrix_for(int rotation) {
    switch (rotation) {
        case 90:
            return "0 1 -1 0 0 0";
        case 180:
            return "-1 0 0 -1 0 0";
        case 270:
            return "0 -1 1 0 0 0";
        default:
            return "1 0 0 1 0 0";
    }
}

std::string resource_dictionary(const char* name, const std::map<std::string, Reference>& entries) {
    if (entries.empty()) return {};
    std::string out = '/' + std::string(name) + " <<";
    for (const auto& [key, reference] : entries) out += '/' + key + ' ' + to_source(reference);
    return out + ">>";
}

}  // namespace

// A content stream under construction.
struct Artist::Sheet {
    std::string content;
    std::map<std::string, Reference> fonts;
    std::map<std::string, Reference> images;
};

Result<Picture> Artist::picture(ByteView image, Transparency transparency) {
    const Sha256Value digest = sha256(image);
    const auto known = pictures_.find(digest);
    if (known != pictures_.end()) return known->second;
    SIGILLO_ASSIGN(const Picture picture, put_picture(image, transparency, limits_, revision_));
    pictures_.emplace(digest, picture);
    return picture;
}

Result<Size> Artist::picture_size(const Appearance& appearance, const Frame& frame,
                                  Transparency transparency) {
    Size size;
    if (appearance.image) {
        SIGILLO_ASSIGN(const Picture image, picture(appearance.image->bytes, transparency));
        const double scale = std::min(frame.width / image.width, frame.height / image.height);
        size = {image.width * scale, image.height * scale};
    }
    if (appearance.handwriting) {
        SIGILLO_ASSIGN(const Size strokes, handwriting_size(*appearance.handwriting, frame, limits_));
        size = {std::max(size.width, strokes.width), std::max(size.height, strokes.height)};
    }
    return size;
}

Status Artist::draw_picture(const Appearance& appearance, const Frame& frame, Transparency transparency,
                            Sheet& sheet) {
    if (appearance.image) {
        SIGILLO_ASSIGN(const Picture image, picture(appearance.image->bytes, transparency));
        const double scale = std::min(frame.width / image.width, frame.height / image.height);
        const double width = image.width * scale;
        const double height = image.height * scale;
        const std::string name = "I" + std::to_string(image.object.number);
        const auto& u = image.upright;
        sheet.images.emplace(name, image.object);
        sheet.content +=
            "q\n" + four(width, 0, 0, height) + ' ' + number(frame.x + (frame.width - width) / 2) + ' ' +
            number(frame.y + (frame.height - height) / 2) + " cm\n" + four(u[0], u[1], u[2], u[3]) + ' ' +
            number(u[4]) + ' ' + number(u[5]) + " cm\n/" + name + " Do\nQ\n";
    }
    if (appearance.handwriting) {
        SIGILLO_ASSIGN(const std::string strokes, draw_handwriting(*appearance.handwriting, frame, limits_));
        sheet.content += "q\n" + strokes + "Q\n";
    }
    return {};
}

Status Artist::draw_text(const Appearance& appearance, const Frame& frame, Sheet& sheet) {
    for (TextBlock block : appearance.text) {
        SIGILLO_ASSIGN(block.lines, fill_in(block.lines, words_));
        std::size_t octets = 0;
        for (const std::string& line : block.lines) octets += line.size() + 1;
        if (octets > limits_.text_bytes)
            return fail(Errc::kLimitExceeded,
                        "the text has more than " + std::to_string(limits_.text_bytes) + " octets", "text");
        SIGILLO_ASSIGN(const std::string text, set_text(block, frame, fonts_, revision_, sheet.fonts));
        sheet.content += "q\n" + text + "Q\n";
    }
    return {};
}

Result<Reference> Artist::draw(const Appearance& appearance, const Canvas& canvas) {
    Sheet sheet;
    const Frame all{0, 0, canvas.width, canvas.height};
    if (appearance.background)
        sheet.content +=
            colour_operands(*appearance.background) + " rg\n" + four(0, 0, all.width, all.height) + " re f\n";
    // Low and narrow rectangles need their room for what is drawn.
    double edge = std::clamp(appearance.padding, 0.0, std::min(all.width, all.height) / 8);
    if (appearance.border && appearance.border_width > 0) {
        const double line = std::min({appearance.border_width, all.width / 4, all.height / 4});
        const Frame middle = all.inset(line / 2);
        sheet.content += colour_operands(*appearance.border) + " RG\n" + number(line) + " w\n" +
                         four(middle.x, middle.y, middle.width, middle.height) + " re S\n";
        edge = std::min(edge + line, std::min(all.width, all.height) / 3);
    }
    const bool pictures = appearance.image || appearance.handwriting;
    const Frame inside = all.inset(edge);
    Places places{inside, inside};
    if (pictures && !appearance.text.empty()) {
        const PicturePlace place = place_in(inside, appearance.picture_place);
        places = places_for(inside, place);
        SIGILLO_ASSIGN(const Size needed, picture_size(appearance, places.picture, canvas.transparency));
        give_rest(places, place, needed);
    }
    SIGILLO_TRY(draw_picture(appearance, places.picture, canvas.transparency, sheet));
    SIGILLO_TRY(draw_text(appearance, places.text, sheet));

    const Reference form = revision_.allocate();
    SIGILLO_TRY(revision_.put_deflated(
        form,
        "/Type /XObject/Subtype /Form/BBox [" + four(0, 0, all.width, all.height) + "]/Matrix [" +
            matrix_for(canvas.rotation) + "]/Resources <<" + resource_dictionary("Font", sheet.fonts) +
            resource_dictionary("XObject", sheet.images) + ">>",
        as_bytes(sheet.content)));
    return form;
}

}  // namespace sigillo::pdf
