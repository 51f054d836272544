#include "tsa/chrony_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <string>

namespace sigillo::tsa {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::uint8_t kProtocol = 6;
constexpr std::uint8_t kRequest = 1;
constexpr std::uint8_t kReply = 2;
constexpr std::size_t kRequestHeader = 20;
constexpr std::size_t kReplyHeader = 28;

constexpr std::size_t kCommandAt = 4;
constexpr std::size_t kReplyAt = 6;
constexpr std::size_t kStatusAt = 8;
constexpr std::size_t kSequenceInRequest = 8;
constexpr std::size_t kSequenceInReply = 16;

// Places in the data of an answer.
constexpr std::size_t kStratumOfTracking = 24;
constexpr std::size_t kLeapOfTracking = 26;
constexpr std::size_t kCorrection = 40;
constexpr std::size_t kRootDelay = 64;
constexpr std::size_t kRootDispersion = 68;
constexpr std::size_t kStateOfSource = 24;
constexpr std::size_t kReachability = 30;

// Values.
constexpr std::uint16_t kLeapInsert = 1;
constexpr std::uint16_t kLeapDelete = 2;
constexpr std::uint16_t kLeapUnsynchronised = 3;
constexpr std::uint16_t kStratumUnsynchronised = 16;
constexpr std::uint16_t kSelected = 0;    // shown as * by chronyc
constexpr std::uint16_t kCombined = 4;    // +
constexpr std::uint16_t kSelectable = 5;  // -

Microseconds read_seconds(ByteView data) {
    const std::uint32_t bits = read_u32(data);
    int exponent = static_cast<int>(bits >> 25U);
    if (exponent >= 64) exponent -= 128;
    auto coefficient = static_cast<std::int32_t>(bits & 0x1FF'FFFFU);
    if (coefficient >= 1 << 24) coefficient -= 1 << 25;
    const double seconds = std::abs(std::ldexp(static_cast<double>(coefficient), exponent - 25));
    // A day is as bad as for ever, and does not overflow.
    constexpr double kDay = 86'400;
    return Microseconds(static_cast<std::int64_t>(std::ceil(std::min(seconds, kDay) * 1e6)));
}

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& text = path.native();
    if (text.size() >= sizeof address.sun_path)
        return fail(Errc::kInvalidArgument, "path of a socket is too long: " + text);
    std::memcpy(address.sun_path, text.data(), text.size());
    return address;
}

}  // namespace

struct ChronyClient::Question {
    std::uint16_t command;
    std::uint16_t reply;
    std::size_t data_size;       // of the answer
    std::uint32_t argument = 0;  // the request's first word of data
    static Question tracking() { return {33, 5, 76}; }
    static Question source_count() { return {14, 2, 4}; }
    static Question source(std::uint32_t index) { return {15, 3, 48, index}; }
};

ChronyClient::~ChronyClient() {
    disconnect();
}

void ChronyClient::disconnect() {
    socket_.reset();
    if (!own_path_.empty()) ::unlink(own_path_.c_str());
    own_path_.clear();
}

Status ChronyClient::connect() {
    static std::atomic<unsigned> number{0};
    const auto directory =
        config_.own_directory.empty() ? config_.socket.parent_path() : config_.own_directory;
    const auto own =
        directory / ("sigillo-tsa." + std::to_string(::getpid()) + "." + std::to_string(++number));
    SIGILLO_ASSIGN(const sockaddr_un here, address_of(own));
    SIGILLO_ASSIGN(const sockaddr_un there, address_of(config_.socket));
    UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return std::unexpected(errno_error(errno, "socket"));
    ::unlink(own.c_str());  // of a process of the same number that was killed
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0)
        return std::unexpected(errno_error(errno, "bind " + own.string()));
    own_path_ = own;
    // chronyd's user must be able to write to it. What others write is not taken: the socket is connected.
    const bool open = ::chmod(own.c_str(), 0666) == 0;
    if (!open || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) {
        const int number_of_error = errno;
        disconnect();
        Error error = errno_error(number_of_error, "chronyd's socket " + config_.socket.string());
        error.code = Errc::kUnavailable;
        return std::unexpected(std::move(error));
    }
    socket_ = std::move(fd);
    return {};
}

