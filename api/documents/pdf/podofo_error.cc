// What PoDoFo says, in words for whoever sent the document.
#include <algorithm>

#include "api/documents/pdf/document.h"

namespace sigillo::pdf {
namespace {

const char* words_for(PoDoFo::EPdfError code) {
    switch (code) {
        case PoDoFo::ePdfError_NoPdfFile:
            return kNoPdf;
        case PoDoFo::ePdfError_NoEOFToken:
            return kCutOff;
        case PoDoFo::ePdfError_NoXRef:
        case PoDoFo::ePdfError_InvalidXRef:
        case PoDoFo::ePdfError_InvalidXRefStream:
        case PoDoFo::ePdfError_InvalidXRefType:
            return kBrokenTable;
        case PoDoFo::ePdfError_NoTrailer:
            return "the document has no trailer: it is cut off or broken";
        case PoDoFo::ePdfError_NoObject:
            return "the document refers to an object that is not where it should be";
        case PoDoFo::ePdfError_OutOfMemory:
            return "the document needs more memory than its worker may have";
        case PoDoFo::ePdfError_InvalidEncryptionDict:
        case PoDoFo::ePdfError_InvalidPassword:
            return "the document is encrypted";
        case PoDoFo::ePdfError_Flate:
        case PoDoFo::ePdfError_UnsupportedFilter:
            return "the document has a compressed part that cannot be decompressed";
        case PoDoFo::ePdfError_PageNotFound:
            return "the document has no such page";
        case PoDoFo::ePdfError_ValueOutOfRange:
            return "the document has a number out of bounds";
        default:
            return "the document is broken and cannot be read";
    }
}

}  // namespace

Error error_of(const PoDoFo::PdfError& error) {
    std::string detail = words_for(error.GetError());
    // The innermost entry that says anything, which is the last; file names of PoDoFo's sources help nobody.
    const PoDoFo::TDequeErrorInfo& calls = error.GetCallstack();
    for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
        std::string more = call->GetInformation();
        while (!more.empty() && (more.back() == '\n' || more.back() == ' ')) more.pop_back();
        // It may quote the file.
        std::replace_if(more.begin(), more.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
        if (more.empty()) continue;
        detail += " (" + more.substr(0, 120) + ")";
        break;
    }
    const Errc code =
        error.GetError() == PoDoFo::ePdfError_OutOfMemory ? Errc::kUnavailable : Errc::kInvalidArgument;
    return Error{code, std::move(detail), "document", error.GetError()};
}

}  // namespace sigillo::pdf
