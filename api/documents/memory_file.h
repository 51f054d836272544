// A document in memory, without a mapping of it: a memfd, which workers get as a descriptor and sigillod
// sealed. What it takes counts as shared memory of whoever made it, and never as heap.
//
// Movable by its pointer; not thread-safe while it is written.
#pragma once

#include <cstdint>
#include <memory>

#include "appliance/base/bytes.h"
#include "appliance/base/digest.h"
#include "appliance/base/file.h"
#include "appliance/base/result.h"

namespace sigillo::api::documents {

class MemoryFile {
 public:
    // kUnavailable: no memory or descriptors.
    static Result<std::shared_ptr<MemoryFile>> create(const char* name);
    static Result<std::shared_ptr<MemoryFile>> of(ByteView bytes, const char* name);

    Status append(ByteView bytes);
    // The same bytes in a file of its own, copied by the kernel.
    Result<std::shared_ptr<MemoryFile>> copy(const char* name) const;
    // No byte of it changes from here on (appliance/ipc/sealed_memory.h).
    Status seal() const;

    int fd() const { return fd_.get(); }
    // As it is now: workers write into it.
    Result<std::uint64_t> size() const;
    // kUnavailable: read failed, or the file ends before.
    Status read(std::uint64_t offset, std::span<std::uint8_t> out) const;
    Status write(std::uint64_t offset, ByteView bytes) const;
    struct Range {
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
    };
    Result<Digest> digest(HashAlgorithm algorithm) const;
    Result<Digest> digest(HashAlgorithm algorithm, std::span<const Range> ranges) const;

 private:
    explicit MemoryFile(UniqueFd fd) : fd_(std::move(fd)) {}
    const UniqueFd fd_;
};

}  // namespace sigillo::api::documents
