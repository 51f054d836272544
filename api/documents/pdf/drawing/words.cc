#include "api/documents/pdf/drawing/words.h"

#include <optional>

namespace sigillo::pdf {
namespace {

// Nothing: the line is to be left out.
Result<std::optional<std::string>> fill_line(std::string_view line, const Words& words) {
    std::string out;
    bool empty_word = false;
    while (!line.empty()) {
        const std::size_t brace = line.find('{');
        out += line.substr(0, brace);
        if (brace == std::string_view::npos) break;
        line.remove_prefix(brace + 1);
        if (line.starts_with('{')) {
            out += '{';
            line.remove_prefix(1);
            continue;
        }
        const std::size_t close = line.find('}');
        if (close == std::string_view::npos)
            return fail(Errc::kInvalidArgument, "a placeholder is not closed; a brace is written {{", "text");
        const auto word = words.find(line.substr(0, close));
        if (word == words.end())
            return fail(Errc::kInvalidArgument,
                        "there is no placeholder {" + std::string(line.substr(0, close)) + '}', "text");
        empty_word = empty_word || word->second.empty();
        out += word->second;
        line.remove_prefix(close + 1);
    }
    if (empty_word) return std::optional<std::string>();
    return std::optional(std::move(out));
}

}  // namespace

Result<std::vector<std::string>> fill_in(const std::vector<std::string>& lines, const Words& words) {
    std::vector<std::string> out;
    for (const std::string& line : lines) {
        SIGILLO_ASSIGN(std::optional<std::string> filled, fill_line(line, words));
        if (filled) out.push_back(*std::move(filled));
    }
    return out;
}

}  // namespace sigillo::pdf
