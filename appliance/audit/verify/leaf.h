// A leaf of the signing log, read back: the canonical JSON that event.h writes. FORMAT.md lists the types of
// event. Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::audit {

struct RecordChange {
    std::string space;
    Bytes key;
    std::uint64_t version = 0;  // 0: erased
};

struct Leaf {
    std::string type;
    std::string time;  // RFC 3339
    std::map<std::string, std::string, std::less<>> texts;
    std::map<std::string, std::uint64_t, std::less<>> numbers;
    std::map<std::string, bool, std::less<>> flags;
    std::map<std::string, std::vector<std::string>, std::less<>> lists;
    std::vector<RecordChange> records;

    std::optional<std::string_view> text(std::string_view name) const;
    std::optional<std::uint64_t> number(std::string_view name) const;
};

// kCorrupt, saying why, unless `json` is an event in the one spelling that RFC 8785 gives it.
Result<Leaf> parse_leaf(ByteView json);

}  // namespace sigillo::audit
