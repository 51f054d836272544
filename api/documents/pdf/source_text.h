// Objects as text: what changes in an object of a document is cut into its own source, so that everything
// else stays as its producer wrote it (a number read and written again need not be the same number).
//
// Pure functions over bytes of strangers: no recursion, every position checked.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/base/result.h"

namespace sigillo::pdf {

// An object's number and generation; number 0 is none.
struct Reference {
    std::uint32_t number = 0;
    std::uint16_t generation = 0;
    friend auto operator<=>(const Reference&, const Reference&) = default;
};
std::string to_source(Reference reference);  // "12 0 R"

// Behind white space and comments from `at` on.
std::size_t skip_space(std::string_view text, std::size_t at);
// Where the value that begins at `at` (no space before it) ends; "12 0 R" is one value. Nothing: it is
// broken.
std::optional<std::size_t> end_of_value(std::string_view text, std::size_t at);

// A dictionary's entries, in its own spelling.
class DictionaryText {
 public:
    // `text` begins with the dictionary, perhaps after space; what follows it is left out.
    // kInvalidArgument (field "document"): no dictionary.
    static Result<DictionaryText> parse(std::string_view text);

    // The value's source. The view lives until the next change.
    std::optional<std::string_view> find(std::string_view key) const;
    // Replaces or adds; `key` is a plain ASCII name without its slash.
    void set(std::string_view key, std::string_view value);

    const std::string& text() const { return text_; }

 private:
    struct Span {
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    Status index();
    std::string text_;
    std::map<std::string, Span, std::less<>> values_;
    std::size_t close_ = 0;  // of ">>"
};

// The source of an array with more elements at its end. kInvalidArgument (field "document"): no array.
Result<std::string> array_with(std::string_view array, const std::vector<std::string>& more);

}  // namespace sigillo::pdf
