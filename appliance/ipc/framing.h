// Frames on sigillod's sockets: 4 bytes of length, big-endian, then that many bytes of protobuf.
// A frame of length 0 or above the configured limit ends the connection: a peer that sends it is broken or
// hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::ipc {

// 256 hashes of 64 bytes with their framing need 17 KiB, a page of 1,000 credentials with their chains about
// 3 MiB; 4 MiB leaves room and bounds what one peer can make the other allocate.
inline constexpr std::size_t kDefaultFrameLimit = std::size_t{4} << 20;

// length ‖ payload.
Bytes encode_frame(ByteView payload);

// The id of a request or answer, read without decoding it: field 1, a varint, which every message of
// sam.proto begins with. Nothing when the payload does not begin so, the number is not in its shortest form,
// or is 0. Pure; safe from any thread.
std::optional<std::uint64_t> message_id(ByteView payload);

// Cuts a stream into frames. Not thread-safe.
class FrameReader {
 public:
    explicit FrameReader(std::size_t limit = kDefaultFrameLimit) : limit_(limit) {}
    void feed(ByteView bytes);
    // The next whole frame's payload, nothing yet, or kLimitExceeded / kInvalidArgument: close the
    // connection.
    Result<std::optional<Bytes>> next();

 private:
    const std::size_t limit_;
    Bytes buffer_;
    std::size_t consumed_ = 0;
};

}  // namespace sigillo::ipc
