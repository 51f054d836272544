#include "api/documents/pdf/embed.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <string>

#include "appliance/base/encoding.h"
#include "appliance/base/file.h"

namespace sigillo::pdf {
namespace {

// All of it; a file that ends before is an error.
Status read_at(int fd, std::span<char> out, std::uint64_t offset) {
    while (!out.empty()) {
        const ssize_t got = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return std::unexpected(errno_error(got < 0 ? errno : EIO, "reading the prepared document"));
        out = out.subspan(static_cast<std::size_t>(got));
        offset += static_cast<std::uint64_t>(got);
    }
    return {};
}

Status write_at(int fd, std::string_view text, std::uint64_t offset) {
    while (!text.empty()) {
        const ssize_t written = ::pwrite(fd, text.data(), text.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            return std::unexpected(errno_error(written < 0 ? errno : EIO, "writing the signature"));
        text.remove_prefix(static_cast<std::size_t>(written));
        offset += static_cast<std::uint64_t>(written);
    }
    return {};
}

}  // namespace

Status embed_signature(int prepared, const SignatureGap& gap, ByteView cms) {
    if (cms.size() > gap.contents_size)
        return fail(Errc::kLimitExceeded,
                    "the signature has " + std::to_string(cms.size()) + " octets, the gap " +
                        std::to_string(gap.contents_size),
                    "contents_size");
    const bool plausible = gap.contents_offset > 0 && gap.contents_size <= kLargestGap;
    std::string there(plausible ? gap.contents_size * 2 + 2 : 0, '\0');
    if (plausible) SIGILLO_TRY(read_at(prepared, there, gap.contents_offset - 1));
    if (!plausible || there.front() != '<' || there.back() != '>' ||
        std::any_of(there.begin() + 1, there.end() - 1, [](char digit) { return digit != '0'; }))
        return fail(Errc::kConflict, "the document has no empty gap for a signature at " +
                                         std::to_string(gap.contents_offset));
    return write_at(prepared, hex_encode(cms), gap.contents_offset);
}

}  // namespace sigillo::pdf
