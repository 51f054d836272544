// An incremental update (ISO 32000-1 §7.5.6) under construction: changed and new objects, then a section of
// the cross-reference in the kind of the one before. Knows nothing of PoDoFo: objects come as source.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "api/documents/pdf/source_text.h"
#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

class Revision {
 public:
    // `file` is what stands before; new objects get numbers from `free_number` on.
    Revision(ByteView file, std::uint32_t free_number);

    Reference allocate() { return {next_number_++, 0}; }
    // Writes an object; each number once. Answers where its source begins in the whole file.
    std::uint64_t put(Reference reference, std::string_view source);
    // `entries`: of the stream's dictionary, without /Length and /Filter.
    void put_stream(Reference reference, std::string_view entries, ByteView data);
    // The same, deflated when that makes it smaller.
    Status put_deflated(Reference reference, std::string_view entries, ByteView data);

    struct End {
        bool stream = false;         // a cross-reference stream, else a table
        std::uint64_t previous = 0;  // offset of the section before
        std::string root;            // sources of the trailer's values; empty: absent
        std::string info;
        std::string id;
    };
    // Writes section and trailer; nothing may be put afterwards. kLimitExceeded (field "document"): an offset
    // does not fit.
    Status finish(const End& end);

    std::uint64_t file_size() const { return base_ + bytes_.size(); }  // with this revision so far
    ByteView bytes() const { return bytes_; }
    // Overwrites octets that were put, by their place in the whole file.
    void patch(std::uint64_t offset, std::string_view text);
    bool empty() const { return offsets_.empty(); }

 private:
    struct Entry {
        std::uint64_t offset;
        std::uint16_t generation;
    };
    void write(std::string_view text) { append(bytes_, text); }
    void write_table(const End& end);
    void write_stream(const End& end);
    std::string trailer_entries(const End& end, std::uint32_t size) const;
    std::string updated_id(const std::string& id) const;

    const std::uint64_t base_;
    Bytes bytes_;
    std::uint32_t next_number_;
    std::uint32_t size_;  // the trailer's /Size so far
    std::map<std::uint32_t, Entry> offsets_;
};

}  // namespace sigillo::pdf
