#include "appliance/audit/event.h"

#include <algorithm>
#include <tuple>

#include "appliance/audit/verify/canonical_json.h"
#include "appliance/audit/verify/tiles.h"
#include "appliance/base/encoding.h"

namespace sigillo::audit {
namespace {

static_assert(kLeafLimit == kEntryLimit);

constexpr std::size_t kUsualMembers = 16;
constexpr std::size_t kFrame = 16;  // bytes around a member: quotes, colon, comma

bool is_printable_ascii(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_reserved(std::string_view name) {
    return name == "type" || name == "time" || name == "records";
}

std::string quoted(std::string_view text) {
    std::string json;
    json.reserve(text.size() + 2);
    append_json_string(json, text);
    return json;
}

// "[" a "," b … "]" of texts that are JSON already.
template <class Range, class ToJson>
std::string array_of(const Range& range, ToJson to_json) {
    std::string json = "[";
    for (const auto& item : range) {
        if (json.size() > 1) json += ',';
        json += to_json(item);
    }
    return json += ']';
}

std::string base64_json(ByteView bytes) {
    return '"' + base64_encode(bytes) + '"';
}

}  // namespace

Event::Event(std::string_view type, WallTime time) : type_(type) {
    const bool dotted =
        std::ranges::all_of(type, [](char c) { return (c >= 'a' && c <= 'z') || c == '.' || c == '_'; });
    if (type.empty() || !dotted) refuse("type", "is not dotted lower case");
    members_.reserve(kUsualMembers);
    place("type", quoted(type_));
    place("time", quoted(rfc3339(time)));
}

void Event::refuse(std::string_view name, std::string_view why) {
    if (defect_.empty()) defect_ = "member \"" + std::string(name) + "\" " + std::string(why);
}

void Event::place(std::string_view name, std::string json) {
    const auto at = std::ranges::lower_bound(members_, name, {}, &Member::name);
    if (at != members_.end() && at->name == name)
        at->json = std::move(json);
    else
        members_.insert(at, Member{std::string(name), std::move(json)});
}

Event& Event::put(std::string_view name, std::string json) {
    if (!is_printable_ascii(name))
        refuse("", "has a name that is not printable ASCII");
    else if (is_reserved(name))
        refuse(name, "is reserved");
    else
        place(name, std::move(json));
    return *this;
}

Event& Event::set(std::string_view name, std::string_view text) {
    if (!is_utf8(text)) {
        refuse(name, "is not UTF-8");
        return *this;
    }
    return put(name, quoted(text));
}

Event& Event::set(std::string_view name, std::uint64_t number) {
    if (number > kLargestInteger) refuse(name, "is a number from 2^53 on");
    return put(name, std::to_string(number));
}

Event& Event::set_flag(std::string_view name, bool value) {
    return put(name, value ? "true" : "false");
}

Event& Event::set_base64(std::string_view name, ByteView bytes) {
    return put(name, base64_json(bytes));
}

Event& Event::set_base64_list(std::string_view name, const std::vector<Bytes>& values) {
    return put(name, array_of(values, [](const Bytes& value) { return base64_json(value); }));
}

Event& Event::set_list(std::string_view name, const std::vector<std::string>& values) {
    if (!std::ranges::all_of(values, [](const std::string& value) { return is_utf8(value); }))
        refuse(name, "is not UTF-8");
    return put(name, array_of(values, [](const std::string& value) { return quoted(value); }));
}

Event& Event::add_record(std::string_view space, ByteView key, std::uint64_t version) {
    if (!is_printable_ascii(space) || version > kLargestInteger)
        refuse("records", "has a change that cannot be written");
    records_.push_back('[' + quoted(space) + ',' + base64_json(key) + ',' + std::to_string(version) + ']');
    return *this;
}

// RFC 8785 §3.2.3 sorts members by UTF-16 code units: for ASCII names the order of members_.
Result<std::string> Event::canonical_json() const {
    if (!defect_.empty()) return fail(Errc::kInvalidArgument, "event " + type_ + ": " + defect_);
    const std::string records =
        records_.empty() ? std::string()
                         : array_of(records_, [](const std::string& record) -> auto& { return record; });
    std::size_t size = records.size() + kFrame;
    for (const Member& member : members_) size += member.name.size() + member.json.size() + kFrame;
    std::string json;
    json.reserve(size);
    json += '{';
    const auto member = [&](std::string_view name, std::string_view value) {
        if (json.size() > 1) json += ',';
        append_json_string(json, name);
        json += ':';
        json += value;
    };
    bool written = records.empty();
    for (const auto& [name, value] : members_) {
        if (!written && name > "records") {
            member("records", records);
            written = true;
        }
        member(name, value);
    }
    // Unreachable with "type" always there and after "records"; kept so that the order of names does not
    // matter here.
    if (!written) member("records", records);
    json += '}';
    if (json.size() > kLeafLimit)
        return fail(Errc::kLimitExceeded,
                    "event " + type_ + " takes " + std::to_string(json.size()) + " bytes, the log " +
                        std::to_string(kLeafLimit),
                    "event");
    return json;
}

}  // namespace sigillo::audit
