// chronyd's command protocol, against a daemon of the test's own whose answers are those that chronyd 4.3 was
// seen to give.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>

#include "appliance/base/encoding.h"
#include "tests/support/scratch_directory.h"
#include "tsa/chrony_client.h"

namespace sigillo::tsa {
namespace {

using namespace std::chrono_literals;

// Recorded: `chronyc tracking` of a synchronised daemon, the sequence left out.
const std::string kTrackingHead = "06020000002100050000000000000000";
const std::string kTrackingTail = "0000000000000000";

std::string be16(unsigned value) {
    Bytes bytes;
    append_u16(bytes, static_cast<std::uint16_t>(value));
    return hex_encode(bytes);
}
std::string zeros(std::size_t octets) {
    return std::string(2 * octets, '0');
}

struct Tracking {
    unsigned stratum = 2;
    unsigned leap = 0;
    std::string correction = "00000000";  // floats as they travel
    std::string delay = "00000000";
    std::string dispersion = "00000000";
    std::string data() const {
        return "7f7f0101" + zeros(20) + be16(stratum) + be16(leap) + "000000006b03e08a2706f8c3" + correction +
               zeros(20) + delay + dispersion + zeros(4);
    }
};

std::string source(unsigned state, unsigned reach) {
    return "7f000001" + zeros(12) + "00010000" + "0006" + "0002" + be16(state) + "0000" + "0000" +
           be16(reach) + "00000005" + zeros(12);
}

class FakeChronyd {
 public:
    explicit FakeChronyd(std::filesystem::path path) : path_(std::move(path)) { open(); }
    ~FakeChronyd() { close(); }

    void open() {
        fd_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
        std::filesystem::remove(path_);
        if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("bind");
        stop_ = false;
        thread_ = std::thread([this] { run(); });
    }
    void close() {
        stop_ = true;
        if (thread_.joinable()) thread_.join();
        fd_.reset();
    }

    // The answer without its sequence number, in hex: head of 16 octets, tail from octet 20. Empty: silence.
    struct Answer {
        std::string head, tail;
    };
    using Answers = std::function<Answer(unsigned command, std::uint32_t argument)>;
    // Runs `change` while no question is being answered.
    void change(const std::function<void(Answers&)>& how) {
        const std::lock_guard lock(mutex_);
        how(answer_);
    }

 private:
    void run() {
        while (!stop_) {
            pollfd readable{fd_.get(), POLLIN, 0};
            if (::poll(&readable, 1, 20) != 1) continue;
            Bytes request(512);
            sockaddr_un from{};
            socklen_t from_size = sizeof from;
            const ssize_t size = ::recvfrom(fd_.get(), request.data(), request.size(), 0,
                                            reinterpret_cast<sockaddr*>(&from), &from_size);
            if (size < 28) continue;
            request.resize(static_cast<std::size_t>(size));
            EXPECT_EQ(hex_encode(ByteView(request).first(4)), "06010000");
            const ByteView view(request);
            const std::lock_guard lock(mutex_);
            const Answer given = answer_(read_u16(view.subspan(4)), read_u32(view.subspan(20)));
            if (given.head.empty()) continue;
            const Bytes reply =
                concat(hex_decode(given.head).value(), view.subspan(8, 4), hex_decode(given.tail).value());
            EXPECT_EQ(reply.size(), request.size());  // chronyd drops requests shorter than their answers
            ::sendto(fd_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), from_size);
        }
    }

