// What a visible signature shows, read back by Poppler's pdftotext and pdftoppm.
#include "api/documents/pdf/appearance.h"

#include <gtest/gtest.h>
#include <png.h>

#include <cmath>
#include <cstring>
#include <sstream>

#include "api/documents/pdf/drawing/picture.h"
#include "tests/api_documents/pdf/sample_pdf.h"
#include "tests/api_documents/pdf/signing.h"

namespace sigillo::pdf {
namespace {

using testing::sample;
using testing::Shape;
using testing::Workbench;

Bytes png_of(unsigned width, unsigned height, std::uint8_t alpha) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = width;
    image.height = height;
    image.format = PNG_FORMAT_RGBA;
    Bytes pixels;
    for (unsigned i = 0; i < width * height; ++i) append(pixels, Bytes{200, 0, 0, alpha});
    png_alloc_size_t size = 0;
    png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr);
    Bytes out(size);
    png_image_write_to_memory(&image, out.data(), &size, 0, pixels.data(), 0, nullptr);
    out.resize(size);
    return out;
}

struct Colours {
    double ink = 0;  // share of pixels of the rectangle that are not white
    double red = 0;
    double blue = 0;
};

class Appearances : public ::testing::Test {
 protected:
    Appearances() {
        spec_.name = "Mario Rossi";
        spec_.rectangle = Rectangle{100, 300, 300, 360};
    }
    std::filesystem::path make(const Shape& shape = {}) {
        bench_.sign(bench_.write("in.pdf", sample(shape).table()), spec_, bench_.path("out.pdf"));
        bench_.expect_valid(bench_.path("out.pdf"), 1);
        return bench_.path("out.pdf");
    }
    std::string text_of(const std::filesystem::path& file) {
        return testing::run("pdftotext -f 1 -l 1 '" + file.string() + "' -");
    }
    // Renders page 1 as it is seen at 72 dpi, and looks at the rectangle.
    Colours look(const std::filesystem::path& file, const Rectangle& place) {
        const std::string stem = (bench_.path("page")).string();
        testing::run("pdftoppm -cropbox -r 72 -f 1 -l 1 -singlefile '" + file.string() + "' '" + stem + "'");
        const Bytes ppm = Workbench::read(stem + ".ppm");
        std::istringstream header{std::string(as_text(ppm).substr(0, 64))};
        std::string magic;
        std::size_t width = 0;
        std::size_t height = 0;
        int depth = 0;
        header >> magic >> width >> height >> depth;
        const std::size_t start = static_cast<std::size_t>(header.tellg()) + 1;
        Colours colours;
        double all = 0;
        for (auto y = static_cast<std::size_t>(static_cast<double>(height) - place.top);
             y < static_cast<std::size_t>(static_cast<double>(height) - place.bottom); ++y)
            for (auto x = static_cast<std::size_t>(place.left); x < static_cast<std::size_t>(place.right);
                 ++x) {
                const std::uint8_t* const p = &ppm[start + 3 * (y * width + x)];
                all += 1;
                if (p[0] < 240 && p[1] < 240 && p[2] < 240) colours.ink += 1;
                if (p[0] > 150 && p[1] < 110 && p[2] < 110) colours.red += 1;
                if (p[0] < 120 && p[2] > p[0] + 30) colours.blue += 1;
            }
        colours.ink /= all;
        colours.red /= all;
        colours.blue /= all;
        return colours;
    }
    SignatureSpec spec_;
    Workbench bench_;
};

TEST_F(Appearances, TextCanBeCopied) {
    spec_.reason = "Per accettazione";
    spec_.signing_time = from_unix_millis(1'795'000'000'000);
    spec_.placeholders["issuer"] = "Sigillo Demo CA";
    spec_.appearance.text.push_back(
        {.lines = {"Signed by {name}", "{reason}", "{location}", "{time}", "by {issuer} {{x}"}});
    const std::string text = text_of(make());
    EXPECT_NE(
        text.find("Signed by Mario Rossi\nPer accettazione\n2026-11-18 11:06:40 UTC\nby Sigillo Demo CA {x}"),
        std::string::npos)
        << text;
}

TEST_F(Appearances, NamesOfEveryAlphabetOfTheFontAreCopiedAsTheyWereWritten) {
    for (const char* name : {"Γιώργος Παπαδόπουλος", "Юлия Щербакова", "Nguyễn Thị Ánh", "Łukasz Żółć",
                             "Škvořilová", "O’Brien — Ünal", "Ελένη Ωνάση"}) {
        spec_.name = name;
        spec_.appearance.text = {{.lines = {"{name}"}}};
        EXPECT_NE(text_of(make()).find(name), std::string::npos) << name << '\n'
                                                                 << text_of(bench_.path("out.pdf"));
    }
}

TEST_F(Appearances, ArabicAndHebrewRunFromRightToLeft) {
    spec_.name = "محمد";
    spec_.appearance.text = {
        {.lines = {"{name}"}},
    };
    make();
    // Shaped: the letters' contextual forms are not their nominal glyphs, but the text is the same.
    EXPECT_NE(text_of(bench_.path("out.pdf")).find("محمد"), std::string::npos)
        << text_of(bench_.path("out.pdf"));
}

