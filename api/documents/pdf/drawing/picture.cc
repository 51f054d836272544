#include "api/documents/pdf/drawing/picture.h"

#include <png.h>

#include <cstring>
#include <utility>

namespace sigillo::pdf {
namespace {

constexpr std::size_t kChannels = 4;  // RGBA

std::unexpected<Error> broken(const std::string& why) {
    return fail(Errc::kInvalidArgument, why, "image");
}

std::string entries(std::size_t width, std::size_t height, const char* space) {
    return "/Type /XObject/Subtype /Image/Width " + std::to_string(width) + "/Height " +
           std::to_string(height) + "/BitsPerComponent 8/ColorSpace /" + space;
}

// EXIF orientations 1 to 8 as matrices of the unit square (y upwards).
constexpr std::array<std::array<double, 6>, 8> kUpright{{{1, 0, 0, 1, 0, 0},
                                                         {-1, 0, 0, 1, 1, 0},
                                                         {-1, 0, 0, -1, 1, 1},
                                                         {1, 0, 0, -1, 0, 1},
                                                         {0, -1, -1, 0, 1, 1},
                                                         {0, -1, 1, 0, 0, 1},
                                                         {0, 1, 1, 0, 0, 0},
                                                         {0, 1, -1, 0, 1, 0}}};

Result<Picture> put_jpeg(ByteView jpeg, Revision& revision) {
    SIGILLO_ASSIGN(const JpegHeader header, read_jpeg_header(jpeg));
    const char* const space = header.components == 1   ? "DeviceGray"
                              : header.components == 3 ? "DeviceRGB"
                                                       : "DeviceCMYK";
    Picture picture;
    picture.object = revision.allocate();
    picture.upright = kUpright[header.orientation - 1];
    picture.width = header.width;
    picture.height = header.height;
    if (header.orientation > 4) std::swap(picture.width, picture.height);
    revision.put_stream(picture.object,
                        entries(header.width, header.height, space) + "/Filter /DCTDecode" +
                            (header.inverted_cmyk ? "/Decode [1 0 1 0 1 0 1 0]" : ""),
                        jpeg);
    return picture;
}

struct Pixels {
    std::size_t width = 0;
    std::size_t height = 0;
    Bytes rgba;
    bool opaque = true;
    bool grey = true;
};

Result<Pixels> decode_png(ByteView png, const Limits& limits) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    if (png_image_begin_read_from_memory(&image, png.data(), png.size()) == 0)
        return broken(std::string("the PNG image is broken: ") + image.message);
    if (image.width == 0 || image.height == 0 || image.width > limits.image_pixels / image.height) {
        png_image_free(&image);
        return fail(Errc::kLimitExceeded,
                    "the PNG image has more than " + std::to_string(limits.image_pixels) + " pixels",
                    "image");
    }
    Pixels pixels{image.width, image.height, Bytes(std::size_t{image.width} * image.height * kChannels)};
    image.format = PNG_FORMAT_RGBA;
    if (png_image_finish_read(&image, nullptr, pixels.rgba.data(), 0, nullptr) == 0) {
        const std::string message = image.message;
        png_image_free(&image);
        return broken("the PNG image is broken: " + message);
    }
    for (std::size_t i = 0; i < pixels.rgba.size(); i += kChannels) {
        const std::uint8_t* const p = &pixels.rgba[i];
        pixels.opaque = pixels.opaque && p[3] == 255;
        pixels.grey = pixels.grey && p[0] == p[1] && p[1] == p[2];
    }
    return pixels;
}

std::uint8_t on_white(std::uint8_t colour, std::uint8_t alpha) {
    return static_cast<std::uint8_t>((colour * alpha + 255 * (255 - alpha) + 127) / 255);
}

Result<Picture> put_png(ByteView png, Transparency transparency, const Limits& limits, Revision& revision) {
    SIGILLO_ASSIGN(const Pixels pixels, decode_png(png, limits));
    const bool flatten = !pixels.opaque && transparency == Transparency::kForbidden;
    const bool masked = !pixels.opaque && !flatten;
    const std::size_t colours = pixels.grey ? 1 : 3;
    Bytes colour;
    Bytes alpha;
    colour.reserve(pixels.width * pixels.height * colours);
    if (masked) alpha.reserve(pixels.width * pixels.height);
    for (std::size_t i = 0; i < pixels.rgba.size(); i += kChannels) {
        const std::uint8_t a = pixels.rgba[i + 3];
        for (std::size_t c = 0; c < colours; ++c)
            colour.push_back(flatten ? on_white(pixels.rgba[i + c], a) : pixels.rgba[i + c]);
        if (masked) alpha.push_back(a);
    }
    Picture picture;
    picture.object = revision.allocate();
    picture.width = static_cast<double>(pixels.width);
    picture.height = static_cast<double>(pixels.height);
    std::string own = entries(pixels.width, pixels.height, pixels.grey ? "DeviceGray" : "DeviceRGB");
    if (masked) {
        const Reference mask = revision.allocate();
        SIGILLO_TRY(revision.put_deflated(mask, entries(pixels.width, pixels.height, "DeviceGray"), alpha));
        own += "/SMask " + to_source(mask);
    }
    SIGILLO_TRY(revision.put_deflated(picture.object, own, colour));
    return picture;
}

}  // namespace

Result<Picture> put_picture(ByteView image, Transparency transparency, const Limits& limits,
                            Revision& revision) {
    if (image.size() > limits.image_bytes)
        return fail(Errc::kLimitExceeded,
                    "the image has more than " + std::to_string(limits.image_bytes) + " octets", "image");
    if (as_text(image).starts_with("\x89PNG")) return put_png(image, transparency, limits, revision);
    if (as_text(image).starts_with("\xFF\xD8")) return put_jpeg(image, revision);
    return broken("the image is neither PNG nor JPEG");
}

}  // namespace sigillo::pdf
