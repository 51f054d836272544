// A peer that speaks bytes, not protocol: what a broken or hostile process would send. Blocking, with a time
// limit.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "appliance/ipc/framing.h"
#include "appliance/ipc/sam.pb.h"
#include "appliance/ipc/unix_socket.h"

namespace sigillo::testing {

inline constexpr std::chrono::milliseconds kPatience{10'000};

// A request that carries `text`, of any length.
inline Bytes request_bytes(std::uint64_t id, const std::string& text = "signer") {
    sam::SigningRequest request;
    request.set_id(id);
    request.mutable_get_signer()->set_signer_id(text);
    return to_bytes(request.SerializeAsString());
}

// Polls until `holds` or patience ends.
template <class Predicate>
bool eventually(Predicate holds) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

class RawPeer {
 public:
    explicit RawPeer(const std::string& path) : fd_(*ipc::connect_unix(path)) {}
    explicit RawPeer(UniqueFd fd) : fd_(std::move(fd)) {}

    bool send(ByteView bytes) {
        while (!bytes.empty()) {
            if (!ready(POLLOUT)) return false;
            const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent < 0) return false;
            bytes = bytes.subspan(static_cast<std::size_t>(sent));
        }
        return true;
    }
    bool send_frame(ByteView payload) { return send(ipc::encode_frame(payload)); }
    // Nothing when the other end closed.
    std::optional<Bytes> receive_frame() {
        std::array<std::uint8_t, 65536> chunk;
        for (;;) {
            auto frame = reader_.next();
            if (!frame) return std::nullopt;
            if (*frame) return **std::move(frame);
            if (!ready(POLLIN)) return std::nullopt;
            const auto got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
            if (got <= 0) return std::nullopt;
            reader_.feed(ByteView(chunk.data(), static_cast<std::size_t>(got)));
        }
    }
    bool closed_by_peer() { return !receive_frame().has_value(); }
    void close() { fd_.reset(); }
    int fd() const { return fd_.get(); }

 private:
    bool ready(short events) {
        pollfd polled{fd_.get(), events, 0};
        return ::poll(&polled, 1, static_cast<int>(kPatience.count())) > 0;
    }
    UniqueFd fd_;
    ipc::FrameReader reader_{std::size_t{64} << 20};
};

}  // namespace sigillo::testing
