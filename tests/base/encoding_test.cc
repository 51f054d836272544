#include <gtest/gtest.h>

#include "appliance/base/encoding.h"
#include "appliance/base/random.h"

namespace sigillo {
namespace {

TEST(Encoding, Rfc4648Vectors) {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, text] : vectors) {
        EXPECT_EQ(base64_encode(as_bytes(plain)), text);
        EXPECT_EQ(as_text(base64_decode(text).value()), plain);
    }
    EXPECT_EQ(base32_encode(as_bytes("foobar")), "MZXW6YTBOI");
    EXPECT_EQ(hex_encode(as_bytes("foobar")), "666f6f626172");
}

TEST(Encoding, EveryLengthSurvivesARoundTrip) {
    SystemRandom random;
    for (std::size_t size = 0; size < 70; ++size) {
        const Bytes bytes = random.bytes(size);
        EXPECT_EQ(base64_decode(base64_encode(bytes)).value(), bytes);
        EXPECT_EQ(base64url_decode(base64url_encode(bytes)).value(), bytes);
        EXPECT_EQ(hex_decode(hex_encode(bytes)).value(), bytes);
    }
}

TEST(Encoding, WhatIsNotCanonicalIsRefused) {
    for (const char* text :
         {"Zg", "Zg=", "Zg===", "Z===", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Zm-v", "=Zg=", "Zg==Zg=="})
        EXPECT_FALSE(base64_decode(text)) << text;
    for (const char* text : {"Zg==", "Zh", "Zm+v", "Z"}) EXPECT_FALSE(base64url_decode(text)) << text;
    for (const char* text : {"6", "6G", "AB", " 66"}) EXPECT_FALSE(hex_decode(text)) << text;
}

}  // namespace
}  // namespace sigillo
