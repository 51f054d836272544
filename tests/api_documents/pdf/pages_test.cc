// Where a rectangle of the visible page lies in user space.
#include "api/documents/pdf/pages.h"

#include <gtest/gtest.h>

#include "tests/api_documents/pdf/sample_pdf.h"

namespace sigillo::pdf {
namespace {

using testing::sample;
using testing::Shape;

Result<Page> page_of(const Shape& shape, unsigned number = 1) {
    static std::vector<std::string> files;
    files.push_back(sample(shape).table());
    static std::vector<std::unique_ptr<Document>> open;
    open.push_back(Document::open(as_bytes(files.emplace_back(files.back())), Limits()).value());
    return find_page(*open.back(), number);
}

void expect_box(const Result<Box>& box, double x0, double y0, double x1, double y1) {
    ASSERT_TRUE(box.has_value()) << box.error().detail;
    EXPECT_NEAR(box->x0, x0, 1e-9);
    EXPECT_NEAR(box->y0, y0, 1e-9);
    EXPECT_NEAR(box->x1, x1, 1e-9);
    EXPECT_NEAR(box->y1, y1, 1e-9);
}

constexpr Rectangle kPlace{10, 20, 110, 50};

TEST(Pages, UprightAndCropped) {
    const auto page = page_of({.page_entries = "/CropBox [100 200 400 700]", .media_box = "[0 0 600 800]"});
    ASSERT_TRUE(page.has_value());
    EXPECT_DOUBLE_EQ(page->width(), 300);
    EXPECT_DOUBLE_EQ(page->height(), 500);
    expect_box(page->place(kPlace), 110, 220, 210, 250);
}

TEST(Pages, RotatedPagesAreMeasuredAsTheyAreSeen) {
    // 600 wide and 800 high in user space.
    const auto quarter = page_of({.page_entries = "/Rotate 90", .media_box = "[0 0 600 800]"});
    EXPECT_DOUBLE_EQ(quarter->width(), 800);
    EXPECT_DOUBLE_EQ(quarter->height(), 600);
    expect_box(quarter->place(kPlace), 550, 10, 580, 110);
    const auto half = page_of({.page_entries = "/Rotate 180", .media_box = "[0 0 600 800]"});
    expect_box(half->place(kPlace), 490, 750, 590, 780);
    const auto back = page_of({.page_entries = "/Rotate -90", .media_box = "[0 0 600 800]"});
    EXPECT_EQ(back->rotation, 270);
    expect_box(back->place(kPlace), 20, 690, 50, 790);
}

TEST(Pages, UserUnitsAreLargerThanPoints) {
    const auto page = page_of({.page_entries = "/UserUnit 2.0", .media_box = "[0 0 600 800]"});
    EXPECT_DOUBLE_EQ(page->width(), 1200);
    expect_box(page->place(kPlace), 5, 10, 55, 25);
}

TEST(Pages, BoxesComeWithTheirCornersInAnyOrder) {
    const auto page = page_of({.page_entries = "/CropBox [400 700 100 200]", .media_box = "[600 800 0 0]"});
    EXPECT_DOUBLE_EQ(page->width(), 300);
}

TEST(Pages, ACropBoxOutsideOfThePageIsNone) {
    const auto page =
        page_of({.page_entries = "/CropBox [1000 1000 1100 1100]", .media_box = "[0 0 600 800]"});
    EXPECT_DOUBLE_EQ(page->width(), 600);
}

TEST(Pages, BrokenBoxesFallBackToLetter) {
    EXPECT_DOUBLE_EQ(page_of({.media_box = "[0 0 (x) 800]"})->width(), 612);
    EXPECT_DOUBLE_EQ(page_of({.media_box = "[0 0 0 800]"})->width(), 612);
    EXPECT_DOUBLE_EQ(page_of({.media_box = "7"})->width(), 612);
}

TEST(Pages, ARectangleOutsideIsRefused) {
    const auto page = page_of({.media_box = "[0 0 600 800]"});
    for (const Rectangle& outside : {Rectangle{-1, 0, 10, 10}, Rectangle{0, -1, 10, 10},
                                     Rectangle{0, 0, 601, 10}, Rectangle{0, 0, 10, 801}}) {
        const auto box = page->place(outside);
        ASSERT_FALSE(box.has_value());
        EXPECT_EQ(box.error().field, "position");
    }
}

}  // namespace
}  // namespace sigillo::pdf
