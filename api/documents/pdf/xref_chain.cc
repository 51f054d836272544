#include "api/documents/pdf/xref_chain.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "api/documents/pdf/inflate.h"
#include "api/documents/pdf/source_text.h"

namespace sigillo::pdf {
namespace {

// As many sections as a file may have.
constexpr std::size_t kMostSections = 10'000;
constexpr std::size_t kTail = std::size_t{64} << 10;

std::unexpected<Error> broken() {
    return fail(Errc::kInvalidArgument,
                "the document's cross-reference table is broken: repair the file before it is signed",
                "document");
}

std::optional<std::uint64_t> unsigned_at(std::string_view text, std::size_t& at) {
    at = skip_space(text, at);
    std::uint64_t value = 0;
    const auto read =
        std::from_chars(text.data() + std::min(at, text.size()), text.data() + text.size(), value);
    if (read.ec != std::errc()) return std::nullopt;
    at = static_cast<std::size_t>(read.ptr - text.data());
    return value;
}

std::optional<std::uint64_t> number_of(const DictionaryText& dictionary, std::string_view key) {
    const auto text = dictionary.find(key);
    std::size_t at = 0;
    return text ? unsigned_at(*text, at) : std::nullopt;
}

// "[1 8 2]"
std::vector<std::uint64_t> numbers_of(std::string_view array) {
    std::vector<std::uint64_t> numbers;
    std::size_t at = array.starts_with('[') ? 1 : array.size();
    while (const auto number = unsigned_at(array, at)) numbers.push_back(*number);
    return numbers;
}

struct Entry {
    std::uint8_t type;
    std::uint64_t second;
    std::uint64_t third;
};

class Chain {
 public:
    Chain(ByteView file, const Limits& limits) : file_(file), text_(as_text(file)), limits_(limits) {}
    Status read(std::uint64_t offset);
    Result<std::string> narrow() const;

 private:
    // Each answers the section's dictionary.
    Result<DictionaryText> read_section(std::uint64_t offset);
    Result<DictionaryText> read_table(std::size_t at);
    Result<DictionaryText> read_stream(std::size_t at);
    Status read_rows(const DictionaryText& dictionary, ByteView rows);
    Status add(std::uint64_t number, const Entry& entry);
    void keep(const DictionaryText& dictionary);

