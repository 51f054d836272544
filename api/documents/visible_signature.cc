#include "api/documents/visible_signature.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace sigillo::api::documents {
namespace {

using json::Fault;
using json::ObjectReader;

constexpr std::array<std::string_view, 3> kAligns = {"left", "middle", "right"};
constexpr std::array<std::string_view, 3> kVerticalAligns = {"top", "middle", "bottom"};
constexpr std::array<std::string_view, 5> kPicturePlaces = {"auto", "left", "right", "above", "behind"};
constexpr std::array<std::string_view, 3> kLockActions = {"all", "include", "exclude"};
constexpr std::size_t kLargestImage = std::size_t{8} << 20;  // the worker's own bound (pdf/limits.h)

// One nested object: its faults become its parent's.
class Part {
 public:
    Part(const json::Object& object, const std::string& prefix, const RequestBody& body)
        : reader(object, prefix), prefix_(prefix), body_(body) {}

    template <std::size_t N>
    std::uint32_t word(std::string_view name, const std::array<std::string_view, N>& words,
                       std::uint32_t otherwise) {
        const auto* value = reader.string(name);
        if (value == nullptr) return otherwise;
        const auto found = std::ranges::find(words, *value);
        if (found == words.end()) reader.invalid(name);
        return static_cast<std::uint32_t>(found - words.begin());
    }
    std::uint32_t number(std::string_view name, std::int64_t least, std::int64_t most,
                         std::uint32_t otherwise) {
        const auto* value = reader.integer(name);
        if (value == nullptr) return otherwise;
        if (*value < least || *value > most) reader.invalid(name);
        return static_cast<std::uint32_t>(*value);
    }
    // "#rrggbb"
    template <class Message>
    void colour(std::string_view name, Message& message, doc::Colour* (Message::*place)()) {
        const auto* value = reader.string(name);
        if (value == nullptr) return;
        std::uint32_t rgb = 0;
        const char* const end = value->data() + value->size();
        if (value->size() != 7 || value->front() != '#' ||
            std::from_chars(value->data() + 1, end, rgb, 16).ptr != end)
            return reader.invalid(name);
        doc::Colour& out = *(message.*place)();
        out.set_red(rgb >> 16);
        out.set_green(rgb >> 8 & 255);
        out.set_blue(rgb & 255);
    }
    // The bytes of a base64 member; empty when absent or wrong.
    std::string bytes(const json::Object& object, std::string_view name) {
        const json::Value* value = json::find(object, name);
        reader.note(name);
        if (value == nullptr || value->is_null()) return {};
        const auto content = content_of(*value, body_);
        if (!content || content->size == 0 || content->size > kLargestImage) {
            reader.invalid(name);
            return {};
        }
        std::string out(content->size, '\0');
        if (!content->file->read(0, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}))
            reader.invalid(name);
        return out;
    }
    void take(std::expected<void, Fault> inner) {
        if (!inner) reader.blame(std::move(inner).error());
    }
    std::expected<void, Fault> end() {
        if (const auto& fault = reader.finish()) return std::unexpected(*fault);
        return {};
    }
    std::string inner(std::string_view name) const { return prefix_ + std::string(name) + "."; }
    const RequestBody& body() const { return body_; }
    ObjectReader reader;

 private:
    const std::string prefix_;
    const RequestBody& body_;
};

std::expected<void, Fault> read_font(const json::Object& object, const std::string& prefix,
                                     const RequestBody& body, doc::TextBlock& out) {
    Part part(object, prefix, body);
    out.set_font(part.reader.text("name"));
    out.set_font_size(part.number("size", 1, 400, 0));
    return part.end();
}

std::expected<void, Fault> read_text(const json::Object& object, const std::string& prefix,
                                     const RequestBody& body, doc::TextBlock& out) {
    Part part(object, prefix, body);
    if (const auto* lines = part.reader.required_array("format")) {
        for (const auto& line : *lines) {
            if (const auto* text = line.string())
                out.add_lines(*text);
            else
                part.reader.blame({Fault::Kind::kWrongType, "string", prefix + "format"});
        }
    }
    if (const auto* font = part.reader.object("font"))
        part.take(read_font(*font, part.inner("font"), body, out));
    out.set_align(part.word("text_align", kAligns, 0));
    out.set_vertical_align(part.word("valign", kVerticalAligns, 1));
    part.colour("colour", out, &doc::TextBlock::mutable_colour);
    return part.end();
}

