// `visible_signature`: what a signature shows in a PDF, and where. Ours: CSC has nothing of the kind.
// Pure; safe from any thread.
#pragma once

#include <expected>

#include "api/documents/contract/doc.pb.h"
#include "api/documents/request_body.h"
#include "api/json/reader.h"

namespace sigillo::api::documents {

// Into page, position, field, texts and pictures of `out`; what they mean, the document's worker judges. The
// fault names the member by its path below `visible_signature`.
std::expected<void, json::Fault> read_visible_signature(const json::Object& object, const RequestBody& body,
                                                        doc::PdfSignature& out);

}  // namespace sigillo::api::documents
