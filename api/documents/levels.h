// From B to T, LT and LTA: what is added to a signature after it was made.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/documents/order.h"
#include "api/documents/toolbox.h"

namespace sigillo::api::documents {

// What a document's signatures still want proved. Block.
Result<doc::CmsNeedsFound> cms_needs(const Toolbox& tools, const std::shared_ptr<MemoryFile>& cms,
                                     const std::vector<std::string>& signers);
Result<doc::PdfNeedsFound> pdf_needs(const Toolbox& tools, const std::shared_ptr<MemoryFile>& pdf,
                                     std::uint32_t newest);

// CAdES.
struct CmsToLift {
    std::shared_ptr<MemoryFile> cms;
    std::vector<std::string> signers;      // ids (SHA-256 of the signature values); empty: all
    std::shared_ptr<MemoryFile> content;   // of a detached signature, or empty
    std::optional<Digest> content_digest;  // in its place
};
// Validation data into the signature; what was gathered goes into `gathered` too.
Task<Result<std::shared_ptr<MemoryFile>>> cms_to_lt(const Toolbox& tools, Caller caller, CmsToLift cms,
                                                    ValidationData& gathered);
Task<Result<std::shared_ptr<MemoryFile>>> cms_to_lta(const Toolbox& tools, Caller caller, CmsToLift cms);

// PAdES. Of the `newest` signatures (0: all), into the document's store.
Task<Result<std::shared_ptr<MemoryFile>>> pdf_to_lt(const Toolbox& tools, Caller caller,
                                                    std::shared_ptr<MemoryFile> pdf, std::uint32_t newest,
                                                    ValidationData& gathered);
// A document time-stamp over all of it.
Task<Result<std::shared_ptr<MemoryFile>>> pdf_time_stamped(const Toolbox& tools, Caller caller,
                                                           std::shared_ptr<MemoryFile> pdf);

// What would be needed, without putting it anywhere (returnValidationInfo).
Task<Result<ValidationData>> validation_info(const Toolbox& tools, Caller caller,
                                             std::shared_ptr<MemoryFile> file, Format format,
                                             std::vector<std::string> signers);

// Each element once.
void merge_validation_data(ValidationData& into, const ValidationData& more);

}  // namespace sigillo::api::documents
