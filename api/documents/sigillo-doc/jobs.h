// What a worker can do, one function a job: from the contract's messages to the libraries and back.
#pragma once

#include <vector>

#include "api/documents/contract/doc.pb.h"
#include "api/documents/pdf/fonts.h"
#include "api/documents/sigillo-doc/worker.h"
#include "appliance/base/file.h"
#include "appliance/base/result.h"

namespace sigillo::doc {

// The job that `request` names. An Error of a library is the answer's.
Answer carry_out_job(const Request& request, std::vector<UniqueFd>& fds);

// Before the first fork: fonts are read (a worker opens no file), libraries are made ready, so that a fork
// copies little. kNotFound: a font is missing. The fonts live as long as the process.
Status preload(const std::vector<std::string>& font_files);

// The descriptors of a request, by their numbers. 0 is none: it is the file of long messages.
class Files {
 public:
    explicit Files(const std::vector<UniqueFd>& fds) : fds_(fds) {}
    Result<int> at(std::uint32_t number) const;

 private:
    const std::vector<UniqueFd>& fds_;
};

Result<PdfPrepared> pdf_prepare(const PdfPrepare& job, const Files& files);
Result<PdfNeedsFound> pdf_needs(const PdfNeeds& job, const Files& files);
Result<PdfExtended> pdf_extend(const PdfExtend& job, const Files& files);
Result<CmsWritten> cms_add_signature(const CmsAddSignature& job, const Files& files);
Result<CmsNeedsFound> cms_needs(const CmsNeeds& job, const Files& files);
Result<CmsWritten> cms_extend(const CmsExtend& job, const Files& files);
Result<CmsImprint> cms_archive_imprint(const CmsArchiveImprint& job, const Files& files);
Result<DigestValue> cms_content_digest(const CmsContentDigest& job, const Files& files);
Result<CheckedProof> check_proof(const CheckProof& job);

const pdf::Fonts& loaded_fonts();

}  // namespace sigillo::doc