Result<Bytes> ChronyClient::ask(const Question& question) {
    if (!socket_) SIGILLO_TRY(connect());
    auto answer = exchange(question);
    // chronyd that was restarted has another socket under the same name: connected anew the next time.
    if (!answer) disconnect();
    return answer;
}

Result<Bytes> ChronyClient::exchange(const Question& question) {
    const std::uint32_t sequence = ++sequence_;
    Bytes request{kProtocol, kRequest, 0, 0};
    append_u16(request, question.command);
    append_u16(request, 0);
    append_u32(request, sequence);
    request.resize(kRequestHeader);
    append_u32(request, question.argument);
    request.resize(kReplyHeader + question.data_size);
    static_assert(kSequenceInRequest == 8);
    if (::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
        return fail(Errc::kUnavailable, "chronyd cannot be asked", {}, errno);

    const auto deadline = Steady::now() + config_.timeout;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now());
        pollfd readable{socket_.get(), POLLIN, 0};
        const int ready = left.count() <= 0 ? 0 : ::poll(&readable, 1, static_cast<int>(left.count()));
        if (ready == 0)
            return fail(Errc::kUnavailable,
                        "chronyd has not answered for " + std::to_string(config_.timeout.count()) + " ms");
        std::array<std::uint8_t, 512> buffer{};
        const ssize_t size = ready < 0 ? -1 : ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (size < 0) {
            if (errno == EINTR || errno == EAGAIN) continue;
            return fail(Errc::kUnavailable, "chronyd's answer cannot be read", {}, errno);
        }
        const ByteView answer(buffer.data(), static_cast<std::size_t>(size));
        // What answers an earlier question, given up meanwhile, is passed over.
        if (answer.size() < kReplyHeader || read_u32(answer.subspan(kSequenceInReply)) != sequence) continue;
        const bool fits = answer[0] == kProtocol && answer[1] == kReply &&
                          read_u16(answer.subspan(kCommandAt)) == question.command;
        const std::uint16_t status = read_u16(answer.subspan(kStatusAt));
        if (!fits || status != 0 || read_u16(answer.subspan(kReplyAt)) != question.reply ||
            answer.size() < kReplyHeader + question.data_size)
            return fail(Errc::kCorrupt, "chronyd answers something else (version " +
                                            std::to_string(answer[0]) + ", status " + std::to_string(status) +
                                            "): is it one of 2.2 or later?");
        return to_bytes(answer.subspan(kReplyHeader));
    }
}

Result<DaemonTracking> ChronyClient::tracking() {
    SIGILLO_ASSIGN(const Bytes answer, ask(Question::tracking()));
    const ByteView data(answer);
    const std::uint16_t stratum = read_u16(data.subspan(kStratumOfTracking));
    const std::uint16_t leap = read_u16(data.subspan(kLeapOfTracking));
    DaemonTracking read;
    // While not synchronised chronyd says stratum 0, a leap status of 3, or both.
    read.synchronised = leap != kLeapUnsynchronised && stratum != 0 && stratum < kStratumUnsynchronised;
    if (leap == kLeapInsert) read.leap = LeapNotice::kInsert;
    if (leap == kLeapDelete) read.leap = LeapNotice::kDelete;
    read.correction = read_seconds(data.subspan(kCorrection));
    read.root_delay = read_seconds(data.subspan(kRootDelay));
    read.root_dispersion = read_seconds(data.subspan(kRootDispersion));
    return read;
}

Result<DaemonSources> ChronyClient::sources() {
    SIGILLO_ASSIGN(const Bytes count, ask(Question::source_count()));
    DaemonSources read;
    read.configured = read_u32(count);
    for (std::uint32_t index = 0; index < read.configured && index < config_.max_sources; ++index) {
        SIGILLO_ASSIGN(const Bytes answer, ask(Question::source(index)));
        const ByteView data(answer);
        const std::uint16_t state = read_u16(data.subspan(kStateOfSource));
        const bool good = state == kSelected || state == kCombined || state == kSelectable;
        // The last eight polls, one bit each: none of them answered means that it is only remembered.
        if (good && read_u16(data.subspan(kReachability)) != 0) ++read.usable;
    }
    return read;
}

}  // namespace sigillo::tsa
