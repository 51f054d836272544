#include "api/documents/pdf/source_text.h"

#include <algorithm>

namespace sigillo::pdf {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '\0';
}
bool is_delimiter(char c) {
    return std::string_view("()<>[]{}/%").find(c) != std::string_view::npos;
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::size_t end_of_word(std::string_view text, std::size_t at) {
    while (at < text.size() && !is_space(text[at]) && !is_delimiter(text[at])) ++at;
    return at;
}

std::optional<std::size_t> end_of_string(std::string_view text, std::size_t at) {
    std::size_t open = 0;
    for (; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == '(') {
            ++open;
        } else if (text[at] == ')' && --open == 0) {
            return at + 1;
        }
    }
    return std::nullopt;
}

// " 0 R" behind the digits that end at `at`.
std::size_t end_of_reference(std::string_view text, std::size_t at) {
    const std::size_t generation = skip_space(text, at);
    const std::size_t end = end_of_word(text, generation);
    if (end == generation || !std::all_of(text.begin() + static_cast<std::ptrdiff_t>(generation),
                                          text.begin() + static_cast<std::ptrdiff_t>(end), is_digit))
        return at;
    const std::size_t keyword = skip_space(text, end);
    return keyword < text.size() && text[keyword] == 'R' && end_of_word(text, keyword) == keyword + 1
               ? keyword + 1
               : at;
}

bool starts(std::string_view text, std::size_t at, std::string_view with) {
    return text.substr(at, with.size()) == with;
}

// One token that is no bracket of an array or dictionary.
std::optional<std::size_t> end_of_atom(std::string_view text, std::size_t at) {
    switch (text[at]) {
        case '(':
            return end_of_string(text, at);
        case '/':
            return end_of_word(text, at + 1);
        case '<': {
            const std::size_t close = text.find('>', at);
            return close == std::string_view::npos ? std::nullopt : std::optional(close + 1);
        }
        default:
            break;
    }
    const std::size_t end = end_of_word(text, at);
    if (end == at) return std::nullopt;
    const bool digits = std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at),
                                    text.begin() + static_cast<std::ptrdiff_t>(end), is_digit);
    return digits ? end_of_reference(text, end) : end;
}

int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// "#2F" in names.
std::string decode_name(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (name[i] == '#' && i + 2 < name.size() && hex_digit(name[i + 1]) >= 0 &&
            hex_digit(name[i + 2]) >= 0) {
            out += static_cast<char>(hex_digit(name[i + 1]) * 16 + hex_digit(name[i + 2]));
            i += 2;
        } else {
            out += name[i];
        }
    }
    return out;
}

std::unexpected<Error> broken() {
    return fail(Errc::kInvalidArgument, "the document has a dictionary or array that cannot be read",
                "document");
}

}  // namespace

std::string to_source(Reference reference) {
    return std::to_string(reference.number) + ' ' + std::to_string(reference.generation) + " R";
}

std::size_t skip_space(std::string_view text, std::size_t at) {
    while (at < text.size()) {
        if (text[at] == '%') {
            while (at < text.size() && text[at] != '\n' && text[at] != '\r') ++at;
        } else if (is_space(text[at])) {
            ++at;
        } else {
            break;
        }
    }
    return at;
}

std::optional<std::size_t> end_of_value(std::string_view text, std::size_t at) {
    std::string open;  // the brackets that are open
    while (at < text.size()) {
        if (starts(text, at, "<<")) {
            open += '<';
            at += 2;
        } else if (text[at] == '[') {
            open += '[';
            ++at;
        } else if (starts(text, at, ">>")) {
            if (open.empty() || open.back() != '<') return std::nullopt;
            open.pop_back();
            at += 2;
        } else if (text[at] == ']') {
            if (open.empty() || open.back() != '[') return std::nullopt;
            open.pop_back();
            ++at;
        } else {
            const auto end = end_of_atom(text, at);
            if (!end) return std::nullopt;
            at = *end;
        }
        if (open.empty()) return at;
        at = skip_space(text, at);
    }
    return std::nullopt;
}

Result<DictionaryText> DictionaryText::parse(std::string_view text) {
    const std::size_t begin = skip_space(text, 0);
    if (!starts(text, begin, "<<")) return broken();
    const auto end = end_of_value(text, begin);
    if (!end) return broken();
    DictionaryText dictionary;
    dictionary.text_ = text.substr(begin, *end - begin);
    SIGILLO_TRY(dictionary.index());
    return dictionary;
}

Status DictionaryText::index() {
    values_.clear();
    const std::string_view text = text_;
    std::size_t at = skip_space(text, 2);
    while (at < text.size() && text[at] == '/') {
        const std::size_t name_end = end_of_word(text, at + 1);
        const std::size_t value = skip_space(text, name_end);
        const auto end = value < text.size() ? end_of_value(text, value) : std::nullopt;
        if (!end) return broken();
        // Of a key that stands twice readers take the last.
        values_[decode_name(text.substr(at + 1, name_end - at - 1))] = {value, *end};
        at = skip_space(text, *end);
    }
    if (!starts(text, at, ">>")) return broken();
    close_ = at;
    return {};
}

std::optional<std::string_view> DictionaryText::find(std::string_view key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) return std::nullopt;
    return std::string_view(text_).substr(found->second.begin, found->second.end - found->second.begin);
}

void DictionaryText::set(std::string_view key, std::string_view value) {
    const auto found = values_.find(key);
    if (found != values_.end()) {
        // Spaces around it: the old value may have touched its neighbours without needing any.
        const Span span = found->second;
        text_.replace(span.begin, span.end - span.begin, ' ' + std::string(value) + ' ');
    } else {
        text_.insert(close_, '/' + std::string(key) + ' ' + std::string(value) + '\n');
    }
    // What was read once reads again: only a sound value was put in.
    static_cast<void>(index());
}

Result<std::string> array_with(std::string_view array, const std::vector<std::string>& more) {
    const std::size_t begin = skip_space(array, 0);
    if (begin >= array.size() || array[begin] != '[') return broken();
    const auto end = end_of_value(array, begin);
    if (!end) return broken();
    std::string text(array.substr(begin, *end - begin - 1));
    for (const std::string& element : more) text += '\n' + element;
    return text + ']';
}

}  // namespace sigillo::pdf
