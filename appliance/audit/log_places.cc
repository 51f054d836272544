#include "appliance/audit/log_places.h"

#include <sys/stat.h>

#include <algorithm>
#include <tuple>

#include "appliance/audit/verify/tile_directory.h"
#include "appliance/base/file.h"

namespace sigillo::audit {
namespace {

constexpr std::string_view kSuffix = ".checkpoint";

std::optional<dev_t> device_of(std::filesystem::path path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return std::nullopt;
    return info.st_dev;
}

void take(FoundCheckpoints& found, const std::filesystem::path& place, const TrustedKeys& keys,
          std::string_view base) {
    const auto bytes = read_file(place, kNoteLimit);
    if (!bytes) {
        if (bytes.error().code != Errc::kNotFound) found.bad.push_back(bytes.error());
        return;
    }
    auto head = open_checkpoint(as_text(*bytes), keys);
    if (!head) {
        found.bad.push_back({Errc::kCorrupt, place.string() + ": " + head.error().detail});
        return;
    }
    const auto epoch = epoch_of_origin(base, head->checkpoint.origin);
    if (!epoch) {
        found.bad.push_back({Errc::kCorrupt, place.string() + ": is of the log " + head->checkpoint.origin});
        return;
    }
    found.good.push_back({place, *std::move(head), *epoch});
}

}  // namespace

std::string anchor_file_name(std::string_view origin) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string name;
    for (const char c : origin) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           c == '-' || c == '.';
        if (plain)
            name += c;
        else
            name.append(1, '%').append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    }
    return name.append(kSuffix);
}

const FoundCheckpoint* FoundCheckpoints::in(const std::filesystem::path& directory) const {
    const auto it = std::ranges::find_if(
        good, [&](const FoundCheckpoint& c) { return c.place == directory / kCheckpointName; });
    return it == good.end() ? nullptr : &*it;
}

bool FoundCheckpoints::below(const std::filesystem::path& anchor) const {
    return std::ranges::any_of(
        good, [&](const FoundCheckpoint& c) { return c.place == anchor / c.place.filename(); });
}

const FoundCheckpoint* FoundCheckpoints::newest() const {
    const auto it = std::ranges::max_element(
        good, {}, [](const FoundCheckpoint& c) { return std::tuple(c.epoch, c.head.checkpoint.size); });
    return it == good.end() ? nullptr : &*it;
}

FoundCheckpoints find_checkpoints(const LogPlaces& places, const TrustedKeys& keys,
                                  std::string_view base_origin) {
    FoundCheckpoints found;
    take(found, places.directory / kCheckpointName, keys, base_origin);
    // Every epoch of this log has a name that begins alike; other logs may share an anchor.
    std::string first = anchor_file_name(base_origin);
    std::string later = anchor_file_name(epoch_origin(base_origin, 2));
    later.resize(later.size() - kSuffix.size() - 1);  // "…%2Fepoch-"
    for (const auto& anchor : places.anchors) {
        std::error_code code;
        for (auto file = std::filesystem::directory_iterator(anchor, code);
             !code && file != std::filesystem::directory_iterator(); file.increment(code)) {
            const std::string name = file->path().filename().string();
            if (name == first || (name.starts_with(later) && name.ends_with(kSuffix)))
                take(found, file->path(), keys, base_origin);
        }
        if (code) found.bad.push_back(errno_error(code.value(), "rollback anchor " + anchor.string()));
    }
    return found;
}

std::string anchor_weakness(const LogPlaces& places) {
    const auto own = device_of(places.store);
    const auto elsewhere = [&](const std::filesystem::path& path) {
        const auto device = device_of(path);
        return own && device && *device != *own;
    };
    if (elsewhere(places.directory) || std::ranges::any_of(places.anchors, elsewhere)) return {};
    return "rollback anchor: same disk";
}

}  // namespace sigillo::audit
