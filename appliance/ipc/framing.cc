#include "appliance/ipc/framing.h"

#include <openssl/crypto.h>

namespace sigillo::ipc {
namespace {

constexpr std::size_t kHeaderSize = 4;

}  // namespace

Bytes encode_frame(ByteView payload) {
    Bytes frame;
    frame.reserve(kHeaderSize + payload.size());
    append_u32(frame, static_cast<std::uint32_t>(payload.size()));
    append(frame, payload);
    return frame;
}

std::optional<std::uint64_t> message_id(ByteView payload) {
    constexpr std::uint8_t kFieldOneVarint = 0x08;
    constexpr std::size_t kLongestVarint = 10;  // bytes: 64 bits in groups of 7
    if (payload.size() < 2 || payload[0] != kFieldOneVarint) return std::nullopt;
    payload = payload.subspan(1);
    std::uint64_t id = 0;
    for (std::size_t i = 0; i < payload.size() && i < kLongestVarint; ++i) {
        const std::uint64_t group = payload[i] & 0x7fU;
        if (i == kLongestVarint - 1 && group > 1) return std::nullopt;  // past 64 bits
        id |= group << (7 * i);
        if ((payload[i] & 0x80U) != 0) continue;
        if (group == 0) return std::nullopt;  // 0, or a longer form than the number needs
        return id;
    }
    return std::nullopt;
}

void FrameReader::feed(ByteView bytes) {
    // What was handed out is dropped only when it is the larger part, so that a byte moves at most once or
    // twice.
    if (consumed_ == buffer_.size()) {
        buffer_.clear();
        consumed_ = 0;
    } else if (consumed_ > buffer_.size() / 2) {
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
        consumed_ = 0;
    }
    append(buffer_, bytes);
}

Result<std::optional<Bytes>> FrameReader::next() {
    const ByteView rest = ByteView(buffer_).subspan(consumed_);
    if (rest.size() < kHeaderSize) return std::optional<Bytes>{};
    const std::size_t size = read_u32(rest);
    if (size == 0) return fail(Errc::kInvalidArgument, "empty frame");
    if (size > limit_)
        return fail(Errc::kLimitExceeded,
                    "frame of " + std::to_string(size) + " bytes, at most " + std::to_string(limit_));
    if (rest.size() - kHeaderSize < size) return std::optional<Bytes>{};
    auto payload = std::optional<Bytes>(to_bytes(rest.subspan(kHeaderSize, size)));
    // It may hold an OTP's seed or a PIN: the reader keeps no copy.
    OPENSSL_cleanse(buffer_.data() + consumed_ + kHeaderSize, size);
    consumed_ += kHeaderSize + size;
    return payload;
}

}  // namespace sigillo::ipc
