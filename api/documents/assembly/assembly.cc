#include "api/documents/assembly/assembly.h"

#include "api/documents/cms/io.h"

namespace sigillo::api::documents {

Result<Bytes> detached_signature(const SignatureParts& parts) {
    return cms::assemble_detached(parts);
}

Status attached_signature(const SignatureParts& parts, int content, int out) {
    SIGILLO_ASSIGN(const auto source, cms::FdSource::create(content));
    cms::FdSink sink(out);
    return cms::assemble_attached(parts, cms::Content::whole(source), sink);
}

}  // namespace sigillo::api::documents
