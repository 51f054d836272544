#include "tests/api_documents/pdf/sample_pdf.h"

#include <zlib.h>

#include <cstdint>
#include <cstdio>

namespace sigillo::testing {
namespace {

constexpr const char* kHeader = "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n";

std::string object(int number, const std::string& source) {
    return std::to_string(number) + " 0 obj\n" + source + "\nendobj\n";
}

std::string line(std::size_t offset, const char* kind) {
    char text[32];
    std::snprintf(text, sizeof text, "%010zu %05u %s \n", offset, kind[0] == 'f' ? 65535U : 0U, kind);
    return std::string(text, 20);
}

std::string big_endian(std::size_t value, int octets) {
    std::string out;
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8)
        out += static_cast<char>(value >> shift & 0xFF);
    return out;
}

bool is_stream(const std::string& source) {
    return source.ends_with("endstream");
}

std::string stream_source(const std::string& entries, const std::string& data) {
    return "<<" + entries + "/Length " + std::to_string(data.size()) + ">>\nstream\n" + data + "\nendstream";
}

// Type, two fields, of each object number from 0 on.
using Rows = std::map<int, std::string>;

std::string section(const Rows& rows) {
    std::string data;
    for (int number = 0; number <= rows.rbegin()->first; ++number) {
        const auto row = rows.find(number);
        data += row == rows.end() ? std::string(rows.begin()->second.size(), '\0') : row->second;
    }
    return data;
}

// Each row as its difference to the one above (PNG's filter Up).
std::string predicted(const std::string& data, std::size_t columns) {
    std::string out;
    std::string above(columns, '\0');
    for (std::size_t at = 0; at < data.size(); at += columns) {
        out += '\2';
        for (std::size_t i = 0; i < columns; ++i) out += static_cast<char>(data[at + i] - above[i]);
        above = data.substr(at, columns);
    }
    return out;
}

std::string deflated(const std::string& data) {
    uLongf size = compressBound(data.size());
    std::string out(size, '\0');
    compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(data.data()),
             data.size());
    out.resize(size);
    return out;
}

std::string row(int type, std::size_t second, std::size_t third, int width = 4) {
    return big_endian(static_cast<std::size_t>(type), 1) + big_endian(second, width) + big_endian(third, 2);
}

// An object stream with these objects; their rows.
std::string pack(int number, const std::map<int, std::string>& objects, Rows& rows, int width = 4) {
    std::string index;
    std::string body;
    std::size_t at = 0;
    for (const auto& [own, source] : objects) {
        index += std::to_string(own) + ' ' + std::to_string(body.size()) + ' ';
        body += source + '\n';
        rows[own] = row(2, static_cast<std::size_t>(number), at++, width);
    }
    return stream_source(
        "/Type /ObjStm/N " + std::to_string(objects.size()) + "/First " + std::to_string(index.size()),
        index + body);
}

const std::string kId = "/ID [<00112233445566778899AABBCCDDEEFF> (\\376\\377id)]";

}  // namespace

void PdfBuilder::set_stream(int number, const std::string& entries, const std::string& data) {
    set(number, stream_source(entries, data));
}

std::string PdfBuilder::table() const {
    std::string file = kHeader;
    std::map<int, std::size_t> offsets;
    for (const auto& [number, source] : objects_) {
        offsets[number] = file.size();
        file += object(number, source);
    }
    const std::size_t start = file.size();
    const int size = objects_.rbegin()->first + 1;
    file += "xref\n0 " + std::to_string(size) + '\n' + line(0, "f");
    for (int number = 1; number < size; ++number)
        file += offsets.contains(number) ? line(offsets[number], "n") : line(0, "f");
    return file + "trailer\n<</Size " + std::to_string(size) + "/Root 1 0 R" + kId + ">>\nstartxref\n" +
           std::to_string(start) + "\n%%EOF\n";
}

