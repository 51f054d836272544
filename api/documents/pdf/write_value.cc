// Writing values that PoDoFo has read.
#include "api/documents/pdf/document.h"
#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

constexpr int kDeepest = 64;

Status write(const PoDoFo::PdfVariant& value, int depth, std::string& out);

Status write_array(const PoDoFo::PdfArray& array, int depth, std::string& out) {
    out += '[';
    for (const Object& element : array) {
        if (out.back() != '[') out += ' ';
        SIGILLO_TRY(write(element, depth, out));
    }
    out += ']';
    return {};
}

Status write_dictionary(const PoDoFo::PdfDictionary& dictionary, int depth, std::string& out) {
    out += "<<";
    for (const auto& [key, value] : dictionary.GetKeys()) {
        out += name_source(key.GetName()) + ' ';
        SIGILLO_TRY(write(*value, depth, out));
        out += '\n';
    }
    out += ">>";
    return {};
}

Status write(const PoDoFo::PdfVariant& value, int depth, std::string& out) {
    if (depth >= kDeepest)
        return fail(Errc::kInvalidArgument, "the document nests values too deep", "document");
    switch (value.GetDataType()) {
        case PoDoFo::ePdfDataType_Bool:
            out += value.GetBool() ? "true" : "false";
            return {};
        case PoDoFo::ePdfDataType_Number:
            out += std::to_string(value.GetNumber());
            return {};
        case PoDoFo::ePdfDataType_Real:
            out += real(value.GetReal());
            return {};
        case PoDoFo::ePdfDataType_String:
        case PoDoFo::ePdfDataType_HexString:
            out += hex_string(octets_of(value.GetString()));
            return {};
        case PoDoFo::ePdfDataType_Name:
            out += name_source(value.GetName().GetName());
            return {};
        case PoDoFo::ePdfDataType_Array:
            return write_array(value.GetArray(), depth + 1, out);
        case PoDoFo::ePdfDataType_Dictionary:
            return write_dictionary(value.GetDictionary(), depth + 1, out);
        case PoDoFo::ePdfDataType_Null:
            out += "null";
            return {};
        case PoDoFo::ePdfDataType_Reference: {
            const PoDoFo::PdfReference& to = value.GetReference();
            out += to_source({to.ObjectNumber(), to.GenerationNumber()});
            return {};
        }
        default:
            return fail(Errc::kInvalidArgument, "the document has a value of no known type", "document");
    }
}

}  // namespace

Bytes octets_of(const PoDoFo::PdfString& string) {
    Bytes out;
    if (!string.IsValid()) return out;
    // PoDoFo keeps the mark of UTF-16 apart.
    if (string.IsUnicode()) append_u16(out, 0xFEFF);
    append(out, std::string_view(string.GetString(), static_cast<std::size_t>(string.GetLength())));
    return out;
}

Result<std::string> write_value(const Object& value) {
    std::string out;
    SIGILLO_TRY(write(value, 0, out));
    return out;
}

}  // namespace sigillo::pdf
