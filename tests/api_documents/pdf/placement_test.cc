#include "api/documents/pdf/placement.h"

#include <gtest/gtest.h>

namespace sigillo::pdf {
namespace {

constexpr double kMillimetre = 72 / 25.4;

TEST(Position, PointsWithoutUnitsAsTheApisWriteThem) {
    const auto rectangle = parse_position("rect: 140,44,193,53");
    ASSERT_TRUE(rectangle.has_value());
    EXPECT_EQ(*rectangle, (Rectangle{140, 44, 193, 53}));
}

TEST(Position, MillimetresAreConvertedAt72Dpi) {
    const auto rectangle = parse_position("rect: 10mm, 50mm, 110mm, 80mm");
    ASSERT_TRUE(rectangle.has_value());
    EXPECT_NEAR(rectangle->left, 10 * kMillimetre, 1e-9);
    EXPECT_NEAR(rectangle->width(), 100 * kMillimetre, 1e-9);
    EXPECT_NEAR(rectangle->height(), 30 * kMillimetre, 1e-9);
}

TEST(Position, UnitsMix) {
    const auto rectangle = parse_position("  rect :1in ,2 pt, 80.5mm,200");
    ASSERT_TRUE(rectangle.has_value());
    EXPECT_DOUBLE_EQ(rectangle->left, 72);
    EXPECT_DOUBLE_EQ(rectangle->bottom, 2);
    EXPECT_NEAR(rectangle->right, 80.5 * kMillimetre, 1e-9);
    EXPECT_DOUBLE_EQ(rectangle->top, 200);
}

TEST(Position, CornersComeInAnyOrder) {
    EXPECT_EQ(*parse_position("rect: 193, 53, 140, 44"), (Rectangle{140, 44, 193, 53}));
    EXPECT_EQ(*parse_position("rect: 140, 53, 193, 44"), (Rectangle{140, 44, 193, 53}));
}

TEST(Position, AnythingElseIsRefusedNamingThePosition) {
    for (const char* text : {"",
                             "rect",
                             "rect:",
                             "rect: 1,2,3",
                             "rect: 1,2,3,4,5",
                             "rect: 1,2,3,4,",
                             "1,2,3,4",
                             "rect 1,2,3,4",
                             "rect: 1cm,2cm,3cm,4cm",
                             "rect: a,b,c,d",
                             "rect: 1,,3,4",
                             "rect: nan,1,2,3",
                             "rect: inf,1,2,3",
                             "rect: 1e3,1,2,3",
                             "rect: 0x10,1,2,3",
                             "rect: 1000000,1,2,3",
                             "rect: 1 2,3,4,5",
                             "circle: 1,2,3,4",
                             "rect: 10MM,1,2,3",
                             "rect: 1,2,3,4 and more"}) {
        const auto rectangle = parse_position(text);
        ASSERT_FALSE(rectangle.has_value()) << text;
        EXPECT_EQ(rectangle.error().code, Errc::kInvalidArgument) << text;
        EXPECT_EQ(rectangle.error().field, "position") << text;
    }
}

TEST(Position, ARectangleWithoutAreaIsRefused) {
    const auto rectangle = parse_position("rect: 216, 117, 216, 101");
    ASSERT_FALSE(rectangle.has_value());
    EXPECT_EQ(rectangle.error().detail, "the rectangle has no area");
}

}  // namespace
}  // namespace sigillo::pdf
