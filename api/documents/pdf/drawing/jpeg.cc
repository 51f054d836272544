#include <algorithm>

#include "api/documents/pdf/drawing/picture.h"

namespace sigillo::pdf {
namespace {

constexpr std::uint8_t kStartOfImage = 0xD8;
constexpr std::uint8_t kEndOfImage = 0xD9;
constexpr std::uint8_t kStartOfScan = 0xDA;
constexpr std::uint8_t kApp1 = 0xE1;
constexpr std::uint8_t kApp14 = 0xEE;

std::unexpected<Error> broken(const char* why) {
    return fail(Errc::kInvalidArgument, why, "image");
}

bool is_frame(std::uint8_t marker) {
    // SOF0 to SOF15 without DHT, JPG and DAC.
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// TIFF in APP1: tag 0x0112 of the first directory. 1 where there is none.
unsigned orientation_of(ByteView segment) {
    const std::string_view text = as_text(segment);
    if (!text.starts_with(std::string_view("Exif\0\0", 6)) || segment.size() < 14) return 1;
    const ByteView tiff = segment.subspan(6);
    const bool little = tiff[0] == 'I';
    const auto u16 = [&](std::size_t at) -> unsigned {
        if (at + 2 > tiff.size()) return 0;
        return little ? tiff[at] | static_cast<unsigned>(tiff[at + 1]) << 8 : read_u16(tiff.subspan(at));
    };
    const std::size_t directory = little ? u16(4) | static_cast<std::size_t>(u16(6)) << 16
                                         : static_cast<std::size_t>(u16(4)) << 16 | u16(6);
    if (directory > tiff.size()) return 1;
    const unsigned entries = u16(directory);
    for (unsigned i = 0; i < entries; ++i) {
        const std::size_t entry = directory + 2 + std::size_t{12} * i;
        if (entry + 12 > tiff.size()) break;
        if (u16(entry) == 0x0112) {
            const unsigned value = u16(entry + 8);
            return value >= 1 && value <= 8 ? value : 1;
        }
    }
    return 1;
}

Status read_frame(ByteView segment, JpegHeader& header) {
    if (segment.size() < 6) return broken("the JPEG image is broken");
    if (segment[0] != 8) return broken("the JPEG image has more than eight bits a colour");
    header.height = read_u16(segment.subspan(1));
    header.width = read_u16(segment.subspan(3));
    header.components = segment[5];
    if (header.width == 0 || header.height == 0) return broken("the JPEG image has no size");
    if (header.components != 1 && header.components != 3 && header.components != 4)
        return broken("the JPEG image is neither grey nor RGB nor CMYK");
    return {};
}

}  // namespace

Result<JpegHeader> read_jpeg_header(ByteView jpeg) {
    JpegHeader header;
    bool adobe = false;
    if (jpeg.size() < 4 || jpeg[0] != 0xFF || jpeg[1] != kStartOfImage) return broken("the image is no JPEG");
    std::size_t at = 2;
    while (at + 4 <= jpeg.size()) {
        if (jpeg[at] != 0xFF) return broken("the JPEG image is broken");
        const std::uint8_t marker = jpeg[at + 1];
        if (marker == 0xFF) {
            ++at;
            continue;
        }
        if (marker == kEndOfImage) break;
        const std::size_t length = read_u16(jpeg.subspan(at + 2));
        if (length < 2 || at + 2 + length > jpeg.size()) return broken("the JPEG image is cut off");
        const ByteView segment = jpeg.subspan(at + 4, length - 2);
        // Baseline, extended and progressive: what DCTDecode knows (ISO 32000-1 §7.4.8).
        if (is_frame(marker) && marker > 0xC2)
            return broken("the JPEG image is of a kind that PDF does not know");
        if (is_frame(marker)) SIGILLO_TRY(read_frame(segment, header));
        if (marker == kApp1) header.orientation = std::max(header.orientation, orientation_of(segment));
        if (marker == kApp14 && as_text(segment).starts_with("Adobe")) adobe = true;
        if (marker == kStartOfScan) break;
        at += 2 + length;
    }
    if (header.components == 0) return broken("the JPEG image has no frame");
    header.inverted_cmyk = adobe && header.components == 4;
    return header;
}

}  // namespace sigillo::pdf
