#include "api/documents/request_body.h"

#include <gtest/gtest.h>

#include "appliance/base/encoding.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::api::documents {
namespace {

class BodyTest : public ::testing::Test {
 protected:
    // The same text as a string and as a file of the spool must be read alike.
    Result<RequestBody> read(const std::string& text, BodyLimits limits = {.long_string = 64}) {
        Request in_memory;
        in_memory.body = text;
        auto one = read_body(in_memory, limits);
        Request in_file;
        in_file.body_file = spool_.make().value();
        EXPECT_TRUE(in_file.body_file->append(as_bytes(text)));
        auto other = read_body(in_file, limits);
        EXPECT_EQ(one.has_value(), other.has_value());
        if (one && other) {
            EXPECT_EQ(one->long_strings.size(), other->long_strings.size());
        }
        return other;
    }
    Bytes content(const RequestBody& body, std::string_view name) {
        const auto* value = json::find(body.object, name);
        const auto found =
            value != nullptr ? content_of(*value, body) : Result<LongString>(fail(Errc::kNotFound, ""));
        if (!found) return to_bytes("none");
        Bytes out(found->size);
        EXPECT_TRUE(found->file->read(0, out));
        EXPECT_EQ(found->sha256, digest_of(HashAlgorithm::kSha256, out));
        return out;
    }

    sigillo::testing::ScratchDirectory scratch_;
    SystemRandom random_;
    Spool spool_{{.directory = scratch_.path()}, random_};
};

TEST_F(BodyTest, long_strings_go_into_files_and_short_ones_stay) {
    Bytes bytes(300'001);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
    const auto body = read(R"({"a":"QUJD","document":")" + base64_encode(bytes) +
                           R"(","list":["x",{"image":")" + base64_encode(Bytes(100, 5)) + R"("}],"b":true})");
    ASSERT_TRUE(body) << to_string(body.error());
    EXPECT_EQ(body->long_strings.size(), 2U);
    EXPECT_EQ(content(*body, "document"), bytes);
    EXPECT_EQ(content(*body, "a"), to_bytes("ABC"));
    const auto& list = *json::find(body->object, "list")->array();
    EXPECT_EQ(*list[0].string(), "x");
    EXPECT_EQ(json::find(*list[1].object(), "image")->blob()->number, 1U);
}

TEST_F(BodyTest, escapes_that_base64_writers_use_are_read) {
    const Bytes bytes(200, 0xff);  // all slashes
    std::string php, dotnet;
    for (const char c : base64_encode(bytes)) php += c == '/' ? "\\/" : std::string(1, c);
    for (const char c : base64_encode(Bytes(200, 0xfb))) dotnet += c == '+' ? "\\u002B" : std::string(1, c);
    const auto body = read(R"({"php":")" + php + R"(","dotnet":")" + dotnet + "\"}");
    ASSERT_TRUE(body);
    EXPECT_EQ(content(*body, "php"), bytes);
    EXPECT_EQ(content(*body, "dotnet"), Bytes(200, 0xfb));
}

TEST_F(BodyTest, a_long_string_that_is_no_base64_is_no_document_and_no_text) {
    const std::string letters(96, 'A');
    const std::vector<std::string> all = {std::string(100, '*'), letters + "AAA", letters + "AAAA\\n",
                                          letters + "AAAA\\u0100", letters + "AA==AAAA"};
    for (const auto& bad : all) {
        const auto body = read(R"({"document":")" + bad + "\"}");
        ASSERT_TRUE(body) << bad;
        EXPECT_EQ(content(*body, "document"), to_bytes("none")) << bad;
        EXPECT_EQ(json::find(body->object, "document")->string(), nullptr);
    }
}

TEST_F(BodyTest, what_is_no_json_is_refused_with_a_place) {
    const std::string text = base64_encode(Bytes(200, 1));
    for (const std::string& bad : std::initializer_list<std::string>{
             std::string("{"), "{\"a\":\"" + text, "{\"a\":\"" + text + "\"", "[1]", "",
             "{\"a\":\"" + text + "\"}}", "{\"" + text + "\":1}",
             "{\"a\":\"" + text + "\",\"a\":\"" + text + "\"}", "{\"a\":\"" + text + "\"\"b\":1}"}) {
        const auto body = read(bad);
        ASSERT_FALSE(body) << bad.substr(0, 20);
        EXPECT_EQ(body.error().code, Errc::kInvalidArgument);
        EXPECT_EQ(body.error().detail.find(text), std::string::npos);
    }
}

TEST_F(BodyTest, bounds_hold_for_what_is_kept_and_for_the_number_of_documents) {
    const auto text = read("{\"a\":\"" + std::string(50, '(') + "\",\"b\":\"" + std::string(60, '(') + "\"}",
                           {.text_bytes = 100, .long_string = 64});
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Errc::kLimitExceeded);
    const std::string one = "\"" + base64_encode(Bytes(90, 1)) + "\"";
    const auto many =
        read("{\"a\":[" + one + "," + one + "," + one + "]}", {.long_string = 64, .long_strings = 2});
    ASSERT_FALSE(many);
    EXPECT_EQ(many.error().code, Errc::kLimitExceeded);
    const auto deep = read("{\"a\":" + std::string(20, '[') + one + std::string(20, ']') + "}");
    ASSERT_FALSE(deep);
    EXPECT_NE(deep.error().detail.find("nested deeper than 12"), std::string::npos);
}

}  // namespace
}  // namespace sigillo::api::documents
