// One signature to be made on one document: what every face of the API decodes into, and the orchestration
// carries out.
#pragma once

#include <optional>
#include <string>

#include "api/documents/contract/doc.pb.h"
#include "api/documents/request_body.h"
#include "api/documents/signed_props.h"
#include "appliance/base/digest.h"
#include "appliance/ipc/sam.pb.h"

namespace sigillo::api::documents {

enum class Level : std::uint8_t { kB = 1, kT, kLt, kLta };
enum class Envelope : std::uint8_t {
    kDetached,       // CAdES: a .p7s; PAdES from a digest: the CMS for /Contents
    kAttached,       // CAdES: a .p7m
    kParallel,       // CAdES: a further signature in the .p7m that is the document
    kCertification,  // PAdES: the document's first signature, which says what may change afterwards
    kApproval,       // PAdES: `Revision`
};

struct SignatureOrder {
    Format format = Format::kCades;
    Level level = Level::kB;
    Envelope envelope = Envelope::kAttached;
    HashAlgorithm hash = HashAlgorithm::kSha256;
    std::uint32_t padding = 0;  // SignaturePadding of keystore/algorithms.h
    SignedProps props;
    doc::PdfSignature appearance;        // PAdES over a document: page, place, pictures
    std::optional<LongString> document;  // whole
    std::string digest;                  // in its place, raw
};

// Whether the result is the document with its signature inside, or a signature object beside it.
inline bool is_enveloped(const SignatureOrder& order) {
    return order.document.has_value() && order.envelope != Envelope::kDetached;
}

}  // namespace sigillo::api::documents
