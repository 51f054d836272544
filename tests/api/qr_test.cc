#include "api/v1/qr.h"

#include <gtest/gtest.h>
#include <qrencode.h>

#include <memory>
#include <regex>
#include <vector>

namespace sigillo::api::v1 {
namespace {

constexpr int kQuietZone = 4;

struct Picture {
    int width = 0;
    std::vector<std::vector<bool>> dark;  // rows
};

// Draws the path of dark rectangles again.
Picture draw(const std::string& svg) {
    Picture picture;
    std::smatch found;
    if (!std::regex_search(svg, found, std::regex(R"(viewBox='0 0 (\d+) (\d+)')")) || found[1] != found[2])
        return picture;
    picture.width = std::stoi(found[1]);
    const auto width = static_cast<std::size_t>(picture.width);
    picture.dark.assign(width, std::vector<bool>(width));
    const std::regex rectangle(R"(M(\d+) (\d+)h(\d+)v1h-(\d+)z)");
    const std::string path = svg.substr(svg.rfind("<path"));
    for (std::sregex_iterator it(path.begin(), path.end(), rectangle), end; it != end; ++it)
        for (int i = 0; i < std::stoi((*it)[3]); ++i)
            picture.dark.at(static_cast<std::size_t>(std::stoi((*it)[2])))
                .at(static_cast<std::size_t>(std::stoi((*it)[1]) + i)) = true;
    return picture;
}

TEST(QrSvg, shows_every_module_of_the_code_inside_its_quiet_zone) {
    const std::string uri =
        "otpauth://totp/"
        "Sigillo:0b8e4c1f?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Sigillo&algorithm=SHA1"
        "&digits=6&period=30";
    const auto svg = qr_svg(uri);
    ASSERT_TRUE(svg);
    const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
        QRcode_encodeString8bit(uri.c_str(), 0, QR_ECLEVEL_M), &QRcode_free);
    ASSERT_NE(code, nullptr);
    const Picture picture = draw(*svg);
    ASSERT_EQ(picture.width, code->width + 2 * kQuietZone);
    for (int y = 0; y < picture.width; ++y)
        for (int x = 0; x < picture.width; ++x) {
            const int row = y - kQuietZone;
            const int column = x - kQuietZone;
            const bool inside = row >= 0 && row < code->width && column >= 0 && column < code->width;
            const bool dark = inside && (code->data[row * code->width + column] & 1) != 0;
            ASSERT_EQ(picture.dark.at(static_cast<std::size_t>(y)).at(static_cast<std::size_t>(x)), dark)
                << x << ' ' << y;
        }
}

TEST(QrSvg, needs_no_escaping_in_json_and_holds_no_text) {
    const auto svg = qr_svg("otpauth://totp/x?secret=JBSWY3DP");
    ASSERT_TRUE(svg);
    EXPECT_EQ(svg->find('"'), std::string::npos);
    EXPECT_EQ(svg->find('\\'), std::string::npos);
    EXPECT_EQ(svg->find("JBSWY3DP"), std::string::npos);
    EXPECT_EQ(svg->find("<svg "), 0U);
    EXPECT_EQ(svg->rfind("</svg>"), svg->size() - 6);
}

TEST(QrSvg, is_bounded_by_what_a_qr_code_holds) {
    EXPECT_TRUE(qr_svg(std::string(2'331, 'x')));
    const auto refused = qr_svg(std::string(2'332, 'x'));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kLimitExceeded);
    EXPECT_FALSE(qr_svg(""));
}

}  // namespace
}  // namespace sigillo::api::v1
