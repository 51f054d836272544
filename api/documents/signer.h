// Signs documents: prepare, deposit, SignDocuments, assemble, time-stamp, validation data, archive.
//
// What is trusted with what: digests and SignedAttributes are sigillod's; a worker reads and writes the
// documents; here only bytes are carried between them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/documents/order.h"
#include "api/documents/toolbox.h"

namespace sigillo::api::documents {

struct SignedOutcome {
    std::shared_ptr<MemoryFile> file;  // the document with its signature, or the signature object
    bool enveloped = false;
};

struct SigningOrder {
    std::string credential_id;  // empty: the one that the SAD is for
    std::string qualifier;      // that the credential must have; empty: any
    std::string sad;
    std::vector<SignatureOrder> orders;
    bool validation_info = false;
};

struct SigningOutcome {
    std::vector<SignedOutcome> documents;  // in the order of the orders
    ValidationData validation_info;
};

// Errors: sigillod's; the workers' (about the document; `field` "document", "page", "position" …); those of
// gathering (kUnavailable, kConflict: a certificate is revoked). Nothing is spent where a document cannot be
// prepared; after SignDocuments the identical order is a retry.
Task<Result<SigningOutcome>> sign_documents(const Toolbox& tools, Caller caller, SigningOrder order);

// The claimed time of signing, for /M: when the signer authorised, as the SAD tells; so a repeated call
// prepares the same revision. Far from now: now.
WallTime claimed_time(std::string_view sad, WallTime now);

}  // namespace sigillo::api::documents
