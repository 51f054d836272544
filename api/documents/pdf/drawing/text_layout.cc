#include "api/documents/pdf/drawing/text_layout.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

constexpr double kLineGap = 0.06;  // ems between lines, beyond the font's own
constexpr double kSmaller = 0.97;  // from one try to the next
constexpr int kTries = 160;        // 0.97^160 is below one hundredth
// Lines whole are worth so much of a larger size with lines broken.
constexpr double kWholeLines = 0.8;

struct Word {
    std::string text;
    double width;  // ems
};
using Words = std::vector<Word>;

struct Metrics {
    double line = 1.2;  // ems from line to line
    double ascent = 0.9;
    double descent = 0.2;
    double space = 0.3;
};

struct Fit {
    double size = 0;
    std::vector<std::string> lines;
};

Result<Words> words_of(const std::string& line, std::size_t font, FontsInUse& fonts) {
    Words words;
    std::size_t at = 0;
    while (at < line.size()) {
        const std::size_t end = std::min(line.find(' ', at), line.size());
        if (end > at) {
            SIGILLO_ASSIGN(const Line set, typeset(line.substr(at, end - at), font, fonts));
            words.push_back({line.substr(at, end - at), set.width});
        }
        at = end + 1;
    }
    return words;
}

// Lines of at most `room` ems; nothing when a word is longer.
std::optional<std::vector<std::string>> broken(const std::vector<Words>& source, double room, double space) {
    std::vector<std::string> lines;
    for (const Words& words : source) {
        std::string line;
        double width = 0;
        for (const Word& word : words) {
            if (word.width > room) return std::nullopt;
            if (!line.empty() && width + space + word.width > room) {
                lines.push_back(std::move(line));
                line.clear();
            }
            width = line.empty() ? word.width : width + space + word.width;
            line += line.empty() ? word.text : ' ' + word.text;
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

double height_of(std::size_t lines, const Metrics& metrics) {
    return metrics.ascent + metrics.descent + static_cast<double>(lines - 1) * metrics.line;
}

Fit fit(const std::vector<std::string>& lines, const std::vector<Words>& words, double widest,
        const TextBlock& block, const Frame& frame, const Metrics& metrics) {
    Fit whole{block.font_size, lines};
    whole.size = std::min(whole.size, frame.height / height_of(lines.size(), metrics));
    if (widest > 0) whole.size = std::min(whole.size, frame.width / widest);
    double size = block.font_size;
    for (int i = 0; i < kTries && size * kWholeLines > whole.size; ++i, size *= kSmaller) {
        // A hair of room: sums of words differ from the line set whole by kerning around the spaces.
        const auto tried = broken(words, frame.width / size * 0.995, metrics.space);
        if (tried && height_of(tried->size(), metrics) * size <= frame.height) return {size, *tried};
    }
    return whole;
}

void show(const Run& run, double size, double x, double y, std::string_view font, std::string& out) {
    out += '/' + std::string(font) + ' ' + number(size) + " Tf\n";
    std::string array;
    Bytes cids;
    double pending = 0;  // thousandths to move left before the next glyph
    const auto flush_cids = [&] {
        if (cids.empty()) return;
        array += hex_string(cids);
        cids.clear();
    };
    const auto flush = [&] {
        flush_cids();
        if (!array.empty()) out += '[' + array + "] TJ\n";
        array.clear();
        pending = 0;
    };
    bool placed = false;
    for (const PlacedGlyph& glyph : run.glyphs) {
        const bool off = glyph.dx != 0 || glyph.dy != 0;
        if (!placed || off) {
            flush();
            out += "1 0 0 1 " + number(x + glyph.dx * size) + ' ' + number(y + glyph.dy * size) + " Tm\n";
        } else if (std::abs(pending) >= 0.5) {
            flush_cids();
            array += number(pending);
            pending = 0;
        }
        append_u16(cids, glyph.cid);
        pending += (glyph.width - glyph.advance) * 1000;
        x += glyph.advance * size;
        placed = !off;  // what follows a moved glyph is placed anew
    }
    flush();
}

}  // namespace

std::string colour_operands(const Colour& colour) {
    std::string out;
    for (const std::uint8_t part : colour) out += number(part / 255.0) + ' ';
    out.pop_back();
    return out;
}

Result<std::string> set_text(const TextBlock& block, const Frame& frame, FontsInUse& fonts,
                             Revision& revision, std::map<std::string, Reference>& resources) {
    if (block.lines.empty()) return std::string();
    if (!(block.font_size >= 1 && block.font_size <= 1'000))
        return fail(Errc::kInvalidArgument, "a font size lies between 1 and 1000 points", "font");
    SIGILLO_ASSIGN(const std::size_t index, fonts.find(block.font));
    SIGILLO_ASSIGN(const Font* const font, fonts.at(index));
    Metrics metrics;
    metrics.ascent = font->ascent();
    metrics.descent = font->descent();
    metrics.line = metrics.ascent + metrics.descent + kLineGap;
    SIGILLO_ASSIGN(const Line space, typeset(" ", index, fonts));
    metrics.space = space.width;

    std::vector<Words> words;
    double widest = 0;
    for (const std::string& line : block.lines) {
        SIGILLO_ASSIGN(const Line set, typeset(line, index, fonts));
        widest = std::max(widest, set.width);
        SIGILLO_ASSIGN(Words parts, words_of(line, index, fonts));
        words.push_back(std::move(parts));
    }
    const Fit fitted = fit(block.lines, words, widest, block, frame, metrics);
    const double height = height_of(fitted.lines.size(), metrics) * fitted.size;
    double y = frame.y + height;
    if (block.vertical_align == VerticalAlignment::kTop) y = frame.y + frame.height;
    if (block.vertical_align == VerticalAlignment::kMiddle) y = frame.y + (frame.height + height) / 2;
    y -= metrics.ascent * fitted.size;

    std::string out = "BT\n" + colour_operands(block.colour) + " rg\n";
    for (const std::string& text : fitted.lines) {
        SIGILLO_ASSIGN(const Line line, typeset(text, index, fonts));
        const double left = frame.width - line.width * fitted.size;
        double x = frame.x;
        if (block.align == HorizontalAlignment::kRight) x += left;
        if (block.align == HorizontalAlignment::kMiddle) x += left / 2;
        for (const Run& run : line.runs) {
            const Reference object = run.font->reference(revision);
            const std::string name = "F" + std::to_string(object.number);
            resources.emplace(name, object);
            show(run, fitted.size, x, y, name, out);
            for (const PlacedGlyph& glyph : run.glyphs) x += glyph.advance * fitted.size;
        }
        y -= metrics.line * fitted.size;
    }
    return out + "ET\n";
}

}  // namespace sigillo::pdf
