// A document as PoDoFo reads it, and as it is written: objects by reference, their source, the end of the
// file.
//
// PoDoFo throws PdfError from almost every call, objects being read when they are first looked at; so
// everything that uses a Document runs inside guarded(). Not thread-safe.
#pragma once

#include <podofo/podofo-base.h>

#include <cstdint>
#include <istream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/documents/pdf/limits.h"
#include "api/documents/pdf/source_text.h"
#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

using Object = PoDoFo::PdfObject;

inline constexpr const char* kNoPdf = "the document is no PDF: it does not begin with %PDF-";
inline constexpr const char* kCutOff = "the document has no end-of-file marker: it is cut off";
inline constexpr const char* kBrokenTable =
    "the document's cross-reference table is broken: repair the file before it is signed";

// What PoDoFo says, in words for whoever sent the document.
Error error_of(const PoDoFo::PdfError& error);

// Calls `work`, and turns what PoDoFo and the standard library throw into errors.
template <class Work>
auto guarded(Work&& work) -> decltype(work()) {
    try {
        return work();
    } catch (const PoDoFo::PdfError& error) {
        return std::unexpected(error_of(error));
    } catch (const std::bad_alloc&) {
        return fail(Errc::kUnavailable, "the document needs more memory than its worker may have",
                    "document");
    } catch (const std::exception& error) {
        return fail(Errc::kInvalidArgument, std::string("the document cannot be read: ") + error.what(),
                    "document");
    }
}

// How the last section of the cross-reference is written: an update continues it in kind.
enum class SectionKind : std::uint8_t { kTable, kStream };

class Document {
 public:
    // `file` must outlive the Document. kInvalidArgument (field "document"): no PDF, or one that cannot be
    // read. kUnsupported (field "document", native kEncrypted): encrypted.
    static constexpr std::int64_t kEncrypted = 1;
    static Result<std::unique_ptr<Document>> open(ByteView file, const Limits& limits);
    ~Document();
    Document(const Document&) = delete;
    Document& operator=(const Document&) = delete;

    ByteView file() const { return file_; }
    const Limits& limits() const { return limits_; }
    const Object& catalog() const { return *catalog_; }
    Reference catalog_reference() const { return reference_of(*catalog_); }
    std::string version() const;  // "1.7"

    // The object itself; nullptr for null, absent and dangling. References to references are followed, eight
    // deep.
    const Object* resolve(const Object* object) const;
    // Entry `key` of a dictionary, resolved; nullptr also where `dictionary` is null or no dictionary.
    const Object* get(const Object* dictionary, const char* key) const;
    // The same, of a certain type: nullptr for any other.
    const Object* get_dictionary(const Object* dictionary, const char* key) const;
    const Object* get_array(const Object* dictionary, const char* key) const;
    std::string get_name(const Object* dictionary, const char* key) const;  // without slash; "" otherwise
    std::string get_text(const Object* dictionary, const char* key) const;  // UTF-8; "" otherwise
    // Entry `key` as a reference; number 0 otherwise.
    Reference get_reference(const Object* dictionary, const char* key) const;

    // A dictionary that is an object of its own, as it is written in the file; of an object stream: written
    // anew.
    Result<DictionaryText> dictionary_text(const Object& dictionary) const;
    // The same of an array, with more elements at its end.
    Result<std::string> array_text(const Object& array, const std::vector<std::string>& more) const;
    // A decoded stream of at most Limits::stream_bytes. kLimitExceeded, kInvalidArgument (field "document").
    Result<Bytes> stream(const Object& object) const;

    SectionKind section_kind() const { return section_kind_; }
    std::uint64_t section_offset() const { return section_offset_; }
    // The first object number that no object has.
    std::uint32_t free_number() const { return free_number_; }
    // The trailer's value as source; empty where there is none.
    std::string trailer_source(const char* key) const;

    static Reference reference_of(const Object& object);

 private:
    Document(ByteView file, const Limits& limits);
    Status read();
    void parse();  // throws PdfError
    Status find_end();
    // From the object's first octet on; more may follow it.
    std::string_view source(const Object& object, std::string& buffer) const;

    const ByteView file_;
    const Limits limits_;
    std::string tail_;                            // what PoDoFo finds behind the file, or empty
    std::map<std::string, std::string> trailer_;  // as CrossReference; empty with tail_
    std::unique_ptr<std::streambuf> buffer_;
    std::unique_ptr<std::istream> input_;
    PoDoFo::PdfVecObjects objects_;
    PoDoFo::PdfParser parser_;
    const Object* catalog_ = nullptr;
    SectionKind section_kind_ = SectionKind::kTable;
    std::uint64_t section_offset_ = 0;
    std::uint32_t free_number_ = 0;
};

// A string's octets, as they were written.
Bytes octets_of(const PoDoFo::PdfString& string);
// A value's source, written anew. kInvalidArgument: deeper than 64 levels.
Result<std::string> write_value(const Object& value);

}  // namespace sigillo::pdf
