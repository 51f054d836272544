// Puts a CMS into the gap of a prepared document. Needs no PDF library: any process may do it.
#pragma once

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

struct SignatureGap;

// Overwrites the first 2 × cms.size() digits of the gap; the rest stays "0". The file's offset stays.
// kLimitExceeded (field "contents_size"): the CMS is larger than the gap. kConflict: there is no empty gap.
// kUnavailable: reading or writing failed.
Status embed_signature(int prepared, const SignatureGap& gap, ByteView cms);

}  // namespace sigillo::pdf
