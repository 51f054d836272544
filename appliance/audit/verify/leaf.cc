#include "appliance/audit/verify/leaf.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "appliance/audit/verify/canonical_json.h"
#include "appliance/base/encoding.h"

namespace sigillo::audit {
namespace {

using Json = nlohmann::json;

std::unexpected<Error> refuse(const std::string& why) {
    return fail(Errc::kCorrupt, "is no event: " + why);
}

// What event.h writes, written again: `json` is canonical exactly when this gives the same bytes.
bool write(std::string& out, const Json& value, unsigned depth) {
    switch (value.type()) {
        case Json::value_t::string:
            append_json_string(out, value.get_ref<const std::string&>());
            return true;
        case Json::value_t::boolean:
            out += value.get<bool>() ? "true" : "false";
            return true;
        case Json::value_t::number_unsigned:
            out += std::to_string(value.get<std::uint64_t>());
            return value.get<std::uint64_t>() <= kLargestInteger;
        case Json::value_t::array: {
            if (depth == 0) return false;
            out += '[';
            bool first = true;
            for (const Json& item : value) {
                if (!std::exchange(first, false)) out += ',';
                if (!write(out, item, depth - 1)) return false;
            }
            out += ']';
            return true;
        }
        default:
            return false;
    }
}

Result<RecordChange> record_change(const Json& item) {
    if (!item.is_array() || item.size() != 3 || !item[0].is_string() || !item[1].is_string() ||
        !item[2].is_number_unsigned())
        return refuse("\"records\" has a member that is not [space, key, version]");
    auto key = base64_decode(item[1].get_ref<const std::string&>());
    if (!key) return refuse("\"records\" has a key that is not base64");
    return RecordChange{item[0].get<std::string>(), *std::move(key), item[2].get<std::uint64_t>()};
}

Status take_list(Leaf& leaf, const std::string& name, const Json& value) {
    if (name == "records") {
        for (const Json& item : value) {
            SIGILLO_ASSIGN(RecordChange change, record_change(item));
            leaf.records.push_back(std::move(change));
        }
        return {};
    }
    std::vector<std::string> texts;
    texts.reserve(value.size());
    for (const Json& item : value) {
        if (!item.is_string()) return refuse("\"" + name + "\" is not a list of strings");
        texts.push_back(item.get<std::string>());
    }
    leaf.lists.emplace(name, std::move(texts));
    return {};
}

Result<Leaf> read(const Json& event, std::string_view text) {
    if (!event.is_object()) return refuse("not a JSON object");
    Leaf leaf;
    std::string canonical = "{";
    for (const auto& [name, value] : event.items()) {
        if (!std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; }))
            return refuse("a name that is not ASCII");
        if (canonical.size() > 1) canonical += ',';
        append_json_string(canonical, name);
        canonical += ':';
        if (!write(canonical, value, name == "records" ? 2 : 1))
            return refuse("\"" + name + "\" has a value that events do not have");
        if (name == "records" && !value.is_array()) return refuse("\"records\" is no list");
        if (value.is_string())
            leaf.texts.emplace(name, value.get<std::string>());
        else if (value.is_boolean())
            leaf.flags.emplace(name, value.get<bool>());
        else if (value.is_number())
            leaf.numbers.emplace(name, value.get<std::uint64_t>());
        else
            SIGILLO_TRY(take_list(leaf, name, value));
    }
    canonical += '}';
    if (canonical != text) return refuse("not in its canonical spelling (RFC 8785)");
    leaf.type = leaf.text("type").value_or("");
    leaf.time = leaf.text("time").value_or("");
    if (leaf.type.empty() || leaf.time.empty()) return refuse("\"type\" or \"time\" is missing");
    return leaf;
}

}  // namespace

std::optional<std::string_view> Leaf::text(std::string_view name) const {
    const auto found = texts.find(name);
    return found == texts.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

std::optional<std::uint64_t> Leaf::number(std::string_view name) const {
    const auto found = numbers.find(name);
    return found == numbers.end() ? std::nullopt : std::optional(found->second);
}

Result<Leaf> parse_leaf(ByteView json) {
    const std::string_view text = as_text(json);
    if (!is_utf8(text)) return refuse("not UTF-8");
    // Depth is bounded by the parser's callback-free DOM only through the leaf's length (65,535 bytes);
    // deeper nesting than an event has is refused before the parser sees it.
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (in_string) {
            if (text[i] == '\\')
                ++i;
            else if (text[i] == '"')
                in_string = false;
        } else if (text[i] == '"') {
            in_string = true;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > 3) return refuse("nested deeper than events are");
        } else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
            --depth;
        }
    }
    const Json event = Json::parse(text, nullptr, false);
    if (event.is_discarded()) return refuse("not JSON");
    return read(event, text);
}

}  // namespace sigillo::audit
