// The configuration: one TOML file for all processes of an instance, a table for each part.
//
// A reader names every key that it knows, with the bounds of its value; finish() then reports, all at once,
// what is missing, mistyped, out of bounds or unknown within the tables that were read. A typo must not
// become a default. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "appliance/base/result.h"

namespace sigillo {

class ConfigFile {
 public:
    // kNotFound, kUnavailable (unreadable), kInvalidArgument (not TOML, with line and column).
    static Result<ConfigFile> load(const std::filesystem::path& path);
    ConfigFile(ConfigFile&&) noexcept;
    ConfigFile& operator=(ConfigFile&&) noexcept;
    ~ConfigFile();

    // `key` is "table.name". The default is what `value` holds; an absent key leaves it.
    ConfigFile& integer(std::string_view key, std::int64_t& value, std::int64_t least, std::int64_t most);
    template <class T>
        requires std::is_unsigned_v<T>
    ConfigFile& count(std::string_view key, T& value, std::int64_t least, std::int64_t most) {
        auto wide = static_cast<std::int64_t>(value);
        integer(key, wide, least, most);
        value = static_cast<T>(wide);
        return *this;
    }
    // Whole numbers of the duration's own unit, which the key's name ends with: "_ms", "_s", "_h".
    template <class Rep, class Period>
    ConfigFile& duration(std::string_view key, std::chrono::duration<Rep, Period>& value, std::int64_t least,
                         std::int64_t most) {
        auto wide = static_cast<std::int64_t>(value.count());
        integer(key, wide, least, most);
        value = std::chrono::duration<Rep, Period>(static_cast<Rep>(wide));
        return *this;
    }
    ConfigFile& flag(std::string_view key, bool& value);
    ConfigFile& text(std::string_view key, std::string& value);
    ConfigFile& required_text(std::string_view key, std::string& value);
    ConfigFile& texts(std::string_view key, std::vector<std::string>& value);
    // A further complaint, for checks that bounds cannot express.
    ConfigFile& complain(std::string_view key, std::string_view what);
    bool has_table(std::string_view table) const;

    // kInvalidArgument: every complaint, one a line, each with file, line and key.
    Status finish();

 private:
    struct State;
    explicit ConfigFile(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sigillo
