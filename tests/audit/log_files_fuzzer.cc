// What an auditor's program reads of a log that somebody else has written: notes, checkpoints, keys, bundles,
// tiles, leaves. The first byte chooses. What is accepted must be written again as the same bytes.
#include <cstdlib>

#include "appliance/audit/verify/checkpoint.h"
#include "appliance/audit/verify/leaf.h"
#include "appliance/audit/verify/tiles.h"

namespace {

using namespace sigillo;
using namespace sigillo::audit;

void must(bool holds) {
    if (!holds) std::abort();
}

void read_note(std::string_view text) {
    const auto note = parse_note(text);
    if (!note) return;
    must(format_note(*note) == text);
    const auto checkpoint = parse_checkpoint(note->text);
    if (checkpoint) must(note->text.starts_with(format_checkpoint(*checkpoint)));
}

void read_bundle(ByteView bytes) {
    for (const unsigned width : {1u, 2u, 256u}) {
        const auto entries = decode_bundle(bytes, width);
        if (!entries) continue;
        Bytes again;
        for (const ByteView entry : *entries) append_entry(again, entry);
        must(equal(again, bytes));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const ByteView bytes(data + 1, size - 1);
    const std::string_view text = as_text(bytes);
    switch (data[0] % 6) {
        case 0:
            read_note(text);
            break;
        case 1:
            if (const auto key = NoteKey::parse(text)) must(key->text() == text);
            break;
        case 2:
            (void)TrustedKeys::parse(text).has_value();
            break;
        case 3:
            read_bundle(bytes);
            break;
        case 4:
            (void)parse_leaf(bytes).has_value();
            break;
        default:
            if (const auto name = parse_tile_path(text)) must(tile_path(*name) == text);
    }
    return 0;
}
