// Reading and writing of connections, a bounded piece at a time.
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "api/http/api_transport.h"
#include "appliance/base/secret.h"

namespace sigillo::api {
namespace {

namespace polling = Pistache::Polling;

// Of one connection before the next one's turn: half a millisecond of copying.
constexpr int kReadsATurn = 32;
constexpr std::uint64_t kFileBytesATurn = std::uint64_t{1} << 20;

}  // namespace

// What has come, as far as one look shows: a read that does not fill the buffer took everything, and what
// comes later is an event of its own. False: the peer has closed, or failed; Pistache finds the same and
// clears up.
bool ApiTransport::read_in(int fd) {
    std::array<char, std::size_t{16} << 10> chunk;
    for (int turn = 0; turn < kReadsATurn;) {
        const auto count = ::recv(fd, chunk.data(), chunk.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        const auto size = static_cast<std::size_t>(count);
        input(fd, {chunk.data(), size});
        if (size < chunk.size()) return true;
        ++turn;
    }
    unfinished_.push_back(fd);
    return true;
}

// The connections whose turn was over before they were done; again later if they are not done now.
void ApiTransport::go_on() {
    if (unfinished_.empty()) return;
    const auto round = std::exchange(unfinished_, {});
    for (const int fd : round) {
        try {
            go_on(fd);
        } catch (const std::exception& e) {
            shared_->logger.error("transport_fault", {{"what", e.what()}});
        }
    }
    if (!unfinished_.empty()) mailbox_->wake();
}

void ApiTransport::go_on(int fd) {
    const auto found = connections_.find(fd);
    if (found == connections_.end()) return;
    if (found->second.answering()) write_out(fd, found->second);
    if (!read_in(fd)) end_at_peer(fd);
}

void ApiTransport::end_at_peer(int fd) {
    polling::Event end(polling::Tag(static_cast<std::uint64_t>(fd)));
    end.flags.setFlag(polling::NotifyOn::Read);
    std::vector<polling::Event> one{end};
    Transport::onReady(Pistache::Aio::FdSet(std::move(one)));
}

void ApiTransport::write_out(int fd, Connection& connection) {
    if (!connection.answering()) return;
    while (connection.sent < connection.out.size()) {
        const auto count = ::send(fd, connection.out.data() + connection.sent,
                                  connection.out.size() - connection.sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            wait_until_writable(fd);
            return;
        }
        if (count < 0) {
            hang_up(fd, connection);
            return;
        }
        connection.sent += static_cast<std::size_t>(count);
    }
    if (connection.file && !write_file(fd, connection)) return;
    cleanse(connection.out);  // an enrolment's answer holds a seed
    connection.sent = 0;
    connection.file.reset();
    if (connection.closing)
        hang_up(fd, connection);
    else
        pump(fd, connection);
}

// True: all of it has gone.
bool ApiTransport::write_file(int fd, Connection& connection) {
    std::uint64_t left_of_turn = kFileBytesATurn;
    while (connection.file_sent < connection.file->size()) {
        if (left_of_turn == 0) {
            unfinished_.push_back(fd);
            mailbox_->wake();
            return false;
        }
        auto offset = static_cast<off_t>(connection.file_sent);
        const std::uint64_t piece = std::min(left_of_turn, connection.file->size() - connection.file_sent);
        const auto count = ::sendfile(fd, connection.file->fd(), &offset, piece);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            wait_until_writable(fd);
            return false;
        }
        if (count <= 0) {  // an error, or a file that has become shorter
            hang_up(fd, connection);
            return false;
        }
        connection.file_sent += static_cast<std::uint64_t>(count);
        left_of_turn -= static_cast<std::uint64_t>(count);
    }
    return true;
}

void ApiTransport::wait_until_writable(int fd) {
    reactor()->modifyFd(key(), fd, polling::NotifyOn::Read | polling::NotifyOn::Write, polling::Mode::Edge);
}

// Pistache closes the descriptor when it reads the end that this makes. Never from here: its reading loop may
// be below us on the stack.
void ApiTransport::hang_up(int fd, Connection& connection) {
    connection.closing = true;
    ::shutdown(fd, SHUT_RDWR);
}

}  // namespace sigillo::api
