#include "appliance/audit/verify/tiles.h"

#include <algorithm>

#include "appliance/base/encoding.h"

namespace sigillo::audit {
namespace {

constexpr unsigned kLevels = 64 / kTileHeight;

}  // namespace

std::string tile_path(const TileName& name) {
    std::string digits = std::to_string(name.index);
    digits.insert(0, (3 - digits.size() % 3) % 3, '0');
    std::string path = "tile/" + (name.entries ? std::string("entries") : std::to_string(name.level));
    for (std::size_t i = 0; i < digits.size(); i += 3) {
        path += i + 3 < digits.size() ? "/x" : "/";
        path.append(digits, i, 3);
    }
    if (name.width < kTileWidth) path += ".p/" + std::to_string(name.width);
    return path;
}

std::optional<TileName> parse_tile_path(std::string_view path) {
    const std::string_view whole = path;
    TileName name;
    if (!path.starts_with("tile/")) return std::nullopt;
    path.remove_prefix(5);
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    if (path.substr(0, slash) == "entries") {
        name.entries = true;
    } else {
        const auto level = parse_decimal(path.substr(0, slash));
        if (!level || *level >= kLevels) return std::nullopt;
        name.level = static_cast<unsigned>(*level);
    }
    path.remove_prefix(slash + 1);
    if (const auto partial = path.find(".p/"); partial != std::string_view::npos) {
        const auto width = parse_decimal(path.substr(partial + 3));
        if (!width || *width == 0 || *width >= kTileWidth) return std::nullopt;
        name.width = static_cast<unsigned>(*width);
        path = path.substr(0, partial);
    }
    std::string digits;
    for (const char c : path) {
        if (c >= '0' && c <= '9') digits += c;
    }
    const auto significant = digits.find_first_not_of('0');
    const auto index =
        parse_decimal(significant == std::string::npos ? "0" : std::string_view(digits).substr(significant));
    if (!index) return std::nullopt;
    name.index = *index;
    // Everything that was skipped above (x, slashes, zeroes) has to stand where it belongs.
    if (tile_path(name) != whole) return std::nullopt;
    return name;
}

std::uint64_t hashes_at(std::uint64_t size, unsigned level) {
    return level >= kLevels ? 0 : size >> (level * kTileHeight);
}

unsigned tile_width(std::uint64_t size, unsigned level, std::uint64_t index) {
    const std::uint64_t hashes = hashes_at(size, level);
    const std::uint64_t full = hashes / kTileWidth;
    if (index < full) return kTileWidth;
    return index == full ? static_cast<unsigned>(hashes % kTileWidth) : 0;
}

unsigned tile_levels(std::uint64_t size) {
    unsigned level = 0;
    while (hashes_at(size, level) > 0) ++level;
    return level;
}

Bytes encode_tile(std::span<const Hash> hashes) {
    Bytes bytes;
    bytes.reserve(hashes.size() * sizeof(Hash));
    for (const Hash& hash : hashes) append(bytes, ByteView(hash));
    return bytes;
}

Result<std::vector<Hash>> decode_tile(ByteView bytes, unsigned width) {
    if (bytes.size() != width * sizeof(Hash))
        return fail(Errc::kCorrupt, "has " + std::to_string(bytes.size()) + " bytes instead of " +
                                        std::to_string(width * sizeof(Hash)));
    std::vector<Hash> hashes(width);
    for (unsigned i = 0; i < width; ++i)
        std::ranges::copy(bytes.subspan(i * sizeof(Hash), sizeof(Hash)), hashes[i].begin());
    return hashes;
}

Hash subtree_root(std::span<const Hash> hashes) {
    std::vector<Hash> row(hashes.begin(), hashes.end());
    for (; row.size() > 1; row.resize(row.size() / 2)) {
        for (std::size_t i = 0; i < row.size() / 2; ++i) row[i] = node_hash(row[2 * i], row[2 * i + 1]);
    }
    return row.front();
}

void append_entry(Bytes& bundle, ByteView entry) {
    append_u16(bundle, static_cast<std::uint16_t>(entry.size()));
    append(bundle, entry);
}

Result<std::vector<ByteView>> decode_bundle(ByteView bytes, unsigned width) {
    std::vector<ByteView> entries;
    entries.reserve(width);
    while (!bytes.empty()) {
        if (bytes.size() < 2 || bytes.size() - 2 < read_u16(bytes))
            return fail(Errc::kCorrupt, "is cut off inside entry " + std::to_string(entries.size()));
        const std::size_t length = read_u16(bytes);
        entries.push_back(bytes.subspan(2, length));
        bytes = bytes.subspan(2 + length);
    }
    if (entries.size() != width)
        return fail(Errc::kCorrupt,
                    "has " + std::to_string(entries.size()) + " entries instead of " + std::to_string(width));
    return entries;
}

}  // namespace sigillo::audit
