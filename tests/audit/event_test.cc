#include "appliance/audit/event.h"

#include <gtest/gtest.h>

#include "appliance/audit/verify/canonical_json.h"
#include "appliance/audit/verify/leaf.h"

namespace sigillo::audit {
namespace {

const WallTime kTime = from_unix_millis(1'763'889'300'123);

TEST(Event, IsWrittenAsCanonicalJson) {
    Event event("signing.intent", kTime);
    event.set("zeta", "ü\"\\\n\x01/")
        .set("Alpha", std::uint64_t{7})
        .set_flag("flag", true)
        .set_base64("sad", as_bytes("abc"));
    event.set_list("list", {"b", "a"}).set_base64_list("hashes", {to_bytes("x")});
    event.add_record("credentials", as_bytes("k"), 3).add_record("signers", as_bytes("l"), 0);
    EXPECT_EQ(*event.canonical_json(),
              "{\"Alpha\":7,\"flag\":true,\"hashes\":[\"eA==\"],\"list\":[\"b\",\"a\"],"
              "\"records\":[[\"credentials\",\"aw==\",3],[\"signers\",\"bA==\",0]],\"sad\":\"YWJj\","
              "\"time\":\"2025-11-23T09:15:00.123Z\",\"type\":\"signing.intent\",\"zeta\":"
              "\"\xc3\xbc\\\"\\\\\\n\\u0001/\"}");
}

TEST(Event, ANameSetTwiceKeepsTheLastValue) {
    EXPECT_EQ(*Event("a", kTime).set("x", "1").set("x", std::uint64_t{2}).canonical_json(),
              "{\"time\":\"2025-11-23T09:15:00.123Z\",\"type\":\"a\",\"x\":2}");
}

TEST(Event, WhatCannotBeWrittenIsRefused) {
    const auto code = [](const Event& event) { return event.canonical_json().error().code; };
    EXPECT_EQ(code(Event("a", kTime).set("x", "\xff")), Errc::kInvalidArgument);
    EXPECT_EQ(code(Event("a", kTime).set("x", "\xed\xa0\x80")), Errc::kInvalidArgument);  // a surrogate
    EXPECT_EQ(code(Event("a", kTime).set("x", std::uint64_t{1} << 53)), Errc::kInvalidArgument);
    EXPECT_TRUE(Event("a", kTime).set("x", (std::uint64_t{1} << 53) - 1).canonical_json());
    EXPECT_EQ(code(Event("a", kTime).set("é", "x")), Errc::kInvalidArgument);
    EXPECT_EQ(code(Event("a", kTime).set("", "x")), Errc::kInvalidArgument);
    for (const char* reserved : {"type", "time", "records"})
        EXPECT_EQ(code(Event("a", kTime).set(reserved, "x")), Errc::kInvalidArgument);
    EXPECT_EQ(code(Event("Signing", kTime)), Errc::kInvalidArgument);
    EXPECT_EQ(code(Event("a", kTime).set_list("x", {"good", "\x80"})), Errc::kInvalidArgument);
}

TEST(Event, ALeafHasAtMost65535Bytes) {
    const std::size_t frame = Event("a", kTime).set("x", "").canonical_json()->size();
    EXPECT_EQ(Event("a", kTime).set("x", std::string(kLeafLimit - frame, 'x')).canonical_json()->size(),
              kLeafLimit);
    EXPECT_EQ(
        Event("a", kTime).set("x", std::string(kLeafLimit - frame + 1, 'x')).canonical_json().error().code,
        Errc::kLimitExceeded);
}

TEST(Leaf, ReadsBackWhatAnEventWrote) {
    Event event("credential.created", kTime);
    event.set("credential", "c1").set("n", std::uint64_t{5}).set_flag("f", false).set_list("l", {"x", "y"});
    event.add_record("credentials", as_bytes("key"), 9);
    const auto leaf = parse_leaf(as_bytes(*event.canonical_json()));
    ASSERT_TRUE(leaf);
    EXPECT_EQ(leaf->type, "credential.created");
    EXPECT_EQ(leaf->time, "2025-11-23T09:15:00.123Z");
    EXPECT_EQ(leaf->text("credential"), "c1");
    EXPECT_EQ(leaf->number("n"), 5u);
    EXPECT_EQ(leaf->flags.at("f"), false);
    EXPECT_EQ(leaf->lists.at("l"), (std::vector<std::string>{"x", "y"}));
    ASSERT_EQ(leaf->records.size(), 1u);
    EXPECT_EQ(leaf->records[0].space, "credentials");
    EXPECT_EQ(as_text(leaf->records[0].key), "key");
    EXPECT_EQ(leaf->records[0].version, 9u);
}

TEST(Leaf, HasOneSpellingOnly) {
    const std::string good = R"({"a":1,"b":["x"],"time":"t","type":"x"})";
    ASSERT_TRUE(parse_leaf(as_bytes(good)));
    for (const std::string bad : {R"({"b":["x"],"a":1,"time":"t","type":"x"})",
                                  R"({"a":1, "b":["x"],"time":"t","type":"x"})",
                                  R"({"a":1.0,"b":["x"],"time":"t","type":"x"})",
                                  R"({"a":-1,"b":["x"],"time":"t","type":"x"})",
                                  R"({"a":1e0,"b":["x"],"time":"t","type":"x"})",
                                  R"({"a":1,"a":1,"time":"t","type":"x"})",
                                  R"({"a":"\u0041","time":"t","type":"x"})",
                                  R"({"a":"\/","time":"t","type":"x"})",
                                  R"({"a":null,"time":"t","type":"x"})",
                                  R"({"a":{"b":1},"time":"t","type":"x"})",
                                  R"({"a":9007199254740992,"time":"t","type":"x"})",
                                  R"({"a":1,"type":"x"})",
                                  R"({"a":1,"time":"t"})",
                                  R"([])",
                                  R"("")",
                                  R"({)",
                                  R"()",
                                  R"({"time":"t","type":"x"} )",
                                  R"({"records":[["s","k"]],"time":"t","type":"x"})",
                                  R"({"records":[["s","*",1]],"time":"t","type":"x"})",
                                  R"({"records":"x","time":"t","type":"x"})",
                                  R"({"b":[["x"]],"time":"t","type":"x"})"})
        EXPECT_FALSE(parse_leaf(as_bytes(bad))) << bad;
    EXPECT_FALSE(parse_leaf(as_bytes("{\"a\":\"\xff\",\"time\":\"t\",\"type\":\"x\"}")));
    EXPECT_FALSE(parse_leaf(as_bytes(std::string(60'000, '['))));
}

TEST(CanonicalJson, KnowsUtf8) {
    EXPECT_TRUE(is_utf8("aé€😀"));
    for (const std::string bad : {"\x80", "\xc1\x81", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80",
                                  "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80"})
        EXPECT_FALSE(is_utf8(bad));
}

}  // namespace
}  // namespace sigillo::audit
