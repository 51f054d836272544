#include "api/documents/pdf/xref_chain.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <utility>
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

constexpr std::uint8_t kUnknown = 255;

struct Entry {
    std::uint8_t type = kUnknown;
    std::uint64_t second = 0;
    std::uint64_t third = 0;
};

class Chain {
 public:
    Chain(ByteView file, const Limits& limits) : file_(file), text_(as_text(file)), limits_(limits) {}
    Status read(std::uint64_t offset);
    CrossReference merged() const;

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
    std::vector<Entry> entries_;                // by number, of the newest section that has the object
    std::vector<std::uint64_t> free_in_table_;  // numbers that the table read last has as free
    std::map<std::string, std::string> trailer_;
    std::uint64_t size_ = 0;
};

Status Chain::add(std::uint64_t number, const Entry& entry) {
    if (number >= limits_.objects)
        return fail(Errc::kLimitExceeded,
                    "the document names more than " + std::to_string(limits_.objects) + " objects",
                    "document");
    if (number >= entries_.size()) entries_.resize(static_cast<std::size_t>(number) + 1);
    Entry& known = entries_[static_cast<std::size_t>(number)];
    if (known.type == kUnknown) known = entry;
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
            if (used) {
                SIGILLO_TRY(add(*first + i, {1, *offset, *generation}));
            } else {
                free_in_table_.push_back(*first + i);
            }
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
        // What a hybrid file hides from old readers is free in its table, and counts before what is older
        // (ISO 32000-1 §7.5.8.4).
        const std::vector<std::uint64_t> free = std::exchange(free_in_table_, {});
        if (const auto hidden = number_of(dictionary, "XRefStm"); hidden && seen.insert(*hidden).second) {
            const auto added = read_section(*hidden);
            if (!added) return std::unexpected(added.error());
        }
        for (const std::uint64_t number : free) SIGILLO_TRY(add(number, {0, 0, 0}));
        next = number_of(dictionary, "Prev");
    }
    // A number that the file counts without saying where it is.
    return size_ > entries_.size() ? add(size_ - 1, {0, 0, 0}) : Status();
}

CrossReference Chain::merged() const {
    Bytes rows;
    rows.reserve(7 * entries_.size());
    for (const Entry& entry : entries_) {
        // An offset that does not fit lies behind the end of the file. PoDoFo sorts free numbers into a list,
        // one by one; as objects of an object stream that there is not they are as absent, and cost nothing.
        const bool there =
            (entry.type == 1 || entry.type == 2) && entry.second <= UINT32_MAX && entry.third <= UINT16_MAX;
        rows.push_back(there ? entry.type : std::uint8_t{2});
        append_u32(rows, there ? static_cast<std::uint32_t>(entry.second) : 0);
        append_u16(rows, there ? static_cast<std::uint16_t>(entry.third) : std::uint16_t{0});
    }
    CrossReference result{"\n", trailer_};
    std::string& out = result.section;
    out += std::to_string(entries_.size()) + " 0 obj\n<</Type /XRef/W [1 4 2]/Index [0 " +
           std::to_string(entries_.size()) + "]/Size " + std::to_string(entries_.size());
    for (const auto& [key, value] : trailer_) out.append(1, '/').append(key).append(1, ' ').append(value);
    out += "/Length " + std::to_string(rows.size()) + ">>\nstream\n";
    out += as_text(rows);
    // PoDoFo takes the last "trailer" within 512 octets for the file's, and its /Size for the number of all
    // objects.
    out += "\nendstream\nendobj\ntrailer\n<</Size " + std::to_string(entries_.size()) + ">>\nstartxref\n" +
           std::to_string(file_.size() + 1) + "\n%%EOF\n";
    return result;
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

Result<CrossReference> read_cross_reference(ByteView file, const Limits& limits) {
    SIGILLO_ASSIGN(const std::uint64_t offset, last_section(file));
    Chain chain(file, limits);
    SIGILLO_TRY(chain.read(offset));
    return chain.merged();
}

}  // namespace sigillo::pdf
