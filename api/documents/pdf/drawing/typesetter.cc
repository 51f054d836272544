#include "api/documents/pdf/drawing/typesetter.h"

#include <fribidi.h>
#include <hb.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

// A stretch of one font, direction and script.
struct Item {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t font = 0;
    FriBidiLevel level = 0;
    hb_script_t script = HB_SCRIPT_COMMON;
};

bool is_control(char32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
}

// What shapes its neighbours and has no glyph of its own: joiners, marks of direction, variation selectors.
bool is_invisible(char32_t c) {
    return (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x2069) ||
           (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF || c == 0x00AD;
}

bool is_mark(char32_t c) {
    const hb_unicode_general_category_t category =
        hb_unicode_general_category(hb_unicode_funcs_get_default(), c);
    return category == HB_UNICODE_GENERAL_CATEGORY_NON_SPACING_MARK ||
           category == HB_UNICODE_GENERAL_CATEGORY_ENCLOSING_MARK ||
           category == HB_UNICODE_GENERAL_CATEGORY_SPACING_MARK;
}

hb_script_t script_of(char32_t c) {
    return hb_unicode_script(hb_unicode_funcs_get_default(), c);
}

std::unexpected<Error> no_glyph(char32_t c) {
    std::array<char, 16> code{};
    std::snprintf(code.data(), code.size(), "U+%04X", static_cast<unsigned>(c));
    return fail(
        Errc::kInvalidArgument,
        std::string("no font has the character ") + code.data() + " (" + to_utf8(std::u32string(1, c)) + ')',
        "text");
}

// The first font that has the character, the preferred one before all others; that one too when none has it.
Result<std::size_t> font_for(char32_t c, std::size_t preferred, FontsInUse& fonts) {
    SIGILLO_ASSIGN(Font* const first, fonts.at(preferred));
    if (first->has(c)) return preferred;
    for (std::size_t i = 0; i < fonts.size(); ++i) {
        SIGILLO_ASSIGN(Font* const font, fonts.at(i));
        if (font->has(c)) return i;
    }
    return preferred;
}

std::vector<FriBidiLevel> levels_of(const std::u32string& text) {
    const auto size = static_cast<FriBidiStrIndex>(text.size());
    std::vector<FriBidiChar> characters(text.begin(), text.end());
    std::vector<FriBidiCharType> types(text.size());
    std::vector<FriBidiBracketType> brackets(text.size());
    std::vector<FriBidiLevel> levels(text.size(), 0);
    fribidi_get_bidi_types(characters.data(), size, types.data());
    fribidi_get_bracket_types(characters.data(), size, types.data(), brackets.data());
    FriBidiParType base = FRIBIDI_PAR_ON;
    if (fribidi_get_par_embedding_levels_ex(types.data(), brackets.data(), size, &base, levels.data()) == 0)
        std::fill(levels.begin(), levels.end(), FriBidiLevel{0});
    return levels;
}

Result<std::vector<Item>> items_of(const std::u32string& text, std::size_t preferred, FontsInUse& fonts) {
    const std::vector<FriBidiLevel> levels = levels_of(text);
    std::vector<Item> items;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char32_t c = text[i];
        hb_script_t script = script_of(c);
        std::size_t font = preferred;
        // Marks and joiners stay with the letter before them.
        const bool follows =
            !items.empty() && items.back().level == levels[i] && (is_invisible(c) || is_mark(c));
        if (follows) {
            font = items.back().font;
        } else {
            SIGILLO_ASSIGN(font, font_for(c, preferred, fonts));
        }
        const bool weak = script == HB_SCRIPT_COMMON || script == HB_SCRIPT_INHERITED;
        if (!items.empty() && items.back().level == levels[i] && items.back().font == font &&
            (weak || items.back().script == script || items.back().script == HB_SCRIPT_COMMON)) {
            items.back().end = i + 1;
            if (!weak) items.back().script = script;
        } else {
            items.push_back({i, i + 1, font, levels[i], weak ? HB_SCRIPT_COMMON : script});
        }
    }
    return items;
}

