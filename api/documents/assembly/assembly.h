// The CMS around what sigillod signed, made in sigillo-api itself: attributes, chain and time-stamp token are
// sigillod's; the signature too, or what a client gives to /v1/documents/complete, which is verified and
// never parsed beyond that; of the document only the digest is computed. What strangers wrote is parsed by
// document workers alone; this folder is all of cms/ that comes into this process.
//
// Thread-safe. Errors: those of cms/assemble.h.
#pragma once

#include "api/documents/cms/assemble.h"
#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::api::documents {

using cms::SignatureParts;

// Without the content: a .p7s, or what goes into a PDF.
Result<Bytes> detached_signature(const SignatureParts& parts);

// With the content of the file `content`, a .p7m, written at the offset of `out`. Neither descriptor is kept.
Status attached_signature(const SignatureParts& parts, int content, int out);

}  // namespace sigillo::api::documents
