// PDFs written by hand, each with one peculiarity that a revision must cope with.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace sigillo::testing {

// Objects by number, put together in one of the ways a file can be.
class PdfBuilder {
 public:
    // Object 1 is the catalog.
    void set(int number, std::string source) { objects_[number] = std::move(source); }
    void set_stream(int number, const std::string& entries, const std::string& data);
    const std::string& at(int number) const { return objects_.at(number); }

    std::string table() const;          // a cross-reference table
    std::string stream() const;         // a cross-reference stream
    std::string object_stream() const;  // the same, with all objects but streams in an object stream
    std::string wide_stream()
        const;  // object_stream() with offsets of eight octets, and the rows predicted as PNG does
    std::string hybrid() const;  // a table, and /XRefStm with what is in an object stream

 private:
    std::string stream_of(bool packed, int width) const;
    std::map<int, std::string> objects_;
};

enum class Annots { kNone, kDirect, kIndirect, kEmpty, kGarbage };
enum class AcroForm { kNone, kDirect, kIndirect, kFieldsIndirect };

struct Shape {
    unsigned pages = 2;
    std::string page_entries;  // "/Rotate 90"
    std::string media_box = "[0 0 595.2756 841.8898]";
    Annots annots = Annots::kNone;
    AcroForm form = AcroForm::kNone;
    std::string catalog_entries;
    std::string form_entries;
    std::vector<std::string> fields;  // sources; object numbers from kFirstField on
};
inline constexpr int kFirstField = 100;

PdfBuilder sample(const Shape& shape = {});

}  // namespace sigillo::testing
