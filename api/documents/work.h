// One document on its way from its order to its signature. Shared by the orchestrations of this folder.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/documents/order.h"
#include "api/documents/signer.h"
#include "api/documents/toolbox.h"

namespace sigillo::api::documents {

struct Work {
    SignatureOrder order;
    std::string digest;  // of the document as it came, raw
    // PAdES over a document.
    doc::PdfPrepared prepared;
    std::shared_ptr<MemoryFile> revision;
    std::string deposit;
    // Once signed.
    sam::SignedDocument signature;
};

// Digest and, for a PDF, the revision that is to be signed. `time`: for /M. Blocks. Errors: the worker's.
Status prepare_work(const Toolbox& tools, const sam::Credential& credential, WallTime time, Work& work);
// Hands a revision to sigillod, which seals it. Does nothing where there is none. Blocks.
Status deposit_work(const Toolbox& tools, Work& work);
// The digest that the message-digest attribute names: of the document, or of the revision's ByteRange.
Result<Digest> message_digest(const Work& work);

// SignDocuments for all of them; one call for each algorithm, so usually one. `works` and `chain` outlive the
// task.
Task<Status> sign_works(const Toolbox& tools, Caller caller, std::string credential_id, std::string sad,
                        std::vector<Work>& works, std::vector<std::string>& chain);

// From the signature to its level. `work`, `chain` and `gathered` outlive the task.
Task<Result<std::shared_ptr<MemoryFile>>> finish_work(const Toolbox& tools, Caller caller, Work& work,
                                                      const std::vector<std::string>& chain,
                                                      ValidationData& gathered);

// The name of its signer in a CMS: SHA-256 of the signature value.
std::string signer_id(const Work& work);

}  // namespace sigillo::api::documents
