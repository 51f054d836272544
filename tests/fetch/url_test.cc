// What may be asked at all: URLs as they are read, and the list that they are held to.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>

#include "api/fetch/sigillo-fetch/allow_list.h"

namespace sigillo::fetch {
namespace {

TEST(FetchUrlTest, AUrlIsReadAsLibcurlWillReadIt) {
    const auto url = parse_url("HTTP://CRL.Example.:8080/a%20b?c=d#fragment");
    ASSERT_TRUE(url) << url.error().detail;
    EXPECT_EQ(url->origin, (Origin{"http", "crl.example", 8080}));
    EXPECT_EQ(url->text.find("#"), std::string::npos);
    EXPECT_EQ(parse_url("https://x/")->origin.port, 443);
    EXPECT_EQ(parse_url("http://x")->origin.port, 80);
    EXPECT_EQ(parse_url("http://[2001:DB8::1]/")->origin.host, "2001:db8::1");
}

TEST(FetchUrlTest, WhatIsNoPlainHttpUrlIsRefused) {
    for (const std::string& text :
         {std::string(), std::string("crl.example/ca.crl"), std::string("ftp://crl.example/"),
          std::string("ldap://crl.example/cn=ca"), std::string("file:///etc/passwd"),
          std::string("http://user@crl.example/"), std::string("http://user:secret@crl.example/"),
          std::string("http:///ca.crl"), std::string("http://crl.example:0/"),
          std::string("http://crl.example:99999/"), std::string("http://crl.example/a b"),
          std::string("http://crl.example\\@other.example/"),
          std::string("http://crl.example/\r\nHost: other"), "http://x/" + std::string(2'048, 'a')}) {
        const auto url = parse_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, Errc::kInvalidArgument) << text;
        EXPECT_EQ(url.error().field, "url") << text;
    }
}

TEST(FetchAllowListTest, SchemeHostAndPortAreAllHeld) {
    const auto list = AllowList::create("fetch.allow", {"http://crl.example", "https://ocsp.example:8443/"});
    ASSERT_TRUE(list);
    for (const char* good :
         {"http://crl.example/ca.crl", "http://CRL.example:80/x", "https://ocsp.example:8443/a?b"})
        EXPECT_TRUE(list->check(*parse_url(good))) << good;
    for (const char* bad :
         {"https://crl.example/", "http://crl.example:8080/", "https://ocsp.example/",
          "http://crl.example.evil.example/", "http://xcrl.example/", "http://127.0.0.1/"}) {
        const Status checked = list->check(*parse_url(bad));
        ASSERT_FALSE(checked) << bad;
        EXPECT_EQ(checked.error().code, Errc::kForbidden);
        EXPECT_NE(checked.error().detail.find("is not in fetch.allow"), std::string::npos)
            << checked.error().detail;
    }
}

TEST(FetchAllowListTest, AnEntryIsSchemeHostAndPortAndNoMore) {
    for (const char* bad : {"crl.example", "http://crl.example/path", "http://crl.example?x",
                            "ftp://crl.example", "*", "http://u@crl.example"})
        EXPECT_FALSE(AllowList::create("fetch.allow", {bad})) << bad;
}

bool may(const char* host, const char* address) {
    sockaddr_storage storage{};
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    if (::inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
    } else {
        storage = {};
        EXPECT_EQ(::inet_pton(AF_INET6, address, &v6->sin6_addr), 1) << address;
        v6->sin6_family = AF_INET6;
    }
    return may_connect(host, reinterpret_cast<sockaddr*>(&storage));
}

TEST(FetchAddressTest, ANameDoesNotLeadToThisMachineOrItsLink) {
    for (const char* address :
         {"127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "::1",
          "::", "fe80::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"})
        EXPECT_FALSE(may("crl.example", address)) << address;
    // Private networks are where an organisation's own CA is.
    for (const char* address :
         {"192.0.2.1", "10.0.0.1", "192.168.1.1", "2001:db8::1", "fd00::1", "::ffff:192.0.2.1"})
        EXPECT_TRUE(may("crl.example", address)) << address;
    for (const char* host : {"localhost", "ca.localhost", "127.0.0.1"})
        EXPECT_TRUE(may(host, "127.0.0.1")) << host;
}

}  // namespace
}  // namespace sigillo::fetch
