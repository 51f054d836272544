#include "appliance/signing/revision.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace sigillo::signing {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;  // fits a core's cache beside SHA-2's work

std::unexpected<Error> unfit(const std::string& what) {
    return fail(Errc::kInvalidArgument, "prepared revision: " + what, "revision");
}

// Where the gap begins and ends. Lengths are compared by subtraction, so that none wraps around.
struct Gap {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

Result<Gap> gap_of(const PreparedRevision& revision, const RevisionLimits& limits) {
    const auto [first, first_length, second, second_length] = revision.byte_range;
    if (first != 0) return unfit("the ByteRange does not begin at 0");
    if (second > revision.size || first_length >= second)
        return unfit("the ByteRange has no gap inside the file");
    if (second_length != revision.size - second)
        return unfit("the ByteRange does not end where the file ends");
    if (revision.original_size == 0) return unfit("there is no document before it");
    if (first_length < revision.original_size)
        return unfit("the gap of the ByteRange begins inside the document");
    const std::uint64_t length = second - first_length;
    if (length < limits.gap_least || length > limits.gap_most)
        return unfit("a gap of " + std::to_string(length) + " bytes; it takes " +
                     std::to_string(limits.gap_least) + " to " + std::to_string(limits.gap_most));
    if (length % 2 != 0) return unfit("a gap of an odd length holds no hexadecimal string of bytes");
    return Gap{first_length, second};
}

// Calls take(bytes) for all of [begin, end), in order.
template <class Take>
Status read_range(int fd, std::uint64_t begin, std::uint64_t end, Bytes& piece, const Take& take) {
    while (begin < end) {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), end - begin));
        const auto got = ::pread(fd, piece.data(), wanted, static_cast<off_t>(begin));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(errno_error(errno, "read a prepared revision"));
        if (got == 0) return fail(Errc::kUnavailable, "a prepared revision ends before its size");
        const auto size = static_cast<std::size_t>(got);
        SIGILLO_TRY(take(ByteView(piece).first(size)));
        begin += size;
    }
    return {};
}

}  // namespace

Result<Digest> digest_of_revision(const PreparedRevision& revision, const Digest& authorised,
                                  const RevisionLimits& limits) {
    SIGILLO_ASSIGN(const Gap gap, gap_of(revision, limits));
    Bytes piece(kPiece);

    // The gap first: it is short, and what hides in it costs nobody a pass over the file.
    std::uint64_t at = gap.begin;
    SIGILLO_TRY(read_range(revision.fd, gap.begin, gap.end, piece, [&](ByteView bytes) -> Status {
        for (const std::uint8_t byte : bytes) {
            const std::uint8_t expected = at == gap.begin ? '<' : at == gap.end - 1 ? '>' : '0';
            if (byte != expected) return unfit("its gap is no placeholder of zeros");
            ++at;
        }
        return {};
    }));

    Hasher hasher(authorised.algorithm());
    const auto hash = [&hasher](ByteView bytes) -> Status {
        hasher.update(bytes);
        return {};
    };
    SIGILLO_TRY(read_range(revision.fd, 0, revision.original_size, piece, hash));
    if (hasher.digest() != authorised)
        return fail(Errc::kHashNotAuthorized, "the document before the revision has another digest",
                    "document");
    SIGILLO_TRY(read_range(revision.fd, revision.original_size, gap.begin, piece, hash));
    SIGILLO_TRY(read_range(revision.fd, gap.end, revision.size, piece, hash));
    return hasher.digest();
}

}  // namespace sigillo::signing