// [x, y] or [x, y, pressure from 0 to 1000], whole numbers in any unit.
bool read_point(const json::Value& value, doc::StrokePoint& out) {
    const auto* numbers = value.array();
    if (numbers == nullptr || numbers->size() < 2 || numbers->size() > 3) return false;
    for (const auto& number : *numbers)
        if (number.integer() == nullptr) return false;
    out.set_x(static_cast<float>(*(*numbers)[0].integer()));
    out.set_y(static_cast<float>(*(*numbers)[1].integer()));
    const std::int64_t pressure = numbers->size() == 3 ? *(*numbers)[2].integer() : 500;
    out.set_pressure(static_cast<float>(pressure) / 1000.0F);
    return pressure >= 0 && pressure <= 1000;
}

std::expected<void, Fault> read_handwriting(const json::Object& object, const std::string& prefix,
                                            const RequestBody& body, doc::Handwriting& out) {
    Part part(object, prefix, body);
    if (const auto* strokes = part.reader.required_array("strokes")) {
        for (const auto& stroke : *strokes) {
            const auto* points = stroke.array();
            if (points == nullptr) {
                part.reader.invalid("strokes");
                break;
            }
            auto& line = *out.add_strokes();
            for (const auto& point : *points)
                if (!read_point(point, *line.add_points())) part.reader.invalid("strokes");
        }
    }
    part.colour("colour", out, &doc::Handwriting::mutable_colour);
    out.set_pen_width(part.number("pen_width", 1, 20, 0));
    return part.end();
}

// The members that say what is shown, wherever they stand.
void read_appearance(Part& part, const json::Object& object, const std::string& prefix,
                     doc::Appearance& out) {
    if (const auto* blocks = part.reader.array("text")) {
        for (const auto& block : *blocks) {
            const auto* inner = block.object();
            if (inner == nullptr) {
                part.reader.blame({Fault::Kind::kWrongType, "object", prefix + "text"});
                break;
            }
            part.take(read_text(*inner, part.inner("text"), part.body(), *out.add_text()));
        }
    }
    out.set_image(part.bytes(object, "image"));
    if (const auto* drawing = part.reader.object("handwriting"))
        part.take(
            read_handwriting(*drawing, part.inner("handwriting"), part.body(), *out.mutable_handwriting()));
    out.set_picture_place(part.word("picture_place", kPicturePlaces, 0));
    part.colour("background", out, &doc::Appearance::mutable_background);
    part.colour("border", out, &doc::Appearance::mutable_border);
    if (part.reader.integer("padding") != nullptr) {
        out.set_has_padding(true);
        out.set_padding(part.number("padding", 0, 144, 0));
    }
}

std::expected<void, Fault> read_clause(const json::Object& object, const std::string& prefix,
                                       const RequestBody& body, doc::Area& out) {
    Part part(object, prefix, body);
    out.set_page(part.number("page", 1, 1'000'000, 1));
    out.set_position(part.reader.required_text("position"));
    read_appearance(part, object, prefix, *out.mutable_appearance());
    return part.end();
}

std::expected<void, Fault> read_lock(const json::Object& object, const std::string& prefix,
                                     const RequestBody& body, doc::FieldLock& out) {
    Part part(object, prefix, body);
    part.reader.required_text("action");
    out.set_action(part.word("action", kLockActions, 0));
    if (const auto* fields = part.reader.array("fields")) {
        for (const auto& field : *fields) {
            if (const auto* name = field.string())
                out.add_fields(*name);
            else
                part.reader.invalid("fields");
        }
    }
    return part.end();
}

}  // namespace

std::expected<void, Fault> read_visible_signature(const json::Object& object, const RequestBody& body,
                                                  doc::PdfSignature& out) {
    const std::string prefix = "visible_signature.";
    Part part(object, prefix, body);
    out.set_page(part.number("page", 1, 1'000'000, 0));
    out.set_position(part.reader.text("position"));
    out.set_field_name(part.reader.text("field"));
    out.set_existing_field(part.reader.boolean("existing_field", false));
    read_appearance(part, object, prefix, *out.mutable_appearance());
    if (const auto* lock = part.reader.object("lock"))
        part.take(read_lock(*lock, part.inner("lock"), body, *out.mutable_lock()));
    if (const auto* clauses = part.reader.array("clauses")) {
        for (const auto& clause : *clauses) {
            const auto* inner = clause.object();
            if (inner == nullptr) {
                part.reader.blame({Fault::Kind::kWrongType, "object", prefix + "clauses"});
                break;
            }
            part.take(read_clause(*inner, part.inner("clauses"), body, *out.add_clauses()));
        }
    }
    return part.end();
}

}  // namespace sigillo::api::documents
