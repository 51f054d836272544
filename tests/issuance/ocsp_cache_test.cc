#include "appliance/issuance/ocsp_cache.h"

#include <gtest/gtest.h>

namespace sigillo::issuance {
namespace {

using namespace std::chrono_literals;

OcspCache::Entry entry(std::uint8_t mark) {
    return {Bytes{mark}, {}, {}};
}

TEST(OcspCacheTest, AnAnswerIsFoundUntilItIsOldOrAnythingHasChanged) {
    OcspCache cache(10, 300s);
    cache.keep({1}, 7, 0s, entry(1));
    EXPECT_EQ(cache.find(Bytes{1}, 7, 299s)->der, Bytes{1});
    EXPECT_FALSE(cache.find(Bytes{2}, 7, 0s));
    EXPECT_FALSE(cache.find(Bytes{1}, 7, 300s));
    cache.keep({1}, 7, 0s, entry(1));
    EXPECT_FALSE(cache.find(Bytes{1}, 8, 1s));
    EXPECT_EQ(cache.size(), 0U);
}

TEST(OcspCacheTest, AnAnswerOfBeforeAChangeDoesNotReplaceOneOfAfterIt) {
    OcspCache cache(10, 300s);
    cache.keep({1}, 8, 1s, entry(2));
    cache.keep({1}, 7, 1s, entry(1));
    EXPECT_EQ(cache.find(Bytes{1}, 8, 1s)->der, Bytes{2});
}

TEST(OcspCacheTest, ItHoldsNoMoreThanItsBound) {
    OcspCache cache(2, 300s);
    for (const auto mark : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}})
        cache.keep({mark}, 1, 0s, entry(mark));
    EXPECT_EQ(cache.size(), 2U);
    EXPECT_FALSE(cache.find(Bytes{1}, 1, 0s));
    EXPECT_TRUE(cache.find(Bytes{2}, 1, 0s));
    EXPECT_TRUE(cache.find(Bytes{3}, 1, 0s));
    OcspCache none(0, 300s);
    none.keep({1}, 1, 0s, entry(1));
    EXPECT_EQ(none.size(), 0U);
}

}  // namespace
}  // namespace sigillo::issuance
