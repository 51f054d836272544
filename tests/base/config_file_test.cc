#include <gtest/gtest.h>

#include <fstream>

#include "appliance/base/config_file.h"
#include "tests/support/scratch_directory.h"

namespace sigillo {
namespace {

struct ConfigFileTest : ::testing::Test {
    Result<ConfigFile> load(const std::string& text) {
        std::ofstream(scratch / "c.toml") << text;
        return ConfigFile::load(scratch / "c.toml");
    }
    testing::ScratchDirectory scratch;
};

TEST_F(ConfigFileTest, AbsentKeysKeepTheirDefaults) {
    auto file = load("[a]\nx = 5\n").value();
    std::size_t x = 1, y = 2;
    std::chrono::milliseconds wait{7};
    EXPECT_TRUE(
        file.count("a.x", x, 0, 10).count("a.y", y, 0, 10).duration("a.wait_ms", wait, 0, 10).finish());
    EXPECT_EQ(x, 5u);
    EXPECT_EQ(y, 2u);
    EXPECT_EQ(wait.count(), 7);
}

TEST_F(ConfigFileTest, EveryComplaintIsReportedAtOnceWithItsLine) {
    auto file = load("[a]\nx = 50\ny = \"two\"\nz = 1\n").value();
    std::size_t x = 0, y = 0;
    std::string name;
    const auto status =
        file.count("a.x", x, 0, 10).count("a.y", y, 0, 10).required_text("a.name", name).finish();
    ASSERT_FALSE(status);
    for (const char* words :
         {"c.toml:2: a.x: must be from 0 to 10, is 50", "c.toml:3: a.y: must be a whole number",
          "a.name: is required", "c.toml:4: a.z: unknown key"})
        EXPECT_NE(status.error().detail.find(words), std::string::npos) << status.error().detail;
}

TEST_F(ConfigFileTest, TablesThatAreNotReadAreSomebodyElses) {
    auto file = load("[a]\nx = 5\n[other]\nanything = true\n").value();
    std::size_t x = 1;
    EXPECT_TRUE(file.count("a.x", x, 0, 10).finish());
}

TEST_F(ConfigFileTest, WhatIsNotTomlIsRefusedWithItsPlace) {
    const auto file = load("[a\nx = 5\n");
    ASSERT_FALSE(file);
    EXPECT_NE(file.error().detail.find("c.toml:"), std::string::npos);
    EXPECT_EQ(ConfigFile::load(scratch / "absent").error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace sigillo
