// Writes JSON text, member by member. The caller keeps the nesting right; strings must be UTF-8, control
// characters and what JSON needs escaped are. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "appliance/base/bytes.h"

namespace sigillo::api::json {

class Writer {
 public:
    Writer& begin_object() { return open('{'); }
    Writer& end_object() { return close('}'); }
    Writer& begin_array() { return open('['); }
    Writer& end_array() { return close(']'); }
    Writer& key(std::string_view name);
    Writer& string(std::string_view value);
    Writer& base64(ByteView value);
    Writer& integer(std::int64_t value);
    Writer& boolean(bool value);
    Writer& member(std::string_view name, std::string_view value) { return key(name).string(value); }
    // Nothing for an empty value.
    Writer& optional_member(std::string_view name, std::string_view value) {
        return value.empty() ? *this : member(name, value);
    }
    std::string take() { return std::move(out_); }

 private:
    Writer& open(char bracket);
    Writer& close(char bracket);
    void separate();
    std::string out_;
    bool first_ = true;  // nothing before in this object or array, or a key just written
};

}  // namespace sigillo::api::json