// UAX #9, rule L2: from the highest level down, reverse every stretch of that level or higher.
void reorder(std::vector<Item>& items) {
    FriBidiLevel highest = 0;
    for (const Item& item : items) highest = std::max(highest, item.level);
    for (FriBidiLevel level = highest; level > 0; --level) {
        for (std::size_t i = 0; i < items.size();) {
            std::size_t end = i;
            while (end < items.size() && items[end].level >= level) ++end;
            std::reverse(items.begin() + static_cast<std::ptrdiff_t>(i),
                         items.begin() + static_cast<std::ptrdiff_t>(end));
            i = end + 1;
        }
    }
}

// The characters from `cluster` to the next cluster of the run.
std::u32string_view text_of(std::u32string_view text, const Item& item, unsigned cluster,
                            const hb_glyph_info_t* info, unsigned count) {
    auto end = static_cast<unsigned>(item.end);
    for (unsigned i = 0; i < count; ++i)
        if (info[i].cluster > cluster) end = std::min(end, info[i].cluster);
    return text.substr(cluster, end - cluster);
}

Result<Run> shape(const std::u32string& text, const Item& item, FontsInUse& fonts) {
    Run run;
    SIGILLO_ASSIGN(run.font, fonts.at(item.font));
    hb_buffer_t* const raw = hb_buffer_create();
    const std::unique_ptr<hb_buffer_t, decltype(&hb_buffer_destroy)> buffer(raw, &hb_buffer_destroy);
    hb_buffer_add_codepoints(raw, reinterpret_cast<const hb_codepoint_t*>(text.data()),
                             static_cast<int>(text.size()), static_cast<unsigned>(item.begin),
                             static_cast<int>(item.end - item.begin));
    hb_buffer_set_direction(raw, item.level % 2 == 1 ? HB_DIRECTION_RTL : HB_DIRECTION_LTR);
    hb_buffer_set_script(raw, item.script);
    hb_buffer_set_cluster_level(raw, HB_BUFFER_CLUSTER_LEVEL_MONOTONE_CHARACTERS);
    hb_buffer_set_flags(raw, HB_BUFFER_FLAG_REMOVE_DEFAULT_IGNORABLES);
    hb_shape(run.font->shaper(), raw, nullptr, 0);
    unsigned count = 0;
    const hb_glyph_info_t* const info = hb_buffer_get_glyph_infos(raw, &count);
    const hb_glyph_position_t* const position = hb_buffer_get_glyph_positions(raw, &count);
    const double em = run.font->per_em();
    for (unsigned i = 0; i < count; ++i) {
        const char32_t first = text[info[i].cluster];
        if (info[i].codepoint == 0) return no_glyph(first);
        const bool repeated = i > 0 && info[i - 1].cluster == info[i].cluster;
        SIGILLO_ASSIGN(
            const std::uint16_t cid,
            run.font->use(info[i].codepoint, repeated ? std::u32string_view()
                                                      : text_of(text, item, info[i].cluster, info, count)));
        run.glyphs.push_back({cid, run.font->advance_of(info[i].codepoint) / em, position[i].x_advance / em,
                              position[i].x_offset / em, position[i].y_offset / em});
    }
    return run;
}

}  // namespace

Result<Line> typeset(std::string_view utf8, std::size_t font, FontsInUse& fonts) {
    std::optional<std::u32string> text = from_utf8(utf8);
    if (!text) return fail(Errc::kInvalidArgument, "the text is not UTF-8", "text");
    // A no-break space has done its work, and not every font has it.
    std::replace_if(
        text->begin(), text->end(), [](char32_t c) { return c == 0x00A0 || is_control(c); }, U' ');
    SIGILLO_ASSIGN(std::vector<Item> items, items_of(*text, font, fonts));
    reorder(items);
    Line line;
    for (const Item& item : items) {
        SIGILLO_ASSIGN(Run run, shape(*text, item, fonts));
        for (const PlacedGlyph& glyph : run.glyphs) line.width += glyph.advance;
        line.runs.push_back(std::move(run));
    }
    return line;
}

}  // namespace sigillo::pdf
