#include "api/documents/sigillo-doc/jobs.h"

namespace sigillo::doc {
namespace {

void put_error(Answer& answer, const sigillo::Error& error) {
    auto& out = *answer.mutable_error();
    out.set_code(static_cast<std::uint32_t>(error.code));
    out.set_detail(error.detail);
    out.set_field(error.field);
}

template <class T>
Answer answer_of(Result<T> result, T* (Answer::*place)()) {
    Answer answer;
    if (result)
        *(answer.*place)() = std::move(*result);
    else
        put_error(answer, result.error());
    return answer;
}

}  // namespace

Result<int> Files::at(std::uint32_t number) const {
    if (number == 0 || number >= fds_.size())
        return fail(Errc::kInternal, "the request names a descriptor that did not come with it");
    return fds_[number].get();
}

Answer carry_out_job(const Request& request, std::vector<UniqueFd>& fds) {
    const Files files(fds);
    switch (request.job_case()) {
        case Request::kPdfPrepare:
            return answer_of(pdf_prepare(request.pdf_prepare(), files), &Answer::mutable_pdf_prepared);
        case Request::kPdfNeeds:
            return answer_of(pdf_needs(request.pdf_needs(), files), &Answer::mutable_pdf_needs);
        case Request::kPdfExtend:
            return answer_of(pdf_extend(request.pdf_extend(), files), &Answer::mutable_pdf_extended);
        case Request::kCmsAddSignature:
            return answer_of(cms_add_signature(request.cms_add_signature(), files),
                             &Answer::mutable_cms_signature_added);
        case Request::kCmsNeeds:
            return answer_of(cms_needs(request.cms_needs(), files), &Answer::mutable_cms_needs);
        case Request::kCmsExtend:
            return answer_of(cms_extend(request.cms_extend(), files), &Answer::mutable_cms_extended);
        case Request::kCmsArchiveImprint:
            return answer_of(cms_archive_imprint(request.cms_archive_imprint(), files),
                             &Answer::mutable_cms_imprint);
        case Request::kCmsContentDigest:
            return answer_of(cms_content_digest(request.cms_content_digest(), files),
                             &Answer::mutable_cms_content);
        case Request::kCheckProof:
            return answer_of(check_proof(request.check_proof()), &Answer::mutable_checked_proof);
        case Request::JOB_NOT_SET:
            break;
    }
    Answer answer;
    put_error(answer, sigillo::Error{Errc::kInternal, "a job that this worker does not know", {}});
    return answer;
}

}  // namespace sigillo::doc
