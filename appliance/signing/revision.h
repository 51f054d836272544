// A PDF to which a revision was appended so that it can be signed: is it still the document that the signer
// authorised, and what is to be signed of it? (ISO 32000-2 §12.8.1, EN 319 142-1 §5.2)
//
// Nothing of the PDF is parsed. An incremental update leaves every earlier byte where it was, so the first
// `original_size` bytes must have the authorised digest; the ByteRange must cover the whole file but for one
// gap behind those bytes, and the gap must be a placeholder "<000…0>", so that nothing can hide in it. One
// pass of SHA-2 gives both digests. What the appended bytes show is not judged: THREAT_MODEL.md.
#pragma once

#include <array>
#include <cstdint>

#include "appliance/base/digest.h"
#include "appliance/base/file.h"
#include "appliance/base/result.h"

namespace sigillo::signing {

struct RevisionLimits {
    // Bytes of /Contents with its brackets: two hexadecimal digits for each byte of the CMS. A signature with
    // its chain takes 6 to 16 KiB, with a time-stamp 12 to 30; a kilobyte at least, or no signature fits.
    std::uint64_t gap_least = 1'024;
    std::uint64_t gap_most = std::uint64_t{1} << 20;
};

struct PreparedRevision {
    int fd = -1;  // sealed, of `size` bytes (ipc/sealed_memory.h)
    std::uint64_t size = 0;
    std::uint64_t original_size = 0;
    std::array<std::uint64_t, 4> byte_range{};  // offset, length, offset, length
};

// The digest of the ByteRange, with the algorithm of `authorised`. Reads the file once, in pieces: memory
// does not grow with it. Errors: kInvalidArgument "revision" (sizes or ranges that do not fit, a gap that is
// no placeholder), kHashNotAuthorized "document" (the first bytes have another digest), kUnavailable (the
// file could not be read). Thread-safe.
Result<Digest> digest_of_revision(const PreparedRevision& revision, const Digest& authorised,
                                  const RevisionLimits& limits = {});

}  // namespace sigillo::signing
