#include "api/documents/toolbox.h"

#include <gtest/gtest.h>

#include "api/documents/signer.h"
#include "appliance/base/encoding.h"

namespace sigillo::api::documents {
namespace {

TEST(CommonName, is_read_out_of_a_distinguished_name) {
    EXPECT_EQ(common_name("CN=Ada Rossi,C=IT"), "Ada Rossi");
    EXPECT_EQ(common_name("C=IT,CN=Rossi\\, Ada"), "Rossi, Ada");
    EXPECT_EQ(common_name("C=IT+CN=Nicol\\C3\\B2"), "Nicol\xc3\xb2");
    EXPECT_EQ(common_name("CN=caf\\c3\\a9\\+1"), "caf\xc3\xa9+1");
    EXPECT_EQ(common_name("O=ACN=x,C=IT"), "O=ACN=x,C=IT");
    EXPECT_EQ(common_name(""), "");
    EXPECT_EQ(common_name("CN=end\\"), "end\\");
}

TEST(Contents, go_into_the_gap_of_a_copy_and_nowhere_else) {
    const auto prepared = MemoryFile::of(to_bytes("head<000000>tail"), "p").value();
    ASSERT_TRUE(prepared->seal());
    const auto done = with_contents(*prepared, {5, 3}, Bytes{0xab, 0xcd});
    ASSERT_TRUE(done);
    Bytes out(16);
    ASSERT_TRUE((*done)->read(0, out));
    EXPECT_EQ(as_text(out), "head<abcd00>tail");
    const auto large = with_contents(*prepared, {5, 3}, Bytes(4, 1));
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().code, Errc::kLimitExceeded);
}

TEST(ClaimedTime, is_when_the_signer_authorised) {
    const WallTime now = from_unix_millis(1'800'000'000'000);
    const auto sad_of = [](WallTime time) {
        Bytes bytes;
        append_u64(bytes, static_cast<std::uint64_t>(unix_millis(time)));
        return base64url_encode(ByteView(bytes).last(6)) + std::string(43, 'x');
    };
    EXPECT_EQ(claimed_time(sad_of(now - std::chrono::minutes(3)), now), now - std::chrono::minutes(3));
    EXPECT_EQ(claimed_time(sad_of(now + std::chrono::seconds(1)), now), now);
    EXPECT_EQ(claimed_time(sad_of(now - std::chrono::hours(2)), now), now);
    EXPECT_EQ(claimed_time("short", now), now);
    EXPECT_EQ(claimed_time("!!!!!!!!!!!!", now), now);
}

}  // namespace
}  // namespace sigillo::api::documents
