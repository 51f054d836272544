#include "appliance/sigilloctl/output.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "appliance/base/clock.h"

namespace sigillo::ctl {
namespace {

// Characters, counted by their first bytes: wide enough for names in Latin, Greek and Cyrillic.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

void append_line(std::string& out, const std::vector<std::string>& cells,
                 const std::vector<std::size_t>& widths) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
        out += cells[i];
        if (i + 1 < cells.size()) out.append(widths[i] - width(cells[i]) + 2, ' ');
    }
    out += '\n';
}

}  // namespace

std::string harmless(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (c1) ++i;  // U+0080 to U+009F, which terminals obey as well
        out += c1 || byte < 0x20 || byte == 0x7f ? '?' : text[i];
    }
    return out;
}

void Table::add(std::vector<std::string> row) {
    for (std::string& cell : row) cell = cell.empty() ? "-" : harmless(cell);
    row.resize(headings_.size(), "-");
    rows_.push_back(std::move(row));
}

std::string Table::text(std::string_view what) const {
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < headings_.size(); ++column) {
        widths.push_back(width(headings_[column]));
        for (const auto& row : rows_) widths.back() = std::max(widths.back(), width(row[column]));
    }
    std::string out;
    append_line(out, headings_, widths);
    for (const auto& row : rows_) append_line(out, row, widths);
    if (!what.empty()) {
        out += std::to_string(rows_.size()) + " " + std::string(what);
        if (rows_.size() == 1 && out.back() == 's') out.pop_back();
    } else if (!out.empty()) {
        out.pop_back();
    }
    return out;
}

std::string fields(const std::vector<std::pair<std::string, std::string>>& entries) {
    std::size_t widest = 0;
    for (const auto& [name, value] : entries)
        if (!value.empty()) widest = std::max(widest, width(name));
    std::string out;
    for (const auto& [name, value] : entries) {
        if (value.empty()) continue;
        if (!out.empty()) out += '\n';
        out += name + std::string(widest - width(name) + 2, ' ') + harmless(value);
    }
    return out;
}

void print(std::string_view text) {
    std::cout << text << '\n';
}

void print_json(const nlohmann::json& value) {
    std::cout << value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

std::string time_text(std::int64_t unix_millis) {
    if (unix_millis == 0) return "-";
    std::string text = rfc3339(from_unix_millis(unix_millis));
    const auto dot = text.rfind('.');
    if (dot != std::string::npos) text.replace(dot, std::string::npos, "Z");
    return text;
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) return std::to_string(bytes) + " B";
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f %s", value, kUnits[unit]);
    return text.data();
}

}  // namespace sigillo::ctl
