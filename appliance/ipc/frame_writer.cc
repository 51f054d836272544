#include "appliance/ipc/frame_writer.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace sigillo::ipc {
namespace {

constexpr std::size_t kHeaderSize = 4;
constexpr std::size_t kKeptAllocation = std::size_t{256} << 10;  // bytes; a burst's memory goes back

enum class Written : std::uint8_t { kAll, kFull, kBroken };

// Advances `offset` over what the socket took.
Written write_some(int fd, ByteView bytes, std::size_t& offset) {
    while (offset < bytes.size()) {
        const auto sent =
            ::send(fd, bytes.data() + offset, bytes.size() - offset, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            offset += static_cast<std::size_t>(sent);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return Written::kFull;
        } else if (errno != EINTR) {
            return Written::kBroken;
        }
    }
    return Written::kAll;
}

}  // namespace

FrameWriter::Outcome FrameWriter::send(ByteView payload, When when) {
    bool changed = false;
    {
        std::unique_lock lock(mutex_);
        if (broken_) return Outcome::kBroken;
        const std::size_t backlog = queued_.size() + writing_ + unsent_.size() - sent_;
        if (backlog + kHeaderSize + payload.size() > backlog_limit_) return Outcome::kFull;
        append_u32(queued_, static_cast<std::uint32_t>(payload.size()));
        append(queued_, payload);
        if (busy_ || full_ || when == When::kOnResume) return Outcome::kAccepted;
        changed = write_out(lock);
    }
    if (changed) on_change_();
    return Outcome::kAccepted;
}

void FrameWriter::resume() {
    bool changed = false;
    {
        std::unique_lock lock(mutex_);
        if (busy_ || broken_) return;
        full_ = false;
        changed = write_out(lock);
    }
    if (changed) on_change_();
}

bool FrameWriter::write_out(std::unique_lock<std::mutex>& lock) {
    busy_ = true;
    Written written = Written::kAll;
    while (written == Written::kAll && !broken_ && (!unsent_.empty() || !queued_.empty())) {
        Bytes batch = std::move(unsent_);
        std::size_t offset = std::exchange(sent_, 0);
        unsent_.clear();
        if (batch.empty()) {
            batch.swap(queued_);
            offset = 0;
        }
        writing_ = batch.size() - offset;
        lock.unlock();
        written = write_some(fd_, batch, offset);
        lock.lock();
        writing_ = 0;
        if (written == Written::kFull) {
            unsent_ = std::move(batch);
            sent_ = offset;
        } else if (queued_.empty() && batch.capacity() <= kKeptAllocation) {
            batch.clear();
            queued_.swap(batch);  // the next frame needs no allocation
        }
    }
    busy_ = false;
    if (broken_) return false;
    full_ = written == Written::kFull;
    broken_ = written == Written::kBroken;
    return full_ || broken_;
}

void FrameWriter::abandon() {
    const std::lock_guard lock(mutex_);
    broken_ = true;
    queued_ = {};
    unsent_ = {};
    sent_ = 0;
}

bool FrameWriter::waiting() const {
    const std::lock_guard lock(mutex_);
    return full_ && !broken_;
}

bool FrameWriter::empty() const {
    const std::lock_guard lock(mutex_);
    return queued_.empty() && unsent_.empty() && writing_ == 0;
}

bool FrameWriter::broken() const {
    const std::lock_guard lock(mutex_);
    return broken_;
}

}  // namespace sigillo::ipc
