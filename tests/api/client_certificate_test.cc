#include <gtest/gtest.h>

#include "api/http/client_certificate.h"
#include "tests/api/api_harness.h"

namespace sigillo::api {
namespace {

using testing::demo_certificate_pem;
using testing::url_escape;

TEST(ClientCertificate, maps_to_the_digest_of_its_public_key) {
    const auto digest = spki_of_escaped_certificate(url_escape(demo_certificate_pem()));
    ASSERT_TRUE(digest) << digest.error().detail;
    EXPECT_NE(*digest, Sha256Value{});
}

TEST(ClientCertificate, anything_but_one_certificate_is_refused) {
    const std::string pem = demo_certificate_pem();
    for (const std::string& text :
         {std::string(), std::string("x"), std::string("%zz"), std::string("%4"), pem.substr(0, 60),
          pem + pem, "\n" + pem, pem + "x", std::string(20'000, 'a')})
        EXPECT_FALSE(spki_of_escaped_certificate(url_escape(text).substr(0, 60'000)));
    std::string spoilt = pem;
    spoilt[80] = spoilt[80] == 'A' ? 'B' : 'A';
    spoilt.insert(100, "!!");
    EXPECT_FALSE(spki_of_escaped_certificate(url_escape(spoilt)));
}

TEST(ClientCertificate, the_cache_is_bounded_and_garbage_does_not_enter_it) {
    ClientCertificates cache(2);
    const std::string escaped = url_escape(demo_certificate_pem());
    EXPECT_TRUE(cache.spki_sha256(escaped));
    EXPECT_TRUE(cache.spki_sha256(escaped));
    EXPECT_EQ(cache.size(), 1U);
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(cache.spki_sha256("garbage" + std::to_string(i)));
    EXPECT_EQ(cache.size(), 1U);
    // The same certificate in other spellings: the five dashes that it begins with, one of them escaped.
    for (std::size_t i = 0; i < 5; ++i) {
        const auto other = cache.spki_sha256(std::string(escaped).replace(i, 1, "%2D"));
        ASSERT_TRUE(other);
        EXPECT_EQ(*other, *cache.spki_sha256(escaped));
        EXPECT_LE(cache.size(), 2U);
    }
    EXPECT_TRUE(cache.spki_sha256(escaped));
}

}  // namespace
}  // namespace sigillo::api
