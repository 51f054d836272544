#include <algorithm>
#include <cstdio>
#include <iostream>

#include "appliance/audit/verify/leaf.h"
#include "appliance/base/encoding.h"
#include "appliance/sigillo-audit/opened_log.h"

namespace sigillo::audit_tool {
namespace {

bool matches(const audit::Leaf& leaf, const std::string& type) {
    return type.empty() || leaf.type == type || (type.ends_with('.') && leaf.type.starts_with(type));
}

// Members beyond those with columns of their own, in the log's order.
std::string details(const audit::Leaf& leaf) {
    std::string text;
    const auto add = [&](std::string_view name, const std::string& value) {
        if (!text.empty()) text += "  ";
        text.append(name).append("=").append(printable(value));
    };
    const auto shorten = [](const std::string& value) {
        return value.size() <= 44 ? value : value.substr(0, 41) + "...";
    };
    for (const auto& [name, value] : leaf.texts) {
        if (name != "type" && name != "time" && name != "credential") add(name, shorten(value));
    }
    for (const auto& [name, value] : leaf.numbers) add(name, std::to_string(value));
    for (const auto& [name, value] : leaf.flags) add(name, value ? "yes" : "no");
    for (const auto& [name, value] : leaf.lists)
        add(name, value.size() == 1 ? shorten(value.front()) : std::to_string(value.size()) + " values");
    return text;
}

void print_row(std::uint64_t index, const audit::Leaf& leaf) {
    std::string row = std::to_string(index);
    const auto pad_to = [&](std::size_t width) {
        row.append(row.size() < width ? width - row.size() : 1, ' ');
    };
    pad_to(10);
    row += printable(leaf.time);
    pad_to(36);
    row += printable(leaf.type);
    pad_to(60);
    row += printable(leaf.text("credential").value_or("-"));
    pad_to(94);
    std::cout << row << details(leaf) << '\n';
}

}  // namespace

// Leaves are shown as they are read; a bundle that does not hash to its place under the root ends the
// command.
int show_leaves(const LogArguments& log, const ShowArguments& what) {
    const auto snapshot = open_log(log);
    if (!snapshot) return report(snapshot.error());
    const std::uint64_t size = snapshot->checkpoint().size;
    const std::uint64_t end = what.to ? std::min(size, *what.to + 1) : size;
    if (what.from > 0 && what.from >= size)
        return report_usage({Errc::kInvalidArgument, "--from " + std::to_string(what.from) +
                                                         ": the log has " + grouped(size) + " leaves"});
    if (!log.json)
        std::cout << "INDEX     TIME                      TYPE                    CREDENTIAL                 "
                     "       DETAILS\n";
    for (std::uint64_t index = what.from; index < end;) {
        const std::uint64_t bundle = index / audit::kTileWidth;
        const auto entries = snapshot->entries(bundle);
        if (!entries) return report_failure(entries.error());
        // The bundle as a whole: its leaves against the tile, the tile against the root.
        const auto proven = snapshot->prove(bundle * audit::kTileWidth);
        if (!proven) return report_failure(proven.error());
        const auto tile = snapshot->hashes(0, bundle);
        if (!tile) return report_failure(tile.error());
        for (; index < end && index / audit::kTileWidth == bundle; ++index) {
            const Bytes& bytes = (*entries)[index % audit::kTileWidth];
            if (audit::leaf_hash(bytes) != (*tile)[index % audit::kTileWidth])
                return report_failure({Errc::kCorrupt, "leaf " + std::to_string(index) +
                                                           " does not hash to its place in the tree"});
            const auto leaf = audit::parse_leaf(bytes);
            if (!leaf)
                return report_failure(
                    {Errc::kCorrupt, "leaf " + std::to_string(index) + " " + leaf.error().detail});
            if (!matches(*leaf, what.type)) continue;
            if (log.json)
                std::cout << "{\"index\":" << index << ",\"event\":" << as_text(bytes) << "}\n";
            else
                print_row(index, *leaf);
        }
    }
    std::cout.flush();
    return kHolds;
}

}  // namespace sigillo::audit_tool
