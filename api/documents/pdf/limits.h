// Every number that bounds the work on one document. Memory and time as a whole are bounded by the worker's
// process.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sigillo::pdf {

struct Limits {
    // Octets of a document. A contract with scans has tens of MiB; offsets of our xref streams have four
    // octets.
    std::uint64_t document_bytes = std::uint64_t{512} << 20;
    // Objects that a document may name: PoDoFo keeps some 100 octets for each.
    std::size_t objects = 2'000'000;
    // Pages visited to find one. The largest register we know has some tens of thousands.
    std::size_t pages = 100'000;
    // Form fields visited, all kinds. Large forms have some thousands.
    std::size_t fields = 50'000;
    // Levels of the page tree and of the field tree; producers write less than ten.
    std::size_t tree_depth = 64;
    // Arrays and dictionaries inside each other. PoDoFo copies what is inside with each level: 200 take
    // milliseconds.
    std::size_t nesting = 200;
    // Signatures in one document; each further one reads all that are there.
    std::size_t signatures = 1'000;
    // Octets of one decoded stream that we read ourselves: a CRL of a large CA has some MiB.
    std::size_t stream_bytes = std::size_t{32} << 20;
    // Octets of /Contents, in either direction: a CMS with chain and time-stamp has 6 to 12 KiB.
    std::size_t contents_bytes = std::size_t{256} << 10;
    // Visible areas of one signature, with its clauses.
    std::size_t areas = 64;
    // Octets of one image. A JPEG is embedded as it is.
    std::size_t image_bytes = std::size_t{8} << 20;
    // Pixels of a PNG, which is decoded: 2,000 x 2,000 take 32 MiB of memory, and are 600 dpi on 8 cm.
    std::size_t image_pixels = 4'000'000;
    // Points of one handwritten signature: ten seconds at 1,000 samples per second.
    std::size_t stroke_points = 10'000;
    // Octets of all text of an appearance, and of each text in the signature dictionary.
    std::size_t text_bytes = 4'096;
};

}  // namespace sigillo::pdf
