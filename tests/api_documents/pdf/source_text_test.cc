#include "api/documents/pdf/source_text.h"

#include <gtest/gtest.h>

#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

TEST(DictionaryText, EverythingButTheChangeStaysAsItWas) {
    const std::string before =
        "<< /Type/Page % a comment with >> in it\n/MediaBox[0 0 .1234567891234 "
        "841.8900]/X(a\\)(b)>>)/Y<</Z[<<>>]>> >>";
    auto text = DictionaryText::parse(before + " endobj");
    ASSERT_TRUE(text.has_value());
    EXPECT_EQ(text->text(), before);
    text->set("Annots", "[7 0 R]");
    EXPECT_EQ(text->text(), before.substr(0, before.size() - 2) + "/Annots [7 0 R]\n>>");
    EXPECT_EQ(*text->find("MediaBox"), "[0 0 .1234567891234 841.8900]");
    EXPECT_EQ(*text->find("X"), "(a\\)(b)>>)");
}

TEST(DictionaryText, ValuesAreReplacedInTheirPlace) {
    auto text = DictionaryText::parse("<</A 1/B 12 0 R/C/D>>");
    ASSERT_TRUE(text.has_value());
    EXPECT_EQ(*text->find("B"), "12 0 R");
    text->set("A", "3");
    text->set("C", "(x)");
    EXPECT_EQ(text->text(), "<</A  3 /B 12 0 R/C (x) >>");
    EXPECT_EQ(*text->find("C"), "(x)");
    EXPECT_EQ(*text->find("B"), "12 0 R");
}

TEST(DictionaryText, NumbersBesideEachOtherAreNoReference) {
    const auto text = DictionaryText::parse("<</A [1 2 3 0 R 4]/B 5/C 6 0 R>>");
    ASSERT_TRUE(text.has_value());
    EXPECT_EQ(*text->find("B"), "5");
    EXPECT_EQ(*text->find("A"), "[1 2 3 0 R 4]");
}

TEST(DictionaryText, NamesAreReadThroughTheirEscapes) {
    const auto text = DictionaryText::parse("<</An#6eots 1>>");
    ASSERT_TRUE(text.has_value());
    EXPECT_TRUE(text->find("Annots").has_value());
}

TEST(DictionaryText, OfAKeyThatStandsTwiceTheLastCounts) {
    EXPECT_EQ(*DictionaryText::parse("<</A 1/A 2>>")->find("A"), "2");
}

TEST(DictionaryText, WhatIsBrokenIsRefused) {
    for (const char* text : {"", "<<", "[1]", "<</A>>", "<</A 1", "<</A (x>>", "<</A <12>>", "<</A [1>>]",
                             "<<1 2>>", "<</A 1]>>", "<</A>", "<</A ) >>", "<</A {>>"})
        EXPECT_FALSE(DictionaryText::parse(text).has_value()) << text;
}

TEST(DictionaryText, DepthIsNoRecursion) {
    const std::string deep(2'000'000, '[');
    EXPECT_FALSE(DictionaryText::parse("<</A " + deep + ">>").has_value());
    EXPECT_TRUE(DictionaryText::parse("<</A " + deep + std::string(2'000'000, ']') + ">>").has_value());
}

TEST(ArrayText, ElementsComeAtTheEnd) {
    EXPECT_EQ(*array_with("[1 0 R] endobj", {"2 0 R", "3 0 R"}), "[1 0 R\n2 0 R\n3 0 R]");
    EXPECT_EQ(*array_with(" % x\n[]", {"2 0 R"}), "[\n2 0 R]");
    // A comment at the end must not swallow what follows.
    EXPECT_EQ(*array_with("[1 0 R %c\n]", {"2 0 R"}), "[1 0 R %c\n\n2 0 R]");
    EXPECT_FALSE(array_with("<<>>", {"2 0 R"}).has_value());
}

TEST(TextString, AsciiIsLiteralAndAllElseUtf16) {
    EXPECT_EQ(text_string("Per (accettazione)\\"), "(Per \\(accettazione\\)\\\\)");
    EXPECT_EQ(text_string("\xC3\xA8"), "<feff00e8>");
    EXPECT_EQ(text_string("\xF0\x9F\x96\x8B"), "<feffd83ddd8b>");
    EXPECT_EQ(text_string("a\nb"), "<feff0061000a0062>");
}

TEST(TextString, ComesBackFromEveryEncoding) {
    EXPECT_EQ(decode_text_string(Bytes{0xFE, 0xFF, 0xD8, 0x3D, 0xDD, 0x8B}), "\xF0\x9F\x96\x8B");
    EXPECT_EQ(decode_text_string(Bytes{0xEF, 0xBB, 0xBF, 0xC3, 0xA8}), "\xC3\xA8");
    EXPECT_EQ(decode_text_string(Bytes{'a', 0xE8, 0x80, 0xA0}), "a\xC3\xA8\xE2\x80\xA2\xE2\x82\xAC");
    // A surrogate without its other half.
    EXPECT_EQ(decode_text_string(Bytes{0xFE, 0xFF, 0xD8, 0x3D}), "\xEF\xBF\xBD");
}

TEST(TextString, WhatIsNoUtf8IsSeen) {
    for (const char* text :
         {"\xFF", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\x80"})
        EXPECT_FALSE(from_utf8(text).has_value());
    EXPECT_EQ(to_utf8(*from_utf8("a\xC3\xA8\xE2\x82\xAC\xF0\x9F\x96\x8B")),
              "a\xC3\xA8\xE2\x82\xAC\xF0\x9F\x96\x8B");
}

TEST(Number, IsShortAndNeverInExponents) {
    EXPECT_EQ(number(12), "12");
    EXPECT_EQ(number(0.5), "0.5");
    EXPECT_EQ(number(-0.00001), "0");
    EXPECT_EQ(real(0.1234567891234), "0.1234567891234");
    EXPECT_EQ(real(5), "5.0");
    EXPECT_EQ(real(1e-10), "0.0000000001");
}

}  // namespace
}  // namespace sigillo::pdf
