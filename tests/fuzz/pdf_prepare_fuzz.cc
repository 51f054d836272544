// Objects of strangers in a sound file: page, catalog's entries, form, fields, signature, store. What our
// code makes of them, with PoDoFo between. The input is the objects' sources, each behind a NUL.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "api/documents/pdf/inspect.h"
#include "api/documents/pdf/prepare.h"
#include "appliance/base/file.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;

namespace {

// 1 catalog, 2 page tree, 3 page, 4 form, 5 to 9 whatever these refer to.
constexpr std::array<std::string_view, 9> kSound{
    "<</Type /Catalog/Pages 2 0 R/AcroForm 4 0 R/DSS 7 0 R>>",
    "<</Type /Pages/Count 1/Kids [3 0 R]>>",
    "<</Type /Page/MediaBox [0 0 600 800]/Annots 8 0 R>>",
    "<</Fields [5 0 R 6 0 R]/SigFlags 3>>",
    "<</FT /Sig/T (empty)/Rect [0 0 9 9]/P 3 0 R>>",
    "<</FT /Sig/T (signed)/V <</Contents <30>/ByteRange [0 1 5 9]>>>>",
    "<</Certs [9 0 R]>>",
    "[5 0 R]",
    "<</Length 3>>\nstream\nabc\nendstream"};

std::string file_of(std::string_view input) {
    std::string file = "%PDF-1.7\n";
    std::array<std::size_t, kSound.size()> offsets{};
    for (std::size_t i = 0; i < kSound.size(); ++i) {
        const std::size_t end = std::min(input.find('\0'), input.size());
        const std::string_view own = input.substr(0, end);
        input.remove_prefix(std::min(end + 1, input.size()));
        offsets[i] = file.size();
        file +=
            std::to_string(i + 1) + " 0 obj\n" + std::string(own.empty() ? kSound[i] : own) + "\nendobj\n";
    }
    const std::size_t start = file.size();
    file += "xref\n0 10\n0000000000 65535 f \n";
    for (const std::size_t offset : offsets) {
        std::array<char, 32> line{};
        std::snprintf(line.data(), line.size(), "%010zu 00000 n \n", offset);
        file += line.data();
    }
    return file + "trailer\n<</Size 10/Root 1 0 R>>\nstartxref\n" + std::to_string(start) + "\n%%EOF\n";
}

UniqueFd memory_file(std::string_view text) {
    UniqueFd fd(::memfd_create("fuzz", MFD_CLOEXEC));
    FUZZ_CHECK(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    return fd;
}

}  // namespace

FUZZ_TARGET(input) {
    if (input.size() > 16'384) return;
    pdf::Limits limits;
    limits.nesting = 60;
    limits.stream_bytes = 1 << 20;
    const UniqueFd in = memory_file(file_of(as_text(input)));
    const UniqueFd out = memory_file("");
    pdf::SignatureSpec spec;
    spec.contents_size = 1'024;
    spec.rectangle = pdf::Rectangle{10, 10, 60, 40};
    spec.appearance.background = pdf::Colour{1, 2, 3};
    const auto prepared = pdf::prepare_signature(in.get(), spec, {}, limits, out.get());
    if (prepared) {
        // What was prepared can be read, and its gap is empty.
        FUZZ_CHECK(pdf::embed_signature(out.get(), prepared->gap, Bytes{0x30, 0x00}).has_value());
        FUZZ_CHECK(prepared->byte_range[2] + prepared->byte_range[3] ==
                   static_cast<std::uint64_t>(::lseek(out.get(), 0, SEEK_END)));
    }
    spec.rectangle.reset();
    spec.field_use = pdf::FieldUse::kExisting;
    spec.field_name = "empty";
    (void)pdf::prepare_signature(in.get(), spec, {}, limits, out.get());
    const auto info = pdf::inspect(in.get(), limits);
    if (!info) return;
    std::vector<pdf::SignatureValidationData> signatures;
    for (const pdf::SignatureInfo& signature : info->signatures)
        signatures.push_back({signature.vri_key, {{Bytes{1, 2}}, {Bytes{3}}, {}}, std::nullopt});
    (void)pdf::add_validation_data(in.get(), {{Bytes{9}}, {}, {}}, signatures, limits, out.get());
}
