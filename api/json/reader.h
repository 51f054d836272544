// Reads an object's members by name and type, and keeps the first fault. Afterwards finish() also refuses
// whatever nobody asked for: a misspelt optional parameter must not be taken for an absent one. A null counts
// as absent (CSC §7.1). Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "api/json/value.h"

namespace sigillo::api::json {

struct Fault {
    enum class Kind : std::uint8_t { kMissing, kWrongType, kUnknown, kInvalid };
    Kind kind = Kind::kInvalid;
    std::string_view type;  // that was expected: "string", "integer", "boolean", "array", "object"
    std::string field;      // with its path: "name.given"
};

class ObjectReader {
 public:
    // `prefix` stands before names in faults: "name." for a nested object.
    explicit ObjectReader(const Object& object, std::string prefix = {})
        : object_(object), prefix_(std::move(prefix)) {}

    // Each answers nullptr, or nothing, when absent or after a fault.
    const std::string* string(std::string_view name) { return get<std::string>(name, "string", false); }
    const std::int64_t* integer(std::string_view name) { return get<std::int64_t>(name, "integer", false); }
    const Array* array(std::string_view name) { return get<Array>(name, "array", false); }
    const Object* object(std::string_view name) { return get<Object>(name, "object", false); }
    bool boolean(std::string_view name, bool otherwise) {
        const bool* value = get<bool>(name, "boolean", false);
        return value != nullptr ? *value : otherwise;
    }
    // The empty string when absent.
    std::string text(std::string_view name) {
        const auto* value = string(name);
        return value != nullptr ? *value : std::string();
    }
    // A fault when absent.
    std::string required_text(std::string_view name) {
        const auto* value = get<std::string>(name, "string", true);
        return value != nullptr ? *value : std::string();
    }
    std::int64_t required_integer(std::string_view name) {
        const auto* value = get<std::int64_t>(name, "integer", true);
        return value != nullptr ? *value : 0;
    }
    const Array* required_array(std::string_view name) { return get<Array>(name, "array", true); }
    const Object* required_object(std::string_view name) { return get<Object>(name, "object", true); }

    // A member that the caller reads by itself.
    void note(std::string_view name) { asked_.insert(name); }

    void blame(Fault fault) {
        if (!fault_) fault_ = std::move(fault);
    }
    void invalid(std::string_view name) { blame({Fault::Kind::kInvalid, {}, prefix_ + std::string(name)}); }
    bool failed() const { return fault_.has_value(); }
    const std::optional<Fault>& fault() const { return fault_; }
    // The first fault, if any.
    const std::optional<Fault>& finish();

 private:
    template <class T>
    const T* get(std::string_view name, std::string_view type, bool required) {
        asked_.insert(name);
        const Value* value = find(object_, name);
        if (value == nullptr || value->is_null()) {
            if (required) blame({Fault::Kind::kMissing, type, prefix_ + std::string(name)});
            return nullptr;
        }
        const T* typed = std::get_if<T>(&value->data);
        if (typed == nullptr) blame({Fault::Kind::kWrongType, type, prefix_ + std::string(name)});
        return typed;
    }

    const Object& object_;
    const std::string prefix_;
    std::set<std::string_view> asked_;  // names are literals or outlive the reader
    std::optional<Fault> fault_;
};

}  // namespace sigillo::api::json
