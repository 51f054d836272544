// Reads LMDB's file without LMDB, and says whether it can be trusted with it.
//
// LMDB believes its file: a flipped bit in a page's header can make it crash, lose rows or write over live
// pages. Values are covered by the records' MACs; this covers what holds them together. It walks every tree
// from the newer meta page and holds all of it against each other: page numbers and kinds, the layout of the
// nodes, the order of keys and their bounds, numbers of entries, and that no page is used twice or both used
// and free.
//
// The format is that of LMDB 0.9 on 64-bit little-endian machines; FORMAT.md has it.
#pragma once

#include <cstdint>
#include <string>

#include "appliance/base/result.h"

namespace sigillo {

struct StoreFileSummary {
    std::uint64_t pages = 0;        // of the file, free ones included
    std::uint64_t entries = 0;      // in all spaces
    std::uint64_t unaccounted = 0;  // neither used nor free: lost room, but no lost data
};

// `path`: a data.mdb that nobody writes meanwhile. A file that is empty or not there is a store to be:
// nothing is found. Time: one read of every page that is not part of a large value. Errors: kCorrupt with
// page and space in the detail; kUnavailable when the disk cannot read one.
Result<StoreFileSummary> check_store_file(const std::string& path);

}  // namespace sigillo