std::string PdfBuilder::stream_of(bool packed, int width) const {
    std::string file = kHeader;
    Rows rows{{0, row(0, 0, 65'535, width)}};
    std::map<int, std::string> inside;
    for (const auto& [number, source] : objects_) {
        if (packed && !is_stream(source)) {
            inside[number] = source;
            continue;
        }
        rows[number] = row(1, file.size(), 0, width);
        file += object(number, source);
    }
    int next = objects_.rbegin()->first + 1;
    if (packed) {
        const std::string stream = pack(next, inside, rows, width);
        rows[next] = row(1, file.size(), 0, width);
        file += object(next++, stream);
    }
    rows[next] = row(1, file.size(), 0, width);
    const std::size_t start = file.size();
    std::string entries =
        "/Type /XRef/W [1 " + std::to_string(width) + " 2]/Root 1 0 R/Size " + std::to_string(next + 1) + kId;
    std::string data = section(rows);
    if (width > 4) {
        const auto columns = static_cast<std::size_t>(width) + 3;
        data = deflated(predicted(data, columns));
        entries +=
            "/Filter /FlateDecode/DecodeParms <</Predictor 12/Columns " + std::to_string(columns) + ">>";
    }
    file += object(next, stream_source(entries, data));
    return file + "startxref\n" + std::to_string(start) + "\n%%EOF\n";
}

std::string PdfBuilder::stream() const {
    return stream_of(false, 4);
}
std::string PdfBuilder::object_stream() const {
    return stream_of(true, 4);
}
std::string PdfBuilder::wide_stream() const {
    return stream_of(true, 8);
}

std::string PdfBuilder::hybrid() const {
    // ISO 32000-1 §7.5.8.4: what old readers need not see is hidden; here fields, and the font.
    std::string file = kHeader;
    std::map<int, std::size_t> offsets;
    std::map<int, std::string> inside;
    for (const auto& [number, source] : objects_) {
        if ((number >= kFirstField || number == 3) && !is_stream(source)) {
            inside[number] = source;
            continue;
        }
        offsets[number] = file.size();
        file += object(number, source);
    }
    const int packed = objects_.rbegin()->first + 1;
    Rows rows;
    const std::string stream = pack(packed, inside, rows);
    offsets[packed] = file.size();
    file += object(packed, stream);
    const int hidden = packed + 1;
    offsets[hidden] = file.size();
    std::string data;
    std::string index;
    for (const auto& [number, entry] : rows) {
        index += std::to_string(number) + " 1 ";
        data += entry;
    }
    file += object(
        hidden, stream_source(
                    "/Type /XRef/W [1 4 2]/Index [" + index + "]/Size " + std::to_string(hidden + 1), data));
    const std::size_t start = file.size();
    file += "xref\n0 " + std::to_string(hidden + 1) + '\n' + line(0, "f");
    for (int number = 1; number <= hidden; ++number)
        file += offsets.contains(number) ? line(offsets[number], "n") : line(0, "f");
    return file + "trailer\n<</Size " + std::to_string(hidden + 1) + "/Root 1 0 R/XRefStm " +
           std::to_string(offsets[hidden]) + kId + ">>\nstartxref\n" + std::to_string(start) + "\n%%EOF\n";
}

PdfBuilder sample(const Shape& shape) {
    PdfBuilder pdf;
    // Numbers without large gaps, however many pages there are.
    const int first_page = 10;
    const int first_content = shape.pages > 30 ? kFirstField + 100 + static_cast<int>(shape.pages) : 40;
    std::string kids;
    std::string fields;
    for (unsigned i = 0; i < shape.pages; ++i)
        kids += std::to_string(first_page + static_cast<int>(i)) + " 0 R ";
    for (std::size_t i = 0; i < shape.fields.size(); ++i) {
        fields += std::to_string(kFirstField + static_cast<int>(i)) + " 0 R ";
        pdf.set(kFirstField + static_cast<int>(i), shape.fields[i]);
    }
    const std::string form = "<</Fields " +
                             (shape.form == AcroForm::kFieldsIndirect ? "5 0 R" : '[' + fields + ']') +
                             shape.form_entries + ">>";
    std::string catalog = "<</Type /Catalog/Pages 2 0 R" + shape.catalog_entries;
    if (shape.form == AcroForm::kDirect) catalog += "/AcroForm " + form;
    if (shape.form == AcroForm::kIndirect || shape.form == AcroForm::kFieldsIndirect) {
        catalog += "/AcroForm 4 0 R";
        pdf.set(4, form);
    }
    if (shape.form == AcroForm::kFieldsIndirect) pdf.set(5, '[' + fields + ']');
    pdf.set(1, catalog + ">>");
    pdf.set(2, "<</Type /Pages/Count " + std::to_string(shape.pages) + "/Kids [" + kids + "]/MediaBox " +
                   shape.media_box + ">>");
    pdf.set(3, "<</Type /Font/Subtype /Type1/BaseFont /Helvetica>>");
    const std::string link = "<</Type /Annot/Subtype /Link/Rect [10 10 50 20]/Border [0 0 0]>>";
    std::string annots;
    switch (shape.annots) {
        case Annots::kNone:
            break;
        case Annots::kDirect:
            annots = "/Annots[" + link + "]";
            break;
        case Annots::kIndirect:
            annots = "/Annots 6 0 R";
            pdf.set(6, '[' + link + ']');
            break;
        case Annots::kEmpty:
            annots = "/Annots 6 0 R";
            pdf.set(6, "[]");
            break;
        case Annots::kGarbage:
            annots = "/Annots 7 0 R";
            pdf.set(7, "(no array)");
            break;
    }
    for (unsigned i = 0; i < shape.pages; ++i) {
        const int number = static_cast<int>(i);
        // The link belongs to page 1; an empty array is shared.
        const std::string own = i == 0 || shape.annots == Annots::kEmpty ? annots : std::string();
        pdf.set(first_page + number,
                "<</Type /Page/Parent 2 0 R/Contents " + std::to_string(first_content + number) +
                    " 0 R/Resources <</Font <</F1 3 0 R>>>>/PieceInfo<</X[.1234567891234 -0.50]>>" +
                    shape.page_entries + own + ">>");
        pdf.set_stream(first_content + number, "",
                       "BT /F1 24 Tf 72 700 Td (Contract, page " + std::to_string(i + 1) + ") Tj ET\n");
    }
    return pdf;
}

}  // namespace sigillo::testing