    const std::filesystem::path path_;
    UniqueFd fd_;
    std::mutex mutex_;
    Answers answer_ = [](unsigned, std::uint32_t) { return Answer{}; };  // guarded by mutex_
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

class Chrony : public ::testing::Test {
 protected:
    Chrony() {
        answers = [this](unsigned command, std::uint32_t argument) -> FakeChronyd::Answer {
            if (silent) return {};
            if (command == 33) return {kTrackingHead, kTrackingTail + tracking.data()};
            if (command == 14) {
                Bytes count;
                append_u32(count, static_cast<std::uint32_t>(sources.size()));
                return {"060200000" + std::string("00e0002") + zeros(8), zeros(8) + hex_encode(count)};
            }
            if (command == 15 && argument < sources.size())
                return {"06020000000f0003" + zeros(8), zeros(8) + sources[argument]};
            return {"06020000" + be16(command) + "00010003" + zeros(6), zeros(8)};
        };
        daemon.change([this](auto& answer) { answer = answers; });
    }
    // The daemon's answers change by what `how` does to the members.
    void set(const std::function<void()>& how) {
        daemon.change([&](auto&) { how(); });
    }
    FakeChronyd::Answers answers;
    sigillo::testing::ScratchDirectory scratch;
    Tracking tracking;
    std::vector<std::string> sources{source(0, 0xFF), source(4, 0xFF), source(5, 1)};
    std::atomic<bool> silent{false};
    FakeChronyd daemon{scratch / "chronyd.sock"};
    ChronyClient client{ChronyConfig{.socket = scratch / "chronyd.sock", .timeout = 2s}};
};

TEST_F(Chrony, TrackingIsRead) {
    const auto read = client.tracking();
    ASSERT_TRUE(read) << to_string(read.error());
    EXPECT_TRUE(read->synchronised);
    EXPECT_EQ(read->leap, LeapNotice::kNone);
    EXPECT_EQ(read->error(), 0us);
}

TEST_F(Chrony, FloatsAreSignedExponentAndCoefficient) {
    // 2^24−1 in the coefficient is the largest; 0x00800000 · 2^(e−25): 0.25 at e = 0.
    set([&] { tracking.correction = "00800000"; });
    EXPECT_EQ(client.tracking()->correction, 250ms);
    set([&] { tracking.correction = "01800000"; });  // −0.25: the coefficient's sign bit is set
    EXPECT_EQ(client.tracking()->correction, 250ms);
    set([&] { tracking.delay = "02800000"; });  // e = 1
    EXPECT_EQ(client.tracking()->root_delay, 500ms);
    set([&] { tracking.dispersion = "fe800000"; });  // e = −1
    EXPECT_EQ(client.tracking()->root_dispersion, 125ms);
    EXPECT_EQ(client.tracking()->error(), 250ms + 250ms + 125ms);
    set([&] { tracking.dispersion = "7effffff"; });  // e = 63: a day is as bad as for ever
    EXPECT_EQ(client.tracking()->root_dispersion, 86'400s);
}

TEST_F(Chrony, UnsynchronisedAndLeapsAreRead) {
    set([&] { tracking.leap = 3; });
    EXPECT_FALSE(client.tracking()->synchronised);
    set([&] { tracking.leap = 1; });
    EXPECT_EQ(client.tracking()->leap, LeapNotice::kInsert);
    set([&] { tracking.leap = 2; });
    EXPECT_EQ(client.tracking()->leap, LeapNotice::kDelete);
    set([&] { tracking.leap = 0; });
    for (const unsigned stratum : {0u, 16u}) {
        set([&] { tracking.stratum = stratum; });
        EXPECT_FALSE(client.tracking()->synchronised);
    }
}

TEST_F(Chrony, SourcesAreCountedWhenReachableAndGood) {
    auto read = client.sources();
    ASSERT_TRUE(read) << to_string(read.error());
    EXPECT_EQ(read->configured, 3u);
    EXPECT_EQ(read->usable, 3u);
    set([&] {
        sources = {source(0, 0xFF), source(1, 0xFF), source(2, 0xFF), source(3, 0xFF), source(4, 0)};
    });
    read = client.sources();
    ASSERT_TRUE(read);
    EXPECT_EQ(read->configured, 5u);
    EXPECT_EQ(read->usable, 1u);
    set([&] { sources.assign(40, source(4, 1)); });
    read = client.sources();
    ASSERT_TRUE(read);
    EXPECT_EQ(read->configured, 40u);
    EXPECT_EQ(read->usable, 16u);  // max_sources
}

TEST_F(Chrony, SilenceIsUnavailableWithinTheTimeoutAndPasses) {
    ChronyClient hasty({.socket = scratch / "chronyd.sock"});
    silent = true;
    const auto began = std::chrono::steady_clock::now();
    const auto read = hasty.tracking();
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::kUnavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 600ms);
    silent = false;
    EXPECT_TRUE(client.tracking());
}

TEST_F(Chrony, DaemonThatIsRestartedIsFoundAgain) {
    EXPECT_TRUE(client.tracking());
    daemon.close();
    EXPECT_FALSE(client.tracking());
    daemon.open();
    EXPECT_TRUE(client.tracking());
}

TEST_F(Chrony, AnswersThatAreSomethingElseAreNotTaken) {
    const auto refused = [&](const std::string& head, const std::string& tail) {
        daemon.change([&](auto& answer) {
            answer = [head, tail](unsigned, std::uint32_t) { return FakeChronyd::Answer{head, tail}; };
        });
        const auto read = client.tracking();
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().code, Errc::kCorrupt) << to_string(read.error());
    };
    const std::string tail = kTrackingTail + tracking.data();
    refused("05020000002100050000000000000000", tail);  // another version
    refused("06010000002100050000000000000000", tail);  // a request
    refused("06020000000e00050000000000000000", tail);  // of another command
    refused("06020000002100020000000000000000", tail);  // another reply
    refused("06020000002100050002000000000000", tail);  // unauthorised
    daemon.change([&](auto& answer) { answer = answers; });
    EXPECT_TRUE(client.tracking());
}

TEST(ChronyAbsent, IsUnavailableAndLeavesNoSocketBehind) {
    sigillo::testing::ScratchDirectory scratch;
    ChronyClient client({.socket = scratch / "chronyd.sock"});
    const auto read = client.tracking();
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::kUnavailable);
    EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
    ChronyClient lost({.socket = scratch / "no" / "chronyd.sock"});
    EXPECT_FALSE(lost.tracking());
    ChronyClient overlong({.socket = scratch / std::string(200, 'x')});
    EXPECT_FALSE(overlong.tracking());
}

}  // namespace
}  // namespace sigillo::tsa
