#include <gtest/gtest.h>

#include "api/json/decode.h"
#include "api/json/reader.h"
#include "api/json/writer.h"

namespace sigillo::api::json {
namespace {

std::string refusal(std::string_view text) {
    const auto value = decode(text);
    return value ? "accepted" : value.error().detail;
}

std::string nested(int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
}

TEST(JsonDecode, reads_every_kind_of_value) {
    const auto value =
        decode(R"({"s":"x\u00e9\n","i":-7,"b":true,"n":null,"a":[1,"2"],"o":{"k":9007199254740991}})");
    ASSERT_TRUE(value) << value.error().detail;
    const auto& object = *value->object();
    EXPECT_EQ(*find(object, "s")->string(), "x\xc3\xa9\n");
    EXPECT_EQ(*find(object, "i")->integer(), -7);
    EXPECT_TRUE(*find(object, "b")->boolean());
    EXPECT_TRUE(find(object, "n")->is_null());
    EXPECT_EQ(find(object, "a")->array()->size(), 2U);
    EXPECT_EQ(*find(*find(object, "o")->object(), "k")->integer(), 9007199254740991);
    EXPECT_EQ(find(object, "absent"), nullptr);
}

TEST(JsonDecode, nesting_beyond_the_limit_is_refused_and_a_million_levels_do_no_harm) {
    EXPECT_EQ(refusal(nested(6)), "accepted");
    EXPECT_EQ(refusal(nested(7)), "the body is not acceptable JSON: nested deeper than 6 levels");
    EXPECT_EQ(refusal(std::string(1'000'000, '[')),
              "the body is not acceptable JSON: nested deeper than 6 levels");
}

TEST(JsonDecode, a_duplicate_key_is_refused_by_name_wherever_it_stands) {
    EXPECT_EQ(refusal(R"({"a":1,"a":1})"), "the body is not acceptable JSON: a key is given twice");
    EXPECT_EQ(decode(R"({"x":{"SAD":"1","\u0053AD":"2"}})").error().field, "SAD");
    EXPECT_EQ(refusal(R"([{"a":1},{"a":2}])"), "accepted");
}

TEST(JsonDecode, numbers_are_whole_and_below_2_to_the_53) {
    constexpr auto kText = "the body is not acceptable JSON: numbers must be whole and below 2^53";
    for (const auto* text : {"9007199254740992", "-9007199254740992", "18446744073709551615", "1e3", "1.0",
                             "0.5", "-0.0", "123456789012345678901234567890", "1e400"})
        EXPECT_NE(refusal(text), "accepted") << text;
    EXPECT_EQ(refusal("9007199254740992"), kText);
    EXPECT_EQ(refusal("1.5"), kText);
    EXPECT_EQ(refusal("-9007199254740991"), "accepted");
}

TEST(JsonDecode, invalid_utf8_is_refused_with_its_place) {
    EXPECT_EQ(refusal("\"a\xff\""), "the body is not acceptable JSON: invalid UTF-8 at byte 3");
    for (const auto* text : {"\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"",
                             "\"\x80\"", "\"\xf0\x8f\x80\x80\""})
        EXPECT_NE(refusal(text).find("invalid UTF-8"), std::string::npos);
    EXPECT_EQ(refusal("\"\xf4\x8f\xbf\xbf \xef\xbf\xbf \xc2\x80\""), "accepted");
    EXPECT_NE(refusal(R"("\ud800")"), "accepted");  // a lone surrogate
}

TEST(JsonDecode, what_two_readers_could_read_differently_is_refused) {
    EXPECT_EQ(refusal(std::string_view("{}\0{}", 5)), "the body is not acceptable JSON: NUL at byte 3");
    EXPECT_EQ(refusal("\xef\xbb\xbf{}"), "the body is not acceptable JSON: it begins with a byte order mark");
    EXPECT_EQ(refusal(R"("\u0000")"), "the body is not acceptable JSON: a string holds U+0000");
    EXPECT_EQ(refusal(R"({"a\u0000":1})"), "the body is not acceptable JSON: a key holds U+0000");
    for (const auto* text : {"", " ", "{} {}", "{}x", "{'a':1}", "{\"a\":1,}", "[1,]", "/**/{}",
                             "{\"a\":NaN}", "01", "\"\n\"", "tru"})
        EXPECT_NE(refusal(text).find("syntax error at byte"), std::string::npos) << text;
}

TEST(JsonDecode, the_message_repeats_nothing_of_the_text) {
    EXPECT_EQ(refusal(R"({"pin": 493028x})").find("493028"), std::string::npos);
}

TEST(JsonDecode, more_values_than_the_limit_are_refused) {
    std::string text = "[";
    for (int i = 0; i < 20'000; ++i) text += "1,";
    text += "1]";
    EXPECT_EQ(refusal(text), "the body is not acceptable JSON: more than 16384 values");
}

TEST(JsonReader, keeps_the_first_fault_and_finds_what_nobody_asked_for) {
    const auto value = decode(R"({"a":1,"b":"x","extra":true,"nil":null})");
    const auto& object = *value->object();
    {
        ObjectReader reader(object);
        EXPECT_EQ(reader.required_integer("a"), 1);
        EXPECT_EQ(reader.required_text("b"), "x");
        EXPECT_EQ(reader.string("nil"), nullptr);
        ASSERT_TRUE(reader.finish());
        EXPECT_EQ(reader.finish()->kind, Fault::Kind::kUnknown);
        EXPECT_EQ(reader.finish()->field, "extra");
    }
    {
        ObjectReader reader(object, "outer.");
        reader.required_text("a");
        reader.required_text("missing");
        EXPECT_EQ(reader.finish()->kind, Fault::Kind::kWrongType);
        EXPECT_EQ(reader.finish()->field, "outer.a");
        EXPECT_EQ(reader.finish()->type, "string");
    }
    {
        ObjectReader reader(object);
        reader.required_text("nil");
        EXPECT_EQ(reader.finish()->kind, Fault::Kind::kMissing);
    }
}

TEST(JsonWriter, escapes_what_json_needs_escaped_and_reads_back) {
    Writer out;
    out.begin_object().member("k\"", "a\\\"\n\x01\xc3\xa9").key("n").integer(-3).key("l").begin_array();
    out.boolean(true)
        .boolean(false)
        .base64(to_bytes("hi"))
        .end_array()
        .optional_member("none", "")
        .end_object();
    const std::string text = out.take();
    EXPECT_EQ(text, "{\"k\\\"\":\"a\\\\\\\"\\n\\u0001\xc3\xa9\",\"n\":-3,\"l\":[true,false,\"aGk=\"]}");
    EXPECT_TRUE(decode(text));
}

}  // namespace
}  // namespace sigillo::api::json
