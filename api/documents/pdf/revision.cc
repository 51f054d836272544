#include "api/documents/pdf/revision.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <vector>

#include "appliance/base/digest.h"
#include "appliance/base/encoding.h"

namespace sigillo::pdf {
namespace {

// Runs of object numbers without a gap: first and count.
template <class Map>
std::vector<std::pair<std::uint32_t, std::uint32_t>> runs_of(const Map& offsets) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> runs;
    for (const auto& [number, entry] : offsets) {
        if (!runs.empty() && runs.back().first + runs.back().second == number) {
            ++runs.back().second;
        } else {
            runs.emplace_back(number, 1U);
        }
    }
    return runs;
}

}  // namespace

Revision::Revision(ByteView file, std::uint32_t free_number)
    : base_(file.size()), next_number_(free_number), size_(free_number) {
    // "%%EOF" without an end of line would swallow what follows.
    if (!file.empty() && file.back() != '\n' && file.back() != '\r') write("\n");
}

std::uint64_t Revision::put(Reference reference, std::string_view source) {
    offsets_[reference.number] = {file_size(), reference.generation};
    write(std::to_string(reference.number) + ' ' + std::to_string(reference.generation) + " obj\n");
    const std::uint64_t begin = file_size();
    write(source);
    write("\nendobj\n");
    return begin;
}

void Revision::put_stream(Reference reference, std::string_view entries, ByteView data) {
    std::string source =
        "<<" + std::string(entries) + "/Length " + std::to_string(data.size()) + ">>\nstream\n";
    source += as_text(data);
    put(reference, source + "\nendstream");
}

Status Revision::put_deflated(Reference reference, std::string_view entries, ByteView data) {
    uLongf size = ::compressBound(data.size());
    Bytes deflated(size);
    if (::compress2(deflated.data(), &size, data.data(), data.size(), 6) != Z_OK)
        return fail(Errc::kInternal, "deflating a stream failed");
    deflated.resize(size);
    if (deflated.size() + 20 < data.size()) {
        put_stream(reference, std::string(entries) + "/Filter /FlateDecode", deflated);
    } else {
        put_stream(reference, entries, data);
    }
    return {};
}

void Revision::patch(std::uint64_t offset, std::string_view text) {
    std::copy(text.begin(), text.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset - base_));
}

Status Revision::finish(const End& end) {
    // With room for the section itself.
    if (file_size() + 20 * offsets_.size() + 4'096 > std::numeric_limits<std::uint32_t>::max())
        return fail(Errc::kLimitExceeded, "the document is too large for another revision", "document");
    size_ = std::max(size_, next_number_);
    if (end.stream) {
        write_stream(end);
    } else {
        write_table(end);
    }
    return {};
}

// The second half of /ID says which revision this is (§14.4): made from what stands in it.
std::string Revision::updated_id(const std::string& id) const {
    if (id.empty() || id.front() != '[') return id;
    const std::size_t first = skip_space(id, 1);
    const auto first_end = first < id.size() ? end_of_value(id, first) : std::nullopt;
    if (!first_end) return id;
    const Sha256Value digest = sha256({as_bytes(id), bytes_});
    return '[' + id.substr(first, *first_end - first) + '<' + hex_encode(ByteView(digest).first(16)) + ">]";
}

std::string Revision::trailer_entries(const End& end, std::uint32_t size) const {
    std::string entries = "/Size " + std::to_string(size) + "\n/Root " + end.root;
    if (!end.info.empty()) entries += "\n/Info " + end.info;
    if (!end.id.empty()) entries += "\n/ID " + updated_id(end.id);
    return entries + "\n/Prev " + std::to_string(end.previous) + '\n';
}

void Revision::write_table(const End& end) {
    const std::uint64_t start = file_size();
    const std::string entries = trailer_entries(end, size_);
    write("xref\n");
    for (const auto& [first, count] : runs_of(offsets_)) {
        write(std::to_string(first) + ' ' + std::to_string(count) + '\n');
        for (std::uint32_t number = first; number < first + count; ++number) {
            const Entry& entry = offsets_.at(number);
            std::array<char, 32> line{};
            std::snprintf(line.data(), line.size(), "%010llu %05u n \n",
                          static_cast<unsigned long long>(entry.offset),
                          static_cast<unsigned>(entry.generation));
            write(std::string_view(line.data(), 20));
        }
    }
    write("trailer\n<<" + entries + ">>\nstartxref\n" + std::to_string(start) + "\n%%EOF\n");
}

void Revision::write_stream(const End& end) {
    const std::uint64_t start = file_size();
    const Reference self = allocate();
    offsets_[self.number] = {start, 0};
    size_ = std::max(size_, next_number_);
    const std::string entries = trailer_entries(end, size_);
    Bytes data;
    for (const auto& [number, entry] : offsets_) {
        data.push_back(1);
        append_u32(data, static_cast<std::uint32_t>(entry.offset));
        append_u16(data, entry.generation);
    }
    std::string index;
    for (const auto& [first, count] : runs_of(offsets_))
        index += std::to_string(first) + ' ' + std::to_string(count) + ' ';
    index.pop_back();
    // Widths of at most four octets: PoDoFo reads no others.
    put_stream(self, "/Type /XRef\n/W [1 4 2]\n/Index [" + index + "]\n" + entries, data);
    write("startxref\n" + std::to_string(start) + "\n%%EOF\n");
}

}  // namespace sigillo::pdf
