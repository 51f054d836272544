// A journal file as somebody else left it: nothing but whole batches in a row is read from it.
#include "appliance/store/journal_format.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;

// What is read is written anew, and must be the same bytes.
static void check_batch(ByteView file, const BatchView& batch, BatchWriter& writer) {
    BatchMark before{batch.mark.sequence - 1, batch.before};
    writer.begin(before, batch.rows.size());
    std::string_view last;
    const Status rows = read_rows(
        batch.rows, [&](std::string_view space, ByteView key, const std::optional<ByteView>& value) {
            FUZZ_CHECK(!key.empty() && !space.empty());
            if (space.data() != last.data()) writer.space(space);
            last = space;
            if (value) {
                writer.put(key, *value);
            } else {
                writer.erase(key);
            }
            return Status();
        });
    const BatchMark mark = writer.finish();
    FUZZ_CHECK(mark.sequence == batch.mark.sequence);
    // Spaces that are named without a row of theirs are not repeated.
    const ByteView bytes = writer.bytes();
    if (rows && bytes.size() <= file.size() - batch.place && mark.checksum == batch.mark.checksum)
        FUZZ_CHECK(equal(bytes.first(batch.rows.size()), file.subspan(batch.place, batch.rows.size())));
}

FUZZ_TARGET(input) {
    BatchWriter writer;
    // As it is; and its rows in a batch that holds, behind a first one.
    (void)read_rows(input,
                    [](std::string_view, ByteView, const std::optional<ByteView>&) { return Status(); });
    JournalReader raw(input, "journal");
    for (auto batch = raw.next(); batch && *batch; batch = raw.next()) check_batch(input, **batch, writer);

    writer.begin({}, 0);
    writer.space("first");
    writer.put(to_bytes("key"), to_bytes("value"));
    const BatchMark first = writer.finish();
    Bytes file = to_bytes(writer.bytes());
    const std::size_t whole = file.size();
    append(file, input);
    JournalReader reader(file, "journal");
    const auto batch = reader.next();
    // Only what claims to be a later batch casts doubt on the first one, and nobody guesses its checksum.
    FUZZ_CHECK(batch && *batch && (*batch)->mark == first && (*batch)->place == 0);
    for (auto more = reader.next(); more && *more; more = reader.next()) FUZZ_CHECK((*more)->place >= whole);

    // One byte of it changed is never read as something else.
    if (input.size() < 3) return;
    Bytes damaged(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(whole));
    const std::size_t place = (std::size_t{input[0]} << 8 | input[1]) % damaged.size();
    damaged[place] ^= input[2];
    JournalReader again(damaged, "journal");
    const auto changed = again.next();
    FUZZ_CHECK(!changed || !*changed || (*changed)->mark == first);
}
