#include "api/http/spool.h"

#include <gtest/gtest.h>

#include "api/documents/answer_body.h"
#include "api/documents/prepared_store.h"
#include "api/documents/results.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::api {
namespace {

class SpoolTest : public ::testing::Test {
 protected:
    bool empty() const { return std::filesystem::is_empty(scratch_.path()); }
    sigillo::testing::ScratchDirectory scratch_;
    SystemRandom random_;
    sigillo::testing::ManualClock clock_;
    Spool spool_{{.directory = scratch_.path(), .total_mib = 1}, random_};
};

TEST_F(SpoolTest, files_have_no_name_and_what_they_take_is_bounded_in_sum) {
    auto one = spool_.make().value();
    ASSERT_TRUE(one->append(Bytes(600'000, 1)));
    EXPECT_TRUE(empty());
    auto other = spool_.make().value();
    const auto full = other->append(Bytes(600'000, 1));
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, Errc::kUnavailable);
    one.reset();
    EXPECT_TRUE(other->append(Bytes(600'000, 1)));
    EXPECT_EQ(spool_.taken(), 600'000U);
}

TEST_F(SpoolTest, an_answer_is_a_string_while_it_is_small_and_a_file_beyond) {
    const auto file = documents::MemoryFile::of(Bytes(30'000, 'x'), "t").value();
    for (const std::size_t in_memory : {100'000U, 1'000U}) {
        documents::AnswerBody body(spool_, in_memory);
        ASSERT_TRUE(body.text("{\"document\":"));
        ASSERT_TRUE(body.base64(*file));
        ASSERT_TRUE(body.text("}"));
        const auto response = body.finish(200);
        ASSERT_TRUE(response);
        std::string text = response->body;
        if (response->body_file) {
            text.resize(response->body_file->size());
            ASSERT_EQ(::pread(response->body_file->fd(), text.data(), text.size(), 0),
                      static_cast<ssize_t>(text.size()));
        }
        EXPECT_EQ(response->body_file != nullptr, in_memory == 1'000);
        EXPECT_EQ(text.size(), 12U + 2U + 40'000U + 1U);
        EXPECT_TRUE(text.ends_with("\"}"));
    }
}

class PreparedTest : public SpoolTest {
 protected:
    PreparedTest() { std::filesystem::create_directory(scratch_ / "kept"); }
    documents::PreparedStore store() {
        return documents::PreparedStore(
            {scratch_.path() / "kept", 4, 40, std::chrono::seconds(60), std::chrono::seconds(10)}, clock_,
            random_);
    }
    static prepared::Record of(const std::string& client) {
        prepared::Record record;
        record.set_client(client);
        return record;
    }
};

TEST_F(PreparedTest, a_document_waits_for_its_client_alone_and_survives_a_restart) {
    const auto file = documents::MemoryFile::of(to_bytes("revision"), "t").value();
    std::string id;
    {
        auto first = store();
        ASSERT_TRUE(first.open());
        id = first.put(of("client"), file.get()).value();
    }
    auto second = store();
    ASSERT_TRUE(second.open());
    const auto kept = second.get("client", id);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->file->size().value(), 8U);
    for (const auto& [client, name] : {std::pair<std::string, std::string>("another", id),
                                       {"client", std::string(32, '0')},
                                       {"client", "../x"}}) {
        const auto none = second.get(client, name);
        ASSERT_FALSE(none);
        EXPECT_EQ(none.error().code, Errc::kNotFound);
    }
}

TEST_F(PreparedTest, documents_go_when_their_time_is_over_and_their_number_is_bounded) {
    auto waiting = store();
    ASSERT_TRUE(waiting.open());
    const auto id = waiting.put(of("c"), nullptr).value();
    ASSERT_TRUE(waiting.put(of("c"), nullptr));
    const auto third = waiting.put(of("c"), nullptr);
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().code, Errc::kUnavailable);
    // The other half is for others.
    EXPECT_TRUE(waiting.put(of("d"), nullptr));
    EXPECT_TRUE(waiting.put(of("e"), nullptr));
    EXPECT_FALSE(waiting.put(of("f"), nullptr));
    // One that has its signature goes soon.
    waiting.completed(id);
    clock_.advance(std::chrono::seconds(11));
    EXPECT_TRUE(waiting.put(of("c"), nullptr));
    EXPECT_FALSE(waiting.get("c", id));
    clock_.advance(std::chrono::seconds(61));
    EXPECT_TRUE(waiting.put(of("c"), nullptr));
    // What was not finished goes at the next start.
    std::filesystem::create_directory(scratch_ / "kept" / ("prepared-" + std::string(32, 'a')));
    auto next = store();
    ASSERT_TRUE(next.open());
    EXPECT_FALSE(std::filesystem::exists(scratch_ / "kept" / ("prepared-" + std::string(32, 'a'))));
}

TEST_F(PreparedTest, their_bytes_are_bounded_over_a_restart_too) {
    const auto file = documents::MemoryFile::of(to_bytes("a revision"), "t").value();
    {
        auto first = store();
        ASSERT_TRUE(first.open());
        ASSERT_TRUE(first.put(of("c"), file.get()));
    }
    auto next = store();
    ASSERT_TRUE(next.open());
    const auto larger = documents::MemoryFile::of(to_bytes("a larger one"), "t").value();
    const auto refused = next.put(of("c"), larger.get());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kUnavailable);
    EXPECT_TRUE(next.put(of("c"), file.get()));
    EXPECT_TRUE(next.put(of("d"), larger.get()));
    EXPECT_FALSE(next.put(of("e"), larger.get()));  // 32 of 40 bytes are taken
}

TEST_F(PreparedTest, what_cannot_be_kept_leaves_nothing_and_takes_no_room) {
    auto waiting = store();
    ASSERT_TRUE(waiting.open());
    const auto file = documents::MemoryFile::of(to_bytes("a revision"), "t").value();
    std::filesystem::remove(scratch_ / "kept");  // as a disk that takes nothing
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(waiting.put(of("c"), file.get()));
    std::filesystem::create_directory(scratch_ / "kept");
    EXPECT_TRUE(waiting.put(of("c"), file.get()));
    EXPECT_TRUE(waiting.put(of("c"), file.get()));
}

TEST_F(SpoolTest, a_result_waits_for_its_client_for_as_long_as_it_asked) {
    documents::Results results(4, clock_, random_);
    const auto id = results.begin("client", std::chrono::milliseconds(5'000)).value();
    EXPECT_FALSE(results.find("client", id)->done);
    EXPECT_FALSE(results.find("another", id));
    clock_.advance(std::chrono::seconds(100));  // time counts from its end
    results.finish(id, Response{.status = 200, .content_type = {}, .body = "x", .headers = {}});
    EXPECT_EQ(results.find("client", id)->response.body, "x");
    EXPECT_EQ(results.find("client", id)->response.body, "x");
    ASSERT_TRUE(results.begin("client", std::chrono::milliseconds(1)));
    // Half of the room is for one client, the rest for the others.
    EXPECT_FALSE(results.begin("client", std::chrono::milliseconds(1)));
    ASSERT_TRUE(results.begin("another", std::chrono::milliseconds(1)));
    ASSERT_TRUE(results.begin("third", std::chrono::milliseconds(1)));
    EXPECT_FALSE(results.begin("fourth", std::chrono::milliseconds(1)));
    clock_.advance(std::chrono::seconds(6));
    EXPECT_FALSE(results.find("client", id));
    EXPECT_TRUE(results.begin("client", std::chrono::milliseconds(1)));
}

}  // namespace
}  // namespace sigillo::api
