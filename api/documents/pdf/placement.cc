#include "api/documents/pdf/placement.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace sigillo::pdf {
namespace {

constexpr double kPointsPerInch = 72;
constexpr double kMillimetresPerInch = 25.4;
constexpr double kFarthest = 999'999;

bool is_space(char c) {
    return c == ' ' || c == '\t';
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

// "10mm", "0.5 in", "-3", "72 pt"; NAN for anything else.
double points_of(std::string_view text) {
    text = trim(text);
    double value = 0;
    const auto read =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    // "inf" and "nan" read as numbers too.
    if (read.ec != std::errc() || !(std::abs(value) <= kFarthest)) return NAN;
    const std::string_view unit = trim(text.substr(static_cast<std::size_t>(read.ptr - text.data())));
    if (unit.empty() || unit == "pt") return value;
    if (unit == "in") return value * kPointsPerInch;
    if (unit == "mm") return value * kPointsPerInch / kMillimetresPerInch;
    return NAN;
}

std::unexpected<Error> wrong(const char* why) {
    return fail(Errc::kInvalidArgument, why, "position");
}

}  // namespace

Result<Rectangle> parse_position(std::string_view text) {
    constexpr const char* kGrammar =
        "a position is \"rect: x1, y1, x2, y2\", each number with mm, in, pt or no unit";
    text = trim(text);
    if (!text.starts_with("rect")) return wrong(kGrammar);
    text = trim(text.substr(4));
    if (!text.starts_with(':')) return wrong(kGrammar);
    text.remove_prefix(1);
    std::array<double, 4> at{};
    for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t comma = text.find(',');
        if ((comma == std::string_view::npos) != (i == 3)) return wrong(kGrammar);
        at[i] = points_of(text.substr(0, comma));
        if (std::isnan(at[i])) return wrong(kGrammar);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    const Rectangle rectangle{std::min(at[0], at[2]), std::min(at[1], at[3]), std::max(at[0], at[2]),
                              std::max(at[1], at[3])};
    if (rectangle.width() <= 0 || rectangle.height() <= 0) return wrong("the rectangle has no area");
    return rectangle;
}

}  // namespace sigillo::pdf
