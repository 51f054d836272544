// The little JSON that a load generator may afford: it shares its cores with what it measures.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace sigillo::bench {

// The text of member `name` (no escapes inside: ids, tokens). Throws std::runtime_error when it is not there.
inline std::string text_member(std::string_view json, std::string_view name) {
    const std::string key = std::string("\"").append(name).append("\":\"");
    const std::size_t at = json.find(key);
    const std::size_t from = at + key.size();
    const std::size_t to = at == std::string_view::npos ? at : json.find('"', from);
    if (to == std::string_view::npos)
        throw std::runtime_error("no " + std::string(name) + " in " + std::string(json.substr(0, 300)));
    return std::string(json.substr(from, to - from));
}

}  // namespace sigillo::bench
