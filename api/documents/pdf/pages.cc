#include "api/documents/pdf/pages.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

// US Letter, as readers take it where there is no MediaBox.
constexpr Box kDefaultPage{0, 0, 612, 792};
// A corner may stand so far outside, in points: rounding of whoever computed it.
constexpr double kTolerance = 0.5;

struct Inherited {
    Box media = kDefaultPage;
    std::optional<Box> crop;
    int rotation = 0;
};

struct Node {
    const Object* object;
    Inherited inherited;
    std::size_t depth;
};

double real_of(const Object* value, double otherwise) {
    if (value == nullptr || !(value->IsReal() || value->IsNumber())) return otherwise;
    const double real = value->GetReal();
    return std::isfinite(real) && std::abs(real) < 1e7 ? real : otherwise;
}

Inherited with_own(const Document& document, const Object* node, Inherited inherited) {
    if (const auto box = read_box(document, document.get(node, "MediaBox"))) inherited.media = *box;
    if (const auto box = read_box(document, document.get(node, "CropBox"))) inherited.crop = box;
    if (const Object* const rotate = document.get(node, "Rotate"); rotate != nullptr && rotate->IsNumber()) {
        const auto degrees = static_cast<int>(rotate->GetNumber() % 360);
        inherited.rotation = (degrees + 360) % 360 / 90 * 90;
    }
    return inherited;
}

Page page_of(const Document& document, const Node& node) {
    Page page;
    page.object = node.object;
    page.reference = Document::reference_of(*node.object);
    page.visible = node.inherited.media;
    if (node.inherited.crop) {
        const Box& media = node.inherited.media;
        const Box& crop = *node.inherited.crop;
        const Box both{std::max(media.x0, crop.x0), std::max(media.y0, crop.y0), std::min(media.x1, crop.x1),
                       std::min(media.y1, crop.y1)};
        if (both.x0 < both.x1 && both.y0 < both.y1) page.visible = both;
    }
    page.rotation = node.inherited.rotation;
    const double unit = real_of(document.get(node.object, "UserUnit"), 1);
    page.user_unit = unit > 0 ? unit : 1;
    return page;
}

std::unexpected<Error> too_many(const char* what, std::size_t limit) {
    return fail(Errc::kLimitExceeded,
                std::string("the document has more than ") + std::to_string(limit) + ' ' + what, "document");
}

}  // namespace

std::optional<Box> read_box(const Document& document, const Object* array) {
    if (array == nullptr || !array->IsArray() || array->GetArray().size() != 4) return std::nullopt;
    std::array<double, 4> at{};
    for (std::size_t i = 0; i < 4; ++i) at[i] = real_of(document.resolve(&array->GetArray()[i]), NAN);
    const Box box{std::min(at[0], at[2]), std::min(at[1], at[3]), std::max(at[0], at[2]),
                  std::max(at[1], at[3])};
    const bool area = box.x1 - box.x0 > 0 && box.y1 - box.y0 > 0;  // false with NAN too
    return area ? std::optional(box) : std::nullopt;
}

double Page::width() const {
    const bool lies = rotation == 90 || rotation == 270;
    return (lies ? visible.y1 - visible.y0 : visible.x1 - visible.x0) * user_unit;
}

double Page::height() const {
    const bool lies = rotation == 90 || rotation == 270;
    return (lies ? visible.x1 - visible.x0 : visible.y1 - visible.y0) * user_unit;
}

Result<Box> Page::place(const Rectangle& rectangle) const {
    if (rectangle.left < -kTolerance || rectangle.bottom < -kTolerance ||
        rectangle.right > width() + kTolerance || rectangle.top > height() + kTolerance)
        return fail(Errc::kInvalidArgument,
                    "the rectangle leaves the page, which is " + number(width()) + " x " + number(height()) +
                        " points",
                    "position");
    // From the displayed page's bottom left corner, in units of user space.
    const double left = rectangle.left / user_unit;
    const double right = rectangle.right / user_unit;
    const double bottom = rectangle.bottom / user_unit;
    const double top = rectangle.top / user_unit;
    const Box& v = visible;
    switch (rotation) {
        // Turned clockwise by 90 degrees, the displayed page's bottom left corner is user space's bottom
        // right.
        case 90:
            return Box{v.x1 - top, v.y0 + left, v.x1 - bottom, v.y0 + right};
        case 180:
            return Box{v.x1 - right, v.y1 - top, v.x1 - left, v.y1 - bottom};
        case 270:
            return Box{v.x0 + bottom, v.y1 - right, v.x0 + top, v.y1 - left};
        default:
            return Box{v.x0 + left, v.y0 + bottom, v.x0 + right, v.y0 + top};
    }
}

Status for_each_page(const Document& document, const std::function<bool(unsigned, const Page&)>& visit) {
    const Limits& limits = document.limits();
    std::unordered_set<std::uint32_t> seen;
    std::vector<Node> open{{document.get_dictionary(&document.catalog(), "Pages"), {}, 0}};
    unsigned number = 0;
    std::size_t nodes = 0;
    while (!open.empty()) {
        const Node node = open.back();
        open.pop_back();
        if (node.object == nullptr || !node.object->IsDictionary()) continue;
        const Reference reference = Document::reference_of(*node.object);
        if (reference.number != 0 && !seen.insert(reference.number).second) continue;
        // Inner nodes count too: a tree need not have leaves to be large.
        if (++nodes > 2 * limits.pages || number >= limits.pages) return too_many("pages", limits.pages);
        const Inherited inherited = with_own(document, node.object, node.inherited);
        const Object* const kids = document.get_array(node.object, "Kids");
        if (kids == nullptr) {
            if (!visit(++number, page_of(document, {node.object, inherited, node.depth}))) return {};
            continue;
        }
        if (node.depth >= limits.tree_depth) return too_many("levels of pages", limits.tree_depth);
        const PoDoFo::PdfArray& array = kids->GetArray();
        for (std::size_t i = array.size(); i-- > 0;)
            open.push_back({document.resolve(&array[i]), inherited, node.depth + 1});
    }
    return {};
}

Result<Page> find_page(const Document& document, unsigned number) {
    std::optional<Page> found;
    unsigned last = 0;
    SIGILLO_TRY(for_each_page(document, [&](unsigned at, const Page& page) {
        last = at;
        if (at == number) found = page;
        return at != number;
    }));
    if (last == 0) return fail(Errc::kInvalidArgument, "the document has no pages", "document");
    if (!found)
        return fail(
            Errc::kNotFound,
            "there is no page " + std::to_string(number) + ": the document has " + std::to_string(last),
            "page");
    if (found->reference.number == 0)
        return fail(Errc::kUnsupported, "page " + std::to_string(number) + " is no object of its own",
                    "document");
    return *found;
}

Result<std::optional<Page>> find_page(const Document& document, Reference reference) {
    std::optional<Page> found;
    SIGILLO_TRY(for_each_page(document, [&](unsigned, const Page& page) {
        if (page.reference == reference && reference.number != 0) found = page;
        return !found;
    }));
    return found;
}

}  // namespace sigillo::pdf
