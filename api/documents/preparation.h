// A signature in two steps, with time between: the hash now, the signature later, made elsewhere (signHash)
// or by signDoc's way (a SAD for the document). And the lifting of signatures that are there.
#pragma once

#include <optional>
#include <string>

#include "api/documents/order.h"
#include "api/documents/prepared_store.h"
#include "api/documents/signer.h"
#include "api/documents/toolbox.h"

namespace sigillo::api::documents {

struct PreparedAnswer {
    std::string id;
    Digest to_be_signed;     // the digest of the SignedAttributes: what signHash is given
    Digest document_digest;  // of the document as it came: what a SAD for signDoc is bound to
};
// Errors: as sign_documents; kDisabled: the credential has no certificate; kLimitExceeded (field
// "documents").
Task<Result<PreparedAnswer>> prepare_document(const Toolbox& tools, PreparedStore& store, Caller caller,
                                              std::string credential_id, SignatureOrder order);

struct Completion {
    std::string id;
    std::optional<std::string> signature;  // raw, as signHash gives it
    std::optional<std::string> sad;        // of hash type sdr
};
// Errors: kNotFound (field "documentID"); kInvalidArgument (field "signature": it does not hold over what was
// prepared); as sign_documents. The prepared document stays until its time is over.
Task<Result<SignedOutcome>> complete_document(const Toolbox& tools, PreparedStore& store, Caller caller,
                                              Completion completion);

struct Extension {
    Format format = Format::kPades;
    Level level = Level::kLta;
    LongString document;
    std::optional<LongString> content;  // of a detached CAdES signature, for LTA
};
// All signatures of a CMS; of a PDF the newest to T (in its place, or by a document time-stamp where that is
// too narrow), all of them to LT, and a document time-stamp over everything for LTA, each time it is asked
// for.
Task<Result<SignedOutcome>> extend_document(const Toolbox& tools, Caller caller, Extension extension);

}  // namespace sigillo::api::documents
