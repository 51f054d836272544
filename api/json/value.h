// A JSON document as the API admits it: no fractions, no numbers of 2^53 and beyond, no key twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sigillo::api::json {

struct Member;
struct Value;
using Array = std::vector<Value>;
using Object = std::vector<Member>;  // in the order of the text; objects here are small

// A string that is too long to be kept in the tree: its number among those of the body (decode.h).
struct Blob {
    std::size_t number = 0;
};

struct Value {
    std::variant<std::monostate, bool, std::int64_t, std::string, Array, Object, Blob> data;

    bool is_null() const { return std::holds_alternative<std::monostate>(data); }
    const bool* boolean() const { return std::get_if<bool>(&data); }
    const std::int64_t* integer() const { return std::get_if<std::int64_t>(&data); }
    const std::string* string() const { return std::get_if<std::string>(&data); }
    const Blob* blob() const { return std::get_if<Blob>(&data); }
    const Array* array() const { return std::get_if<Array>(&data); }
    const Object* object() const { return std::get_if<Object>(&data); }
};

struct Member {
    std::string key;
    Value value;
};

inline const Value* find(const Object& object, std::string_view key) {
    for (const auto& member : object)
        if (member.key == key) return &member.value;
    return nullptr;
}

}  // namespace sigillo::api::json