TEST_F(Appearances, TheFontIsEmbeddedAsASubset) {
    spec_.appearance.text.push_back({.lines = {"Signed by {name}"}});
    const std::string fonts = testing::run("pdffonts '" + make().string() + "'");
    EXPECT_NE(fonts.find("+DejaVuSans"), std::string::npos) << fonts;
    EXPECT_NE(fonts.find("CID TrueType      Identity-H       yes yes yes"), std::string::npos) << fonts;
    EXPECT_LT(std::filesystem::file_size(bench_.path("out.pdf")),
              std::filesystem::file_size(bench_.path("in.pdf")) + 2 * spec_.contents_size + 12'000);
}

TEST_F(Appearances, StandWhereTheyShouldOnEveryKindOfPage) {
    spec_.appearance.background = Colour{200, 0, 0};
    const Rectangle place{40, 60, 140, 100};
    spec_.rectangle = place;
    for (const char* entries : {"", "/Rotate 90", "/Rotate 180", "/Rotate 270", "/CropBox [100 150 500 700]",
                                "/CropBox [100 150 500 700]/Rotate 90",
                                "/CropBox [100 150 500 700]/Rotate 270", "/CropBox [-50 -50 300 500]"}) {
        const auto file = make({.page_entries = entries});
        EXPECT_GT(look(file, {place.left + 2, place.bottom + 2, place.right - 2, place.top - 2}).red, 0.99)
            << entries;
        EXPECT_LT(look(file, {0, place.bottom, place.left - 2, place.top}).red, 0.01) << entries;
        EXPECT_LT(look(file, {place.left, place.top + 2, place.right, place.top + 30}).red, 0.01) << entries;
    }
}

TEST_F(Appearances, StayUprightOnRotatedPages) {
    // A picture on the left, nothing on the right: seen from the reader's side.
    spec_.appearance.image = Image{png_of(40, 40, 255)};
    spec_.appearance.text.push_back({.lines = {"x"}, .font_size = 4, .align = HorizontalAlignment::kRight});
    spec_.rectangle = Rectangle{40, 60, 160, 100};
    for (const char* entries : {"", "/Rotate 90", "/Rotate 180", "/Rotate 270"}) {
        const auto file = make({.page_entries = entries});
        EXPECT_GT(look(file, {45, 65, 85, 95}).red, 0.6) << entries;
        EXPECT_LT(look(file, {100, 62, 158, 98}).red, 0.01) << entries;
    }
}

TEST_F(Appearances, AlphaBecomesASoftMaskAndIsLaidOnWhiteInPdfA1) {
    spec_.appearance.image = Image{png_of(40, 40, 128)};
    make();
    EXPECT_NE(as_text(Workbench::read(bench_.path("out.pdf"))).find("/SMask"), std::string::npos);
    testing::PdfBuilder pdf = sample({.catalog_entries = "/Metadata 60 0 R"});
    pdf.set_stream(60, "/Type /Metadata/Subtype /XML", "<rdf pdfaid:part=\"1\" pdfaid:conformance=\"B\"/>");
    bench_.sign(bench_.write("a1.pdf", pdf.table()), spec_, bench_.path("a1_out.pdf"));
    EXPECT_EQ(as_text(Workbench::read(bench_.path("a1_out.pdf"))).find("/SMask"), std::string::npos);
}

TEST_F(Appearances, AFieldForLaterHasAnAppearanceInPdfAAlone) {
    spec_.rectangle.reset();
    spec_.later_fields.push_back({"Later", 1, {100, 300, 300, 360}});
    make();
    EXPECT_EQ(as_text(Workbench::read(bench_.path("out.pdf"))).find("/AP"), std::string::npos);
    testing::PdfBuilder pdf = sample({.catalog_entries = "/Metadata 60 0 R"});
    pdf.set_stream(60, "/Type /Metadata/Subtype /XML", "<rdf pdfaid:part=\"2\" pdfaid:conformance=\"B\"/>");
    bench_.sign(bench_.write("a2.pdf", pdf.table()), spec_, bench_.path("a2_out.pdf"));
    EXPECT_NE(as_text(Workbench::read(bench_.path("a2_out.pdf"))).find("/AP"), std::string::npos);
}

TEST_F(Appearances, HandwritingIsDrawn) {
    Stroke stroke;
    for (int i = 0; i < 200; ++i) {
        const auto t = static_cast<float>(i) / 20;
        stroke.push_back({t * 30, 40 * std::sin(t), 0.5F + 0.4F * std::sin(t / 2)});
    }
    spec_.appearance.handwriting = Handwriting{{stroke, {{10, 10, 0.5F}}}};
    const auto file = make();
    EXPECT_GT(look(file, *spec_.rectangle).blue, 0.02);
    spec_.appearance.handwriting->strokes = {{}};
    const auto none = bench_.prepare(bench_.path("in.pdf"), spec_, bench_.path("none.pdf"));
    ASSERT_FALSE(none.has_value());
    EXPECT_EQ(none.error().field, "handwriting");
}

TEST_F(Appearances, TextAlwaysFitsItsRectangle) {
    // The APIs' own example: three lines of "50" points in 53 x 9 points.
    const Rectangle place{140, 44, 193, 53};
    spec_.rectangle = place;
    spec_.appearance.text.push_back({.lines = {"Firmato elettronicamente", "da {name}", "in data 23/11/2026"},
                                     .font_size = 50,
                                     .align = HorizontalAlignment::kMiddle});
    const auto file = make();
    EXPECT_GT(look(file, place).ink, 0.05);
    for (const Rectangle& around :
         {Rectangle{100, 40, 139, 60}, Rectangle{194, 40, 250, 60}, Rectangle{100, 54, 250, 70}})
        EXPECT_EQ(look(file, around).ink, 0);
}

TEST_F(Appearances, LinesEndAtSpacesButNotAtNoBreakSpaces) {
    spec_.rectangle = Rectangle{100, 300, 184, 360};
    spec_.appearance.text.push_back({.lines = {"aaaa bbbb cccc\u00a0dddd"}});
    EXPECT_NE(text_of(make()).find("aaaa bbbb\ncccc dddd\n"), std::string::npos)
        << text_of(bench_.path("out.pdf"));
}

TEST_F(Appearances, APictureTakesNoMoreRoomThanItFills) {
    spec_.appearance.image = Image{png_of(10, 40, 255)};
    spec_.appearance.text.push_back({.lines = {"MMMMMMMMMM"}, .font_size = 40});
    // 200 x 60 points: the image is 13 wide, where a share of 40 % would be 77.
    spec_.appearance.picture_place = PicturePlace::kLeft;
    EXPECT_GT(look(make(), {128, 302, 180, 358}).ink, 0.05);
    spec_.appearance.picture_place = PicturePlace::kRight;
    EXPECT_GT(look(make(), {220, 302, 265, 358}).ink, 0.05);
    EXPECT_GT(look(bench_.path("out.pdf"), {285, 310, 294, 350}).red, 0.6);
    // Seen from above: 192 x 8 points of picture, where a share of 60 % would be 31 high.
    spec_.appearance.image = Image{png_of(240, 10, 255)};
    spec_.appearance.picture_place = PicturePlace::kAbove;
    EXPECT_GT(look(make(), {110, 349, 290, 354}).red, 0.9);
    EXPECT_GT(look(bench_.path("out.pdf"), {110, 325, 290, 340}).ink, 0.02);
}

TEST_F(Appearances, ImagesThatAreBrokenOrTooLargeAreRefused) {
    const auto error_of = [&](Bytes image, const Limits& limits = {}) {
        spec_.appearance.image = Image{std::move(image)};
        bench_.write("in.pdf", sample().table());
        const auto prepared = bench_.prepare(bench_.path("in.pdf"), spec_, bench_.path("out.pdf"), limits);
        EXPECT_FALSE(prepared.has_value());
        return prepared ? Error{} : prepared.error();
    };
    Bytes png = png_of(64, 64, 255);
    png.resize(png.size() / 2);
    EXPECT_EQ(error_of(png).field, "image");
    EXPECT_EQ(error_of(Bytes{0xFF, 0xD8, 0xFF}).field, "image");
    Limits limits;
    limits.image_pixels = 1'000;
    EXPECT_EQ(error_of(png_of(64, 64, 255), limits).code, Errc::kLimitExceeded);
    limits.image_bytes = 10;
    EXPECT_EQ(error_of(png_of(64, 64, 255), limits).code, Errc::kLimitExceeded);
}

Bytes jpeg_header(std::uint8_t orientation, std::uint8_t components) {
    Bytes jpeg{0xFF, 0xD8, 0xFF, 0xE1, 0, 34};
    append(jpeg, std::string_view("Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 25));
    append(jpeg, Bytes{orientation, 0, 0, 0, 0, 0, 0});
    append(jpeg, Bytes{0xFF, 0xC0, 0, 8, 8, 1, 0, 2, 0, components});
    append(jpeg, Bytes{0xFF, 0xDA, 0, 2});
    return jpeg;
}

TEST(Jpeg, HeadersSaySizeColoursAndOrientation) {
    const auto header = read_jpeg_header(jpeg_header(6, 3));
    ASSERT_TRUE(header.has_value()) << header.error().detail;
    EXPECT_EQ(header->width, 512U);
    EXPECT_EQ(header->height, 256U);
    EXPECT_EQ(header->components, 3U);
    EXPECT_EQ(header->orientation, 6U);
    EXPECT_FALSE(read_jpeg_header(jpeg_header(1, 2)).has_value());
    const Bytes whole = jpeg_header(6, 3);
    for (std::size_t size = 0; size + 14 < whole.size(); ++size)
        EXPECT_FALSE(read_jpeg_header(ByteView(whole).first(size)).has_value()) << size;
}

}  // namespace
}  // namespace sigillo::pdf
