// What sigilloctl prints: aligned tables for people, JSON for programs.
//
// Texts that signers and clients chose reach a terminal here: control characters in them are made harmless,
// so that a name cannot move the cursor or forge a line. Not thread-safe.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sigillo::ctl {

// Control characters replaced by '?'.
std::string harmless(std::string_view text);

class Table {
 public:
    explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}
    void add(std::vector<std::string> row);
    // Columns two spaces apart, as wide as their widest cell; the last line counts the rows as `what`
    // ("3 clients"), nothing when `what` is empty.
    std::string text(std::string_view what) const;

 private:
    std::vector<std::string> headings_;
    std::vector<std::vector<std::string>> rows_;
};

// "name   value" lines; entries with an empty value are left out.
std::string fields(const std::vector<std::pair<std::string, std::string>>& entries);

void print(std::string_view text);             // to standard output, with a line end
void print_json(const nlohmann::json& value);  // two spaces of indentation

std::string time_text(std::int64_t unix_millis);  // RFC 3339, to the second; "-" for 0
std::string size_text(std::uint64_t bytes);       // "12.3 MiB"

}  // namespace sigillo::ctl
