#include "api/http/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "appliance/base/ids.h"

namespace sigillo::api {

bool SpoolBudget::take(std::uint64_t bytes) {
    std::uint64_t before = taken_.load();
    do {
        if (bytes > limit_ - std::min(limit_, before)) return false;
    } while (!taken_.compare_exchange_weak(before, before + bytes));
    return true;
}

Status SpoolFile::reserve(std::uint64_t bytes) {
    if (!budget_->take(bytes))
        return fail(Errc::kUnavailable, "the spool is full of other requests' documents");
    reserved_ += bytes;
    return {};
}

Status SpoolFile::append(ByteView bytes) {
    if (size_ + bytes.size() > reserved_) SIGILLO_TRY(reserve(size_ + bytes.size() - reserved_));
    while (!bytes.empty()) {
        const auto count = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(errno_error(errno, "write to the spool"));
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        size_ += static_cast<std::uint64_t>(count);
    }
    return {};
}

Spool::Spool(const SpoolConfig& config, Random& random)
    : directory_(config.directory),
      random_(random),
      budget_(std::make_shared<SpoolBudget>(config.total_mib << 20)) {}

Result<std::shared_ptr<SpoolFile>> Spool::make() {
    const std::string path = directory_ / ("body-" + random_id(random_));
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return std::unexpected(errno_error(errno, "make a file in " + directory_.string()));
    if (::unlink(path.c_str()) != 0) return std::unexpected(errno_error(errno, "unlink " + path));
    return std::make_shared<SpoolFile>(std::move(fd), budget_);
}

}  // namespace sigillo::api
