#include "api/fetch/sigillo-fetch/spool.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "appliance/base/file.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::fetch {
namespace {

using testing::ScratchDirectory;

class SpoolTest : public ::testing::Test {
 protected:
    std::unique_ptr<Spool> open(std::size_t entries = 100, std::size_t bytes = 1'000) {
        auto spool = Spool::open({scratch_.path(), entries, bytes}, logger_);
        if (!spool) throw std::runtime_error(to_string(spool.error()));
        return *std::move(spool);
    }
    static spool::Callback callback(const std::string& id, std::size_t size = 10) {
        spool::Callback out;
        out.set_id(id);
        out.set_url("https://bank.example/callback");
        out.set_body(std::string(size, 'x'));
        return out;
    }
    ScratchDirectory scratch_;
    UniqueFd nowhere_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    Logger logger_{"test", nowhere_.get()};
};

TEST_F(SpoolTest, WhatWasAddedIsThereAfterARestartAndWhatWasRemovedIsNot) {
    {
        const auto spool = open();
        ASSERT_TRUE(spool->add(callback("a")));
        ASSERT_TRUE(spool->add(callback("b")));
        spool::Callback tried = callback("a");
        tried.set_attempts(3);
        ASSERT_TRUE(spool->update(tried));
        ASSERT_TRUE(spool->remove("b"));
    }
    const auto spool = open();
    const auto all = spool->read_all();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].id(), "a");
    EXPECT_EQ(all[0].attempts(), 3U);
    EXPECT_EQ(all[0].body(), std::string(10, 'x'));
}

TEST_F(SpoolTest, NumberAndOctetsAreBoundedAndRoomComesBack) {
    auto spool = open(2);
    ASSERT_TRUE(spool->add(callback("a")));
    EXPECT_EQ(spool->add(callback("a")).error().code, Errc::kAlreadyExists);
    ASSERT_TRUE(spool->add(callback("b")));
    EXPECT_EQ(spool->add(callback("c")).error().code, Errc::kLimitExceeded);
    ASSERT_TRUE(spool->remove("a"));
    EXPECT_TRUE(spool->add(callback("c")));
    spool = open(100, 30);
    EXPECT_TRUE(spool->add(callback("d")));
    EXPECT_EQ(spool->add(callback("e")).error().code, Errc::kLimitExceeded);
}

TEST_F(SpoolTest, AFileThatIsNoCallbackIsPutAsideAndCounted) {
    ASSERT_TRUE(open()->add(callback("good")));
    ASSERT_TRUE(write_file_durably(scratch_ / "bad.callback", Bytes{0xFF, 0xFF}));
    const auto stray = scratch_ / "other.callback";  // says that it is another
    ASSERT_TRUE(write_file_durably(stray, *read_file(scratch_ / "good.callback")));
    const auto spool = open();
    EXPECT_EQ(spool->size(), 1U);
    EXPECT_EQ(spool->damaged(), 2U);
    EXPECT_TRUE(std::filesystem::exists(scratch_ / "bad.callback.bad"));
    EXPECT_EQ(open()->damaged(), 0U);
}

TEST_F(SpoolTest, AnIdIsAFileNameAndNothingElse) {
    for (const char* good : {"a", "0123abcdef-_Z"}) EXPECT_TRUE(is_callback_id(good)) << good;
    for (const std::string& bad : {std::string(), std::string("../a"), std::string("a/b"), std::string("a.b"),
                                   std::string("a b"), std::string(65, 'a')})
        EXPECT_FALSE(is_callback_id(bad)) << bad;
}

}  // namespace
}  // namespace sigillo::fetch
