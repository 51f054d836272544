// Ids, clocks, files, secrets, the operational log.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

#include "appliance/base/clock.h"
#include "appliance/base/country.h"
#include "appliance/base/file.h"
#include "appliance/base/ids.h"
#include "appliance/base/logger.h"
#include "tests/support/scratch_directory.h"

namespace sigillo {
namespace {

TEST(Ids, OnlyTheirOwnSpellingIsAccepted) {
    SystemRandom random;
    const CredentialId id = CredentialId::generate(random);
    EXPECT_EQ(CredentialId::parse(id.str()).value(), id);
    for (const char* text : {"", "0123", "0123456789ABCDEF0123456789ABCDEF",
                             "0123456789abcdef0123456789abcdeg", "0123456789abcdef0123456789abcdef0"})
        EXPECT_EQ(CredentialId::parse(text).error().field, "credentialID") << text;
    EXPECT_TRUE(is_tenant_name("bank-1"));
    for (const char* text : {"", "1bank", "Bank", "bank/2", "-bank"})
        EXPECT_FALSE(is_tenant_name(text)) << text;
}

TEST(Country, IsOneThatIsAssigned) {
    for (const char* code : {"AD", "IT", "ZW", "XK"}) EXPECT_TRUE(is_country(code)) << code;
    for (const char* code : {"", "I", "it", "XX", "ZZ", "T ", " A", "D ", "ITA", "UK"})
        EXPECT_FALSE(is_country(code)) << code;
    EXPECT_EQ(no_country("XX").field, "country");
}

TEST(Time, IsWrittenInUtcWithMilliseconds) {
    EXPECT_EQ(rfc3339(from_unix_millis(1'800'000'000'123)), "2027-01-15T08:00:00.123Z");
    EXPECT_EQ(generalized_time(from_unix_millis(1'800'000'000'123)), "20270115080000Z");
    const SystemClock clock;
    EXPECT_EQ(clock.boot_id().size(), 36u);
    EXPECT_LE(clock.boot_now(), clock.boot_now());
}

TEST(File, IsReplacedWholeAndWithItsMode) {
    testing::ScratchDirectory scratch;
    ASSERT_TRUE(write_file_durably(scratch / "f", as_bytes("one"), 0600));
    ASSERT_TRUE(write_file_durably(scratch / "f", as_bytes("two"), 0640));
    EXPECT_EQ(as_text(read_file(scratch / "f").value()), "two");
    struct stat info{};
    ASSERT_EQ(::stat((scratch / "f").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0640u);
    EXPECT_EQ(read_file(scratch / "f", 2).error().code, Errc::kLimitExceeded);
    EXPECT_EQ(read_file(scratch / "absent").error().code, Errc::kNotFound);
    EXPECT_FALSE(write_file_durably(scratch / "no/such/folder", as_bytes("x")));
}

TEST(Secret, HasOneOwner) {
    SecretBytes secret = SecretBytes::copy_of("1234");
    SecretBytes other = std::move(secret);
    EXPECT_TRUE(secret.empty());
    EXPECT_TRUE(other.equals(as_bytes("1234")));
    EXPECT_FALSE(other.equals(as_bytes("12345")));
    static_assert(!std::is_copy_constructible_v<SecretBytes>);
}

TEST(Log, AValueCannotForgeALine) {
    testing::ScratchDirectory scratch;
    const UniqueFd fd(::open((scratch / "log").c_str(), O_CREAT | O_WRONLY, 0600));
    Logger logger("test", fd.get());
    logger.notice("event", {{"text", std::string("a\n<3>forged=\"yes\" \x01")}, {"number", 7}});
    const Bytes contents = read_file(scratch / "log").value();
    const std::string_view line = as_text(contents);
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
    EXPECT_NE(line.find(R"(text="a\x0a<3>forged=\"yes\" \x01" number=7)"), std::string_view::npos) << line;
}

}  // namespace
}  // namespace sigillo
