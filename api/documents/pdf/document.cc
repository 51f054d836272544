#include "api/documents/pdf/document.h"

#include <algorithm>

#include "api/documents/pdf/podofo_streams.h"
#include "api/documents/pdf/text_string.h"
#include "api/documents/pdf/xref_chain.h"

namespace sigillo::pdf {
namespace {

// Behind the last "%%EOF" there may be so much else; Acrobat wants it within 1,024 octets.
constexpr std::size_t kTail = std::size_t{64} << 10;
// PoDoFo reads no higher object number.
constexpr std::uint32_t kHighestObject = 8'388'000;

std::unexpected<Error> encrypted() {
    return fail(Errc::kUnsupported,
                "the document is encrypted: it can be signed only without its password protection",
                "document", Document::kEncrypted);
}

std::unexpected<Error> not_readable(const std::string& why) {
    return fail(Errc::kInvalidArgument, why, "document");
}

}  // namespace

Document::Document(ByteView file, const Limits& limits) : file_(file), limits_(limits), parser_(&objects_) {}

Document::~Document() = default;

Result<std::unique_ptr<Document>> Document::open(ByteView file, const Limits& limits) {
    PoDoFo::PdfError::EnableLogging(false);
    PoDoFo::PdfError::EnableDebug(false);
    PoDoFo::PdfParser::SetMaxObjectCount(static_cast<long>(limits.objects));
    PoDoFo::PdfTokenizer::RecursionGuard::SetMaxRecursionDepth(static_cast<std::int32_t>(limits.nesting));
    std::unique_ptr<Document> document(new Document(file, limits));
    SIGILLO_TRY(document->read());
    SIGILLO_TRY(document->find_end());
    return document;
}

void Document::parse() {
    objects_.SetAutoDelete(true);
    buffer_ = std::make_unique<MemoryBuffer>(file_, as_bytes(tail_));
    input_ = std::make_unique<std::istream>(buffer_.get());
    parser_.ParseFile(PoDoFo::PdfRefCountedInputDevice(new PoDoFo::PdfInputDevice(input_.get())), true);
}

Status Document::read() {
    const std::string_view text = as_text(file_);
    if (!text.starts_with("%PDF-")) return not_readable(kNoPdf);
    // PoDoFo would look through the whole file for it, octet by octet.
    if (text.substr(text.size() - std::min(text.size(), kTail)).rfind("%%EOF") == std::string_view::npos)
        return not_readable(kCutOff);
    auto reference = read_cross_reference(file_, limits_);
    // Before PDF 1.3 PoDoFo knows no cross-reference streams; nor do such files have any.
    if (text.starts_with("%PDF-1.0") || text.starts_with("%PDF-1.1") || text.starts_with("%PDF-1.2"))
        reference = fail(Errc::kUnsupported, "");
    if (!reference && reference.error().code == Errc::kLimitExceeded)
        return std::unexpected(reference.error());
    // What cannot be read here PoDoFo may still read in its own way.
    if (reference) {
        if (reference->trailer.contains("Encrypt")) return encrypted();
        tail_ = std::move(reference->section);
        trailer_ = std::move(reference->trailer);
    }
    try {
        parse();
    } catch (const PoDoFo::PdfError& error) {
        const PoDoFo::EPdfError code = error.GetError();
        if (code == PoDoFo::ePdfError_InvalidPassword || code == PoDoFo::ePdfError_InvalidEncryptionDict)
            return encrypted();
        // Whoever looks in a wrong place for the table finds anything at all.
        if (!reference && reference.error().code == Errc::kInvalidArgument)
            return std::unexpected(reference.error());
        return std::unexpected(error_of(error));
    }
    if (parser_.GetEncrypted()) return encrypted();
    const Object* const root = get(parser_.GetTrailer(), "Root");
    if (root == nullptr || !root->IsDictionary()) return not_readable("the document has no catalog");
    if (root->Reference().ObjectNumber() == 0)
        return not_readable("the document's catalog is no object of its own");
    catalog_ = root;
    return {};
}

Status Document::find_end() {
    SIGILLO_ASSIGN(section_offset_, last_section(file_));
    if (section_offset_ == 0 || section_offset_ >= file_.size()) return not_readable(kBrokenTable);
    const std::string_view text = as_text(file_);
    const std::size_t at = skip_space(text, section_offset_);
    section_kind_ = text.substr(at, 4) == "xref" ? SectionKind::kTable : SectionKind::kStream;
    const Object* const size = get(parser_.GetTrailer(), "Size");
    const std::int64_t stated = size != nullptr && size->IsNumber() ? size->GetNumber() : 0;
    const auto known = static_cast<std::int64_t>(objects_.GetObjectCount());
    const std::int64_t free = std::max({stated, known, std::int64_t{1}});
    if (free > kHighestObject) return not_readable("the document has no object numbers left");
    free_number_ = static_cast<std::uint32_t>(free);
    return {};
}

// PoDoFo knows none after 1.7. The catalog's is younger than the header's, which no update can change.
std::string Document::version() const {
    std::string version(as_text(file_).substr(5, 3));  // behind "%PDF-"
    return std::max(version, get_name(catalog_, "Version"));
}

const Object* Document::resolve(const Object* object) const {
    for (int hops = 0; object != nullptr && object->IsReference(); ++hops) {
        if (hops == 8) return nullptr;
        object = objects_.GetObject(object->GetReference());
    }
    return object == nullptr || object->IsNull() ? nullptr : object;
}

const Object* Document::get(const Object* dictionary, const char* key) const {
    if (dictionary == nullptr || !dictionary->IsDictionary()) return nullptr;
    return resolve(dictionary->GetDictionary().GetKey(PoDoFo::PdfName(key)));
}

const Object* Document::get_dictionary(const Object* dictionary, const char* key) const {
    const Object* const value = get(dictionary, key);
    return value != nullptr && value->IsDictionary() ? value : nullptr;
}

const Object* Document::get_array(const Object* dictionary, const char* key) const {
    const Object* const value = get(dictionary, key);
    return value != nullptr && value->IsArray() ? value : nullptr;
}

std::string Document::get_name(const Object* dictionary, const char* key) const {
    const Object* const value = get(dictionary, key);
    return value != nullptr && value->IsName() ? value->GetName().GetName() : std::string();
}

std::string Document::get_text(const Object* dictionary, const char* key) const {
    const Object* const value = get(dictionary, key);
    const bool string = value != nullptr && (value->IsString() || value->IsHexString());
    return string ? decode_text_string(octets_of(value->GetString())) : std::string();
}

Reference Document::get_reference(const Object* dictionary, const char* key) const {
    if (dictionary == nullptr || !dictionary->IsDictionary()) return {};
    const Object* const value = dictionary->GetDictionary().GetKey(PoDoFo::PdfName(key));
    if (value == nullptr || !value->IsReference()) return {};
    return {value->GetReference().ObjectNumber(), value->GetReference().GenerationNumber()};
}

Reference Document::reference_of(const Object& object) {
    return {object.Reference().ObjectNumber(), object.Reference().GenerationNumber()};
}

std::string_view Document::source(const Object& object, std::string& buffer) const {
    const auto* const parsed = dynamic_cast<const PoDoFo::PdfParserObject*>(&object);
    if (parsed != nullptr && parsed->GetOffset() > 0 &&
        static_cast<std::size_t>(parsed->GetOffset()) < file_.size())
        return as_text(file_).substr(static_cast<std::size_t>(parsed->GetOffset()));
    buffer = write_value(object).value_or(std::string());
    return buffer;
}

Result<DictionaryText> Document::dictionary_text(const Object& dictionary) const {
    std::string buffer;
    return DictionaryText::parse(source(dictionary, buffer));
}

Result<std::string> Document::array_text(const Object& array, const std::vector<std::string>& more) const {
    std::string buffer;
    return array_with(source(array, buffer), more);
}

Result<Bytes> Document::stream(const Object& object) const {
    if (!object.HasStream()) return not_readable("the document has a dictionary where a stream should be");
    BoundedOutput output(limits_.stream_bytes);
    object.GetStream()->GetFilteredCopy(&output);
    return output.take();
}

std::string Document::trailer_source(const char* key) const {
    if (const auto value = trailer_.find(key); value != trailer_.end()) return value->second;
    const Object* const trailer = parser_.GetTrailer();
    if (trailer == nullptr || !trailer->IsDictionary() ||
        !trailer->GetDictionary().HasKey(PoDoFo::PdfName(key)))
        return {};
    return write_value(*trailer->GetDictionary().GetKey(PoDoFo::PdfName(key))).value_or(std::string());
}

}  // namespace sigillo::pdf
