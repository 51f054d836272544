#include "keystore/pkcs11/token_uri.h"

#include <gtest/gtest.h>

#include <cstring>

namespace sigillo::pkcs11 {
namespace {

CK_TOKEN_INFO token(std::string_view label, std::string_view serial) {
    CK_TOKEN_INFO info{};
    std::memset(info.label, ' ', sizeof info.label);
    std::memset(info.serialNumber, ' ', sizeof info.serialNumber);
    std::memset(info.manufacturerID, ' ', sizeof info.manufacturerID);
    std::memset(info.model, ' ', sizeof info.model);
    std::memcpy(info.label, label.data(), label.size());
    std::memcpy(info.serialNumber, serial.data(), serial.size());
    return info;
}

TEST(TokenUri, MatchesByLabelAndSerial) {
    const auto uri = TokenUri::parse("pkcs11:token=sigillo;serial=01ab?module-path=/lib/p11.so");
    ASSERT_TRUE(uri);
    EXPECT_EQ(uri->module_path(), "/lib/p11.so");
    EXPECT_TRUE(uri->matches(token("sigillo", "01ab"), 7));
    EXPECT_FALSE(uri->matches(token("sigillo", "01ac"), 7));
    EXPECT_FALSE(uri->matches(token("sigillo-tsa", "01ab"), 7));
}

TEST(TokenUri, MatchesBySlot) {
    const auto uri = TokenUri::parse("pkcs11:slot-id=7?module-path=/lib/p11.so");
    ASSERT_TRUE(uri);
    EXPECT_TRUE(uri->matches(token("a", "1"), 7));
    EXPECT_FALSE(uri->matches(token("a", "1"), 8));
}

TEST(TokenUri, WrittenAndReadAgainIsTheSameToken) {
    const auto text = TokenUri::of_token("Büro; 1", "00ff", "/opt/hsm/lib p11.so");
    ASSERT_TRUE(text);
    const auto uri = TokenUri::parse(*text);
    ASSERT_TRUE(uri) << *text;
    EXPECT_EQ(uri->module_path(), "/opt/hsm/lib p11.so");
    EXPECT_TRUE(uri->matches(token("Büro; 1", "00ff"), 0));
    EXPECT_FALSE(uri->matches(token("Büro; 2", "00ff"), 0));
}

TEST(TokenUri, WhatIsNotATokensUriIsRefused) {
    for (const char* text : {
             "", "token=sigillo", "https://example.org", "pkcs11:token=sigillo",
             "pkcs11:token=sigillo?module-path=p11.so",                      // relative
             "pkcs11:token=sigillo?module-path=/lib/p11.so&pin-value=1234",  // a secret in a configuration
                                                                             // line
             "pkcs11:token=sigillo;object=kek?module-path=/lib/p11.so",      // an object
             "pkcs11:tokn=sigillo?module-path=/lib/p11.so",                  // a typing error
         }) {
        const auto uri = TokenUri::parse(text);
        ASSERT_FALSE(uri) << text;
        EXPECT_EQ(uri.error().code, Errc::kInvalidArgument) << text;
        EXPECT_EQ(uri.error().field, "token_uri") << text;
        EXPECT_EQ(uri.error().detail.find("1234"), std::string::npos);
    }
}

}  // namespace
}  // namespace sigillo::pkcs11
