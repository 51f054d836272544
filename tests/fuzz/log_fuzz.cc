// What an auditor's verifier reads: notes, checkpoints, keys, tiles, bundles, leaves.
#include "appliance/audit/verify/checkpoint.h"
#include "appliance/audit/verify/leaf.h"
#include "appliance/audit/verify/note.h"
#include "appliance/audit/verify/tiles.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;

FUZZ_TARGET(input) {
    const std::string_view text = as_text(input);
    (void)audit::parse_note(text);
    (void)audit::parse_checkpoint(text);
    (void)audit::NoteKey::parse(text);
    (void)audit::TrustedKeys::parse(text);
    (void)audit::parse_leaf(input);
    const unsigned width = input.empty() ? 1 : 1U + input.front();
    if (const auto tile = audit::decode_tile(input, width)) FUZZ_CHECK(tile->size() == width);
    if (const auto bundle = audit::decode_bundle(input, width)) FUZZ_CHECK(bundle->size() == width);
}