    const ByteView file_;
    const std::string_view text_;
    const Limits& limits_;
    std::map<std::uint32_t, Entry> entries_;  // of the newest section that has the object
    std::map<std::string, std::string> trailer_;
    std::uint64_t size_ = 0;
};

Status Chain::add(std::uint64_t number, const Entry& entry) {
    if (number >= limits_.objects)
        return fail(Errc::kLimitExceeded,
                    "the document names more than " + std::to_string(limits_.objects) + " objects",
                    "document");
    entries_.try_emplace(static_cast<std::uint32_t>(number), entry);
    return {};
}

void Chain::keep(const DictionaryText& dictionary) {
    for (const char* const key : {"Root", "Info", "ID", "Encrypt"})
        if (const auto value = dictionary.find(key)) trailer_.try_emplace(key, *value);
    size_ = std::max(size_, number_of(dictionary, "Size").value_or(0));
}

Result<DictionaryText> Chain::read_table(std::size_t at) {
    for (;;) {
        at = skip_space(text_, at);
        if (text_.substr(at, 7) == "trailer") return DictionaryText::parse(text_.substr(at + 7));
        const auto first = unsigned_at(text_, at);
        const auto count = first ? unsigned_at(text_, at) : std::nullopt;
        if (!count) return broken();
        for (std::uint64_t i = 0; i < *count; ++i) {
            const auto offset = unsigned_at(text_, at);
            const auto generation = offset ? unsigned_at(text_, at) : std::nullopt;
            at = skip_space(text_, at);
            if (!generation || at >= text_.size()) return broken();
            const bool used = text_[at++] == 'n' && *offset != 0;
            SIGILLO_TRY(add(*first + i, {static_cast<std::uint8_t>(used ? 1 : 0), *offset, *generation}));
        }
    }
}

Status Chain::read_rows(const DictionaryText& dictionary, ByteView rows) {
    const std::vector<std::uint64_t> widths = numbers_of(dictionary.find("W").value_or(""));
    if (widths.size() != 3 || *std::max_element(widths.begin(), widths.end()) > 8) return broken();
    std::vector<std::uint64_t> index = numbers_of(dictionary.find("Index").value_or(""));
    if (index.empty()) index = {0, number_of(dictionary, "Size").value_or(0)};
    const std::size_t length = static_cast<std::size_t>(widths[0] + widths[1] + widths[2]);
    if (length == 0 || index.size() % 2 != 0) return broken();
    for (std::size_t i = 0; i < index.size(); i += 2)
        for (std::uint64_t k = 0; k < index[i + 1]; ++k) {
            if (rows.size() < length) return broken();
            std::array<std::uint64_t, 3> fields{widths[0] == 0 ? 1U : 0U, 0, 0};
            for (std::size_t field = 0; field < 3; ++field)
                for (std::uint64_t octet = 0; octet < widths[field]; ++octet) {
                    fields[field] = (fields[field] << 8) | rows.front();
                    rows = rows.subspan(1);
                }
            const std::uint8_t type = fields[0] <= 2 ? static_cast<std::uint8_t>(fields[0]) : std::uint8_t{0};
            SIGILLO_TRY(add(index[i] + k, {type, fields[1], fields[2]}));
        }
    return {};
}

Result<DictionaryText> Chain::read_stream(std::size_t at) {
    const auto number = unsigned_at(text_, at);
    const auto generation = number ? unsigned_at(text_, at) : std::nullopt;
    at = skip_space(text_, at);
    if (!generation || text_.substr(at, 3) != "obj") return broken();
    at = skip_space(text_, at + 3);
    SIGILLO_ASSIGN(DictionaryText dictionary, DictionaryText::parse(text_.substr(at)));
    at = skip_space(text_, at + dictionary.text().size());
    if (text_.substr(at, 6) != "stream" || dictionary.find("Type") != "/XRef") return broken();
    at += 6;
    if (text_.substr(at, 1) == "\r") ++at;
    if (text_.substr(at, 1) == "\n") ++at;
    const std::uint64_t length = number_of(dictionary, "Length").value_or(0);
    if (at > file_.size() || length > file_.size() - at) return broken();
    SIGILLO_ASSIGN(const Bytes rows, decode(dictionary, file_.subspan(at, length), limits_.stream_bytes));
    SIGILLO_TRY(read_rows(dictionary, rows));
    return dictionary;
}

Result<DictionaryText> Chain::read_section(std::uint64_t offset) {
    if (offset >= file_.size()) return broken();
    const std::size_t at = skip_space(text_, static_cast<std::size_t>(offset));
    return text_.substr(at, 4) == "xref" ? read_table(at + 4) : read_stream(at);
}

Status Chain::read(std::uint64_t offset) {
    std::set<std::uint64_t> seen;
    std::optional<std::uint64_t> next = offset;
    while (next && seen.insert(*next).second && seen.size() <= kMostSections) {
        SIGILLO_ASSIGN(const DictionaryText dictionary, read_section(*next));
        keep(dictionary);
        // What a hybrid file hides from old readers counts after its table and before what is older.
        if (const auto hidden = number_of(dictionary, "XRefStm")) {
            const auto added = read_section(*hidden);
            if (!added) return std::unexpected(added.error());
        }
        next = number_of(dictionary, "Prev");
    }
    return {};
}

Result<std::string> Chain::narrow() const {
    Bytes rows;
    std::string index;
    for (const auto& [number, entry] : entries_) {
        if (entry.second > UINT32_MAX || entry.third > UINT16_MAX)
            continue;  // cannot be: the file is smaller
        index += std::to_string(number);
        index += " 1 ";
        rows.push_back(entry.type);
        append_u32(rows, static_cast<std::uint32_t>(entry.second));
        append_u16(rows, static_cast<std::uint16_t>(entry.third));
    }
    std::string dictionary = "<</Type /XRef/W [1 4 2]/Index [" + index + "]/Size " + std::to_string(size_);
    for (const auto& [key, value] : trailer_)
        dictionary.append(1, '/').append(key).append(1, ' ').append(value);
    std::string section = "\n" + std::to_string(size_) + " 0 obj\n" + dictionary + "/Length " +
                          std::to_string(rows.size()) + ">>\nstream\n";
    section += as_text(rows);
    return section + "\nendstream\nendobj\nstartxref\n" + std::to_string(file_.size() + 1) + "\n%%EOF\n";
}

}  // namespace

Result<std::uint64_t> last_section(ByteView file) {
    const std::string_view text = as_text(file);
    const std::string_view tail = text.substr(text.size() - std::min(text.size(), kTail));
    std::size_t at = tail.rfind("startxref");
    if (at == std::string_view::npos) return broken();
    at += 9;
    const auto offset = unsigned_at(tail, at);
    if (!offset) return broken();
    return *offset;
}

Result<std::string> narrow_section(ByteView file, const Limits& limits) {
    SIGILLO_ASSIGN(const std::uint64_t offset, last_section(file));
    Chain chain(file, limits);
    SIGILLO_TRY(chain.read(offset));
    return chain.narrow();
}

}  // namespace sigillo::pdf
