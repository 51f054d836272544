#include "tests/fetch/http_peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace sigillo::testing {
namespace {

std::uint16_t bind_somewhere(const UniqueFd& fd) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
}

UniqueFd tcp_socket() {
    return UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

bool readable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    return ::poll(&entry, 1, 20) > 0;
}

}  // namespace

std::string PeerConnection::read_request() {
    const auto whole = [this]() -> std::size_t {
        const auto head = buffer_.find("\r\n\r\n");
        if (head == std::string::npos) return 0;
        std::string lower = buffer_.substr(0, head);
        std::ranges::transform(lower, lower.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const auto length = lower.find("content-length: ");
        const std::size_t body = length == std::string::npos ? 0 : std::stoul(lower.substr(length + 16));
        return buffer_.size() >= head + 4 + body ? head + 4 + body : 0;
    };
    while (!ending_) {
        if (const std::size_t size = whole()) {
            std::string request = buffer_.substr(0, size);
            buffer_.erase(0, size);
            return request;
        }
        if (!readable(fd_.get())) continue;
        std::array<char, 8192> chunk{};
        const ssize_t got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
        if (got <= 0) return {};
        buffer_.append(chunk.data(), static_cast<std::size_t>(got));
    }
    return {};
}

bool PeerConnection::send(std::string_view bytes) {
    while (!bytes.empty() && !ending_) {
        const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent < 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        else
            bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return bytes.empty();
}

bool PeerConnection::answer(int status, std::string_view body, std::string_view more_headers) {
    return send("HTTP/1.1 " + std::to_string(status) +
                " Word\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
                std::string(more_headers) + "\r\n" + std::string(body));
}

void PeerConnection::wait() {
    while (!ending_) {
        std::array<char, 64> chunk{};
        if (readable(fd_.get()) && ::recv(fd_.get(), chunk.data(), chunk.size(), 0) <= 0) return;
    }
}

HttpPeer::HttpPeer(Behaviour behaviour) : behaviour_(std::move(behaviour)), listening_(tcp_socket()) {
    port_ = bind_somewhere(listening_);
    if (::listen(listening_.get(), 64) != 0) throw std::runtime_error("listen");
    acceptor_ = std::thread([this] {
        while (!ending_) {
            if (!readable(listening_.get())) continue;
            UniqueFd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!fd) continue;
            ++connections_;
            threads_.emplace_back([this, connection = std::make_shared<PeerConnection>(
                                             std::move(fd), ending_)] { behaviour_(*connection); });
        }
    });
}

HttpPeer::~HttpPeer() {
    ending_ = true;
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
}

HttpPeer::Behaviour always(int status, std::string body, std::string more_headers) {
    return [=](PeerConnection& connection) {
        while (!connection.read_request().empty())
            if (!connection.answer(status, body, more_headers)) return;
    };
}

std::uint16_t free_port() {
    const UniqueFd fd = tcp_socket();
    return bind_somewhere(fd);
}

}  // namespace sigillo::testing
