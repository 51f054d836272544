// Puts a CMS into the gap of a prepared document. Needs no PDF library: any process may do it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

// The place for the CMS in a prepared document.
struct SignatureGap {
    std::uint64_t contents_offset = 0;  // of the first hexadecimal digit
    std::size_t contents_size = 0;      // octets, each two digits
};

// Octets; Limits::contents_bytes is smaller.
inline constexpr std::size_t kLargestGap = std::size_t{16} << 20;

// Overwrites the first 2 × cms.size() digits of the gap; the rest stays "0". The file's offset stays.
// kLimitExceeded (field "contents_size"): the CMS is larger than the gap. kConflict: there is no empty gap.
// kUnavailable: reading or writing failed.
Status embed_signature(int prepared, const SignatureGap& gap, ByteView cms);

}  // namespace sigillo::pdf
