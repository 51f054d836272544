#include "api/documents/pdf/drawing/pen.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "api/documents/pdf/drawing/text_layout.h"
#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

// Points closer than this say nothing on paper, in points of 1/72 inch.
constexpr double kNear = 0.25;
// Widths differ by steps of this much, so that a stroke of even pressure is one path.
constexpr double kWidthStep = 0.08;

struct Dot {
    double x;
    double y;
    double width;
};

struct Extent {
    double x0 = std::numeric_limits<double>::max();
    double y0 = std::numeric_limits<double>::max();
    double x1 = std::numeric_limits<double>::lowest();
    double y1 = std::numeric_limits<double>::lowest();

    double wide() const { return x1 - x0; }
    double high() const { return y1 - y0; }
};

double width_at(double pressure, double pen) {
    // Half of the pen's width at no pressure, one and a half times at full.
    const double width = pen * (0.5 + std::clamp(pressure, 0.0, 1.0));
    return std::max(kWidthStep, std::round(width / kWidthStep) * kWidthStep);
}

std::string point(double x, double y) {
    return number(x) + ' ' + number(y) + ' ';
}

// Catmull-Rom through all dots, as Bézier curves; a new path where the width changes.
std::string draw_stroke(const std::vector<Dot>& dots) {
    std::string out;
    if (dots.size() == 1) {
        // A dot: a line without length, with round ends.
        return number(dots[0].width) + " w\n" + point(dots[0].x, dots[0].y) + "m " +
               point(dots[0].x, dots[0].y) + "l S\n";
    }
    double width = -1;
    for (std::size_t i = 0; i + 1 < dots.size(); ++i) {
        const Dot& before = dots[i == 0 ? 0 : i - 1];
        const Dot& from = dots[i];
        const Dot& to = dots[i + 1];
        const Dot& after = dots[std::min(i + 2, dots.size() - 1)];
        if (from.width != width) {
            if (width >= 0) out += "S\n";
            width = from.width;
            out += number(width) + " w\n" + point(from.x, from.y) + "m\n";
        }
        out += point(from.x + (to.x - before.x) / 6, from.y + (to.y - before.y) / 6) +
               point(to.x - (after.x - from.x) / 6, to.y - (after.y - from.y) / 6) + point(to.x, to.y) +
               "c\n";
    }
    return out + "S\n";
}

// A running mean over three samples: sensors' pressure trembles.
double smooth_pressure(const Stroke& stroke, std::size_t i) {
    const double before = stroke[i == 0 ? 0 : i - 1].pressure;
    const double after = stroke[std::min(i + 1, stroke.size() - 1)].pressure;
    return (before + stroke[i].pressure + after) / 3;
}

Result<Extent> extent_of(const Handwriting& handwriting, const Limits& limits) {
    Extent extent;
    std::size_t points = 0;
    for (const Stroke& stroke : handwriting.strokes) {
        points += stroke.size();
        if (points > limits.stroke_points)
            return fail(Errc::kLimitExceeded,
                        "the handwriting has more than " + std::to_string(limits.stroke_points) + " points",
                        "handwriting");
        for (const StrokePoint& p : stroke) {
            if (!std::isfinite(p.x) || !std::isfinite(p.y) || !std::isfinite(p.pressure))
                return fail(Errc::kInvalidArgument, "a point of the handwriting is no number", "handwriting");
            extent.x0 = std::min<double>(extent.x0, p.x);
            extent.x1 = std::max<double>(extent.x1, p.x);
            extent.y0 = std::min<double>(extent.y0, p.y);
            extent.y1 = std::max<double>(extent.y1, p.y);
        }
    }
    if (points == 0) return fail(Errc::kInvalidArgument, "the handwriting has no point", "handwriting");
    if (!(handwriting.pen_width > 0 && handwriting.pen_width <= 100))
        return fail(Errc::kInvalidArgument, "a pen's width lies between 0 and 100 points", "handwriting");
    return extent;
}

// Kept free around the dots, so that thick lines stay inside too.
double margin_of(const Handwriting& handwriting, const Frame& frame) {
    return std::min({handwriting.pen_width, frame.width / 4, frame.height / 4});
}

// From the strokes' unit to points.
double scale_of(const Extent& extent, const Frame& inner) {
    double scale = std::numeric_limits<double>::max();
    if (extent.wide() > 0) scale = std::min(scale, inner.width / extent.wide());
    if (extent.high() > 0) scale = std::min(scale, inner.height / extent.high());
    return extent.wide() <= 0 && extent.high() <= 0 ? 1 : scale;
}

}  // namespace

Result<Size> handwriting_size(const Handwriting& handwriting, const Frame& frame, const Limits& limits) {
    SIGILLO_ASSIGN(const Extent extent, extent_of(handwriting, limits));
    const double margin = margin_of(handwriting, frame);
    const double scale = scale_of(extent, frame.inset(margin));
    return Size{extent.wide() * scale + 2 * margin, extent.high() * scale + 2 * margin};
}

Result<std::string> draw_handwriting(const Handwriting& handwriting, const Frame& frame,
                                     const Limits& limits) {
    SIGILLO_ASSIGN(const Extent extent, extent_of(handwriting, limits));
    const Frame inner = frame.inset(margin_of(handwriting, frame));
    const double scale = scale_of(extent, inner);
    const double left = inner.x + (inner.width - extent.wide() * scale) / 2;
    const double top = inner.y + (inner.height + extent.high() * scale) / 2;

    std::string out = "1 J 1 j\n" + colour_operands(handwriting.colour) + " RG\n";
    for (const Stroke& stroke : handwriting.strokes) {
        std::vector<Dot> dots;
        for (std::size_t i = 0; i < stroke.size(); ++i) {
            const Dot dot{left + (stroke[i].x - extent.x0) * scale, top - (stroke[i].y - extent.y0) * scale,
                          width_at(smooth_pressure(stroke, i), handwriting.pen_width)};
            const bool last = i + 1 == stroke.size();
            if (dots.empty() || last || std::hypot(dot.x - dots.back().x, dot.y - dots.back().y) >= kNear)
                dots.push_back(dot);
        }
        if (!dots.empty()) out += draw_stroke(dots);
    }
    return out;
}

}  // namespace sigillo::pdf
