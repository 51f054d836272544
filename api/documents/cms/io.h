// Where documents are read from and written to: descriptors or memory. Content passes through a small buffer,
// so that memory does not grow with it.
//
// Not thread-safe. Nothing here owns a descriptor.
#pragma once

#include <cstdint>
#include <vector>

#include "appliance/base/bytes.h"
#include "appliance/base/digest.h"
#include "appliance/base/result.h"

namespace sigillo::cms {

// Bytes that can be read in any order. The size is that of creation.
class ByteSource {
 public:
    virtual ~ByteSource() = default;
    virtual std::uint64_t size() const = 0;
    // Fills `out` with the bytes from `offset` on. kInvalidArgument: the source ends before; kUnavailable:
    // read failed, errno in `native`.
    virtual Status read_at(std::uint64_t offset, std::span<std::uint8_t> out) const = 0;
};

class MemorySource final : public ByteSource {
 public:
    explicit MemorySource(ByteView bytes) : bytes_(bytes) {}  // a view: `bytes` must outlive it
    std::uint64_t size() const override { return bytes_.size(); }
    Status read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override;

 private:
    ByteView bytes_;
};

class FdSource final : public ByteSource {
 public:
    // A regular file or memfd, open for reading; its offset is neither used nor moved. kInvalidArgument for
    // anything else.
    static Result<FdSource> create(int fd);
    std::uint64_t size() const override { return size_; }
    Status read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override;

 private:
    FdSource(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
    int fd_;
    std::uint64_t size_;
};

class ByteSink {
 public:
    virtual ~ByteSink() = default;
    virtual Status write(ByteView bytes) = 0;
};

class MemorySink final : public ByteSink {
 public:
    explicit MemorySink(std::size_t limit) : limit_(limit) {}
    Status write(ByteView bytes) override;  // kLimitExceeded
    Bytes take() { return std::move(bytes_); }

 private:
    std::size_t limit_;
    Bytes bytes_;
};

// Writes at the descriptor's offset. kStorageFull (ENOSPC, EDQUOT, EFBIG) or kUnavailable, errno in `native`.
class FdSink final : public ByteSink {
 public:
    explicit FdSink(int fd) : fd_(fd) {}
    Status write(ByteView bytes) override;

 private:
    int fd_;
};

struct Range {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

// What was signed: the pieces of a source in order. The source must outlive it.
struct Content {
    const ByteSource* source = nullptr;
    std::vector<Range> ranges;

    static Content whole(const ByteSource& source) { return {&source, {{0, source.size()}}}; }
    std::uint64_t size() const;
    Status copy_to(ByteSink& sink) const;
    Result<Digest> digest(HashAlgorithm algorithm) const;
};

}  // namespace sigillo::cms
