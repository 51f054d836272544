// Rows of one space in key order, from one layer of the store, and the one way of merging several layers.
//
// Internal to appliance/store. Not thread-safe.
#pragma once

#include <compare>
#include <optional>
#include <span>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"
#include "appliance/store/store.h"

namespace sigillo {

// Unsigned bytes, the shorter first.
std::strong_ordering compare_keys(ByteView a, ByteView b);
bool starts_with(ByteView key, ByteView prefix);

// A row's value as a layer has it; none: erased there, whatever is below.
using RowValue = std::optional<ByteView>;

class RowCursor {
 public:
    RowCursor() = default;
    virtual ~RowCursor() = default;
    RowCursor(const RowCursor&) = delete;
    RowCursor& operator=(const RowCursor&) = delete;

    // To the first row with key ≥ from. Called once.
    virtual Status seek(ByteView from) = 0;
    virtual Status next() = 0;
    // While there is a row:
    virtual bool live() const = 0;
    virtual ByteView key() const = 0;
    virtual RowValue value() const = 0;
};

// What ReadTransaction::scan() does, over layers that were not sought yet, newest first.
Status scan_layers(std::span<RowCursor* const> layers, ByteView prefix, ByteView from,
                   const ReadTransaction::Visit& visit);

}  // namespace sigillo
