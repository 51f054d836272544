#include "appliance/store/row_cursor.h"

#include <algorithm>
#include <cstring>

namespace sigillo {

std::strong_ordering compare_keys(ByteView a, ByteView b) {
    const std::size_t common = std::min(a.size(), b.size());
    const int first = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
    return first != 0 ? first <=> 0 : a.size() <=> b.size();
}

bool starts_with(ByteView key, ByteView prefix) {
    return key.size() >= prefix.size() && std::ranges::equal(key.first(prefix.size()), prefix);
}

Status scan_layers(std::span<RowCursor* const> layers, ByteView prefix, ByteView from,
                   const ReadTransaction::Visit& visit) {
    const ByteView start = compare_keys(from, prefix) < 0 ? prefix : from;
    for (RowCursor* const layer : layers) SIGILLO_TRY(layer->seek(start));
    for (;;) {
        // The least key; of several that have it the newest layer's.
        RowCursor* least = nullptr;
        for (RowCursor* const layer : layers)
            if (layer->live() && (least == nullptr || compare_keys(layer->key(), least->key()) < 0))
                least = layer;
        if (least == nullptr || !starts_with(least->key(), prefix)) return {};
        if (const RowValue value = least->value()) {
            SIGILLO_ASSIGN(const bool more, visit(least->key(), *value));
            if (!more) return {};
        }
        for (RowCursor* const layer : layers)
            if (layer != least && layer->live() && compare_keys(layer->key(), least->key()) == 0)
                SIGILLO_TRY(layer->next());
        SIGILLO_TRY(least->next());
    }
}

}  // namespace sigillo
