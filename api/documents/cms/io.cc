#include "api/documents/cms/io.h"

#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace sigillo::cms {
namespace {

// Octets that pass at once: large enough that system calls do not count, small beside any limit.
constexpr std::size_t kBuffer = std::size_t{256} << 10;

template <class Take>
Status each_piece(const Content& content, Take take) {
    Bytes buffer(static_cast<std::size_t>(std::min<std::uint64_t>(kBuffer, content.size())));
    for (const Range& range : content.ranges)
        for (std::uint64_t done = 0; done < range.size;) {
            const auto piece = std::span(buffer).first(
                static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), range.size - done)));
            SIGILLO_TRY(content.source->read_at(range.offset + done, piece));
            SIGILLO_TRY(take(ByteView(piece)));
            done += piece.size();
        }
    return {};
}

}  // namespace

Status MemorySource::read_at(std::uint64_t offset, std::span<std::uint8_t> out) const {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset)
        return fail(Errc::kInvalidArgument, "the document ends early", "document");
    std::ranges::copy(bytes_.subspan(static_cast<std::size_t>(offset), out.size()), out.begin());
    return {};
}

Result<FdSource> FdSource::create(int fd) {
    struct stat about{};
    if (::fstat(fd, &about) != 0)
        return fail(Errc::kUnavailable, "fstat of a document failed", "document", errno);
    if (!S_ISREG(about.st_mode)) return fail(Errc::kInvalidArgument, "a document is no file", "document");
    return FdSource(fd, static_cast<std::uint64_t>(about.st_size));
}

Status FdSource::read_at(std::uint64_t offset, std::span<std::uint8_t> out) const {
    if (offset > size_ || out.size() > size_ - offset)
        return fail(Errc::kInvalidArgument, "the document ends early", "document");
    while (!out.empty()) {
        const ssize_t got = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(Errc::kUnavailable, "reading a document failed", "document", errno);
        if (got == 0)
            return fail(Errc::kInvalidArgument, "the document became shorter while it was read", "document");
        offset += static_cast<std::uint64_t>(got);
        out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
}

Status MemorySink::write(ByteView bytes) {
    if (bytes.size() > limit_ - bytes_.size())
        return fail(Errc::kLimitExceeded, "the result has more than " + std::to_string(limit_) + " octets",
                    "document");
    append(bytes_, bytes);
    return {};
}

Status FdSink::write(ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
            return fail(full ? Errc::kStorageFull : Errc::kUnavailable, "writing the result failed", {},
                        errno);
        }
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    return {};
}

std::uint64_t Content::size() const {
    std::uint64_t total = 0;
    for (const Range& range : ranges) total += range.size;
    return total;
}

Status Content::copy_to(ByteSink& sink) const {
    return each_piece(*this, [&](ByteView piece) { return sink.write(piece); });
}

Result<Digest> Content::digest(HashAlgorithm algorithm) const {
    const std::unique_ptr<EVP_MD_CTX, decltype([](EVP_MD_CTX* c) { EVP_MD_CTX_free(c); })> context(
        EVP_MD_CTX_new());
    const EVP_MD* const hash = EVP_get_digestbyname(std::string(hash_name(algorithm)).c_str());
    if (context == nullptr || EVP_DigestInit_ex2(context.get(), hash, nullptr) != 1)
        return fail(Errc::kInternal, "libcrypto has no " + std::string(hash_name(algorithm)));
    SIGILLO_TRY(each_piece(*this, [&](ByteView piece) -> Status {
        if (EVP_DigestUpdate(context.get(), piece.data(), piece.size()) != 1)
            return fail(Errc::kInternal, "libcrypto cannot hash");
        return {};
    }));
    Bytes value(digest_size(algorithm));
    if (EVP_DigestFinal_ex(context.get(), value.data(), nullptr) != 1)
        return fail(Errc::kInternal, "libcrypto cannot hash");
    return Digest::create(algorithm, value);
}

}  // namespace sigillo::cms
