// The messages of signing documents: what sigillo-api asks in sam.proto's words, and the signing path's.
// Decoding and limits; no decision of its own.
#pragma once

#include "appliance/ades/signed_properties.h"
#include "appliance/ipc/fd_message.h"
#include "appliance/ipc/sam.pb.h"
#include "appliance/sigillod/clients.h"
#include "appliance/sigillod/deposits.h"
#include "appliance/signing/revision.h"
#include "appliance/signing/signing_path.h"

namespace sigillo {

struct DocumentLimits {
    ades::PropertyLimits properties;
    signing::RevisionLimits revision;
};

// A deposit's message, answered: checks the descriptor's seals and keeps it.
Bytes answer_deposit(Deposits& deposits, ipc::FdMessage message);

// Step 1 of the signing path for documents. Takes the deposits that the request names, whatever comes of it,
// and reads each once (revision.h). Errors: kInvalidArgument with `field` as signDoc's parameters are called
// ("documents", "hashAlgorithmOID", "signAlgo", "signed_props", "revision", …), kLimitExceeded, kNotFound
// "deposit", kHashNotAuthorized "document".
Result<signing::SignRequest> to_sign_request(const sam::SignDocuments& body, const RegisteredClient& client,
                                             Deposits& deposits, const DocumentLimits& limits,
                                             std::size_t documents_per_call);

sam::SignedDocuments to_message(const signing::Signed& made);

}  // namespace sigillo
