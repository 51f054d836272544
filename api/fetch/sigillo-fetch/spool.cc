#include "api/fetch/sigillo-fetch/spool.h"

#include <algorithm>

#include "appliance/base/file.h"

namespace sigillo::fetch {
namespace {

Result<spool::Callback> read(const std::filesystem::path& path) {
    SIGILLO_ASSIGN(const Bytes bytes, read_file(path));
    spool::Callback callback;
    if (!callback.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
        !is_callback_id(callback.id()) || path.stem() != callback.id())
        return fail(Errc::kCorrupt, path.string() + " is no callback");
    return callback;
}

}  // namespace

bool is_callback_id(std::string_view id) {
    return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_';
    });
}

Result<std::unique_ptr<Spool>> Spool::open(SpoolConfig config, Logger& logger) {
    std::unique_ptr<Spool> spool(new Spool(std::move(config), logger));
    std::error_code code;
    std::vector<std::filesystem::path> files;
    for (auto entry = std::filesystem::directory_iterator(spool->config_.directory, code);
         !code && entry != std::filesystem::directory_iterator(); entry.increment(code))
        if (entry->path().extension() == ".callback") files.push_back(entry->path());
    if (code) return std::unexpected(errno_error(code.value(), "read " + spool->config_.directory.string()));
    for (const auto& file : files) {
        const auto callback = read(file);
        if (callback) {
            spool->sizes_[callback->id()] = callback->body().size();
            spool->bytes_ += callback->body().size();
            continue;
        }
        ++spool->damaged_;
        std::filesystem::rename(file, std::filesystem::path(file) += ".bad", code);
        logger.error("callback_damaged", {{"file", file.string()}, {"error", callback.error()}});
    }
    return spool;
}

Status Spool::write(const spool::Callback& callback) const {
    Bytes bytes(callback.ByteSizeLong());
    callback.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
    return write_file_durably(file_of(callback.id()), bytes, 0600);
}

Status Spool::add(const spool::Callback& callback) {
    {
        const std::lock_guard lock(mutex_);
        if (sizes_.contains(callback.id()))
            return fail(Errc::kAlreadyExists, "callback " + callback.id() + " waits already", "id");
        if (sizes_.size() >= config_.entries || callback.body().size() > config_.bytes - bytes_)
            return fail(Errc::kLimitExceeded, "too many callbacks wait for delivery", "callbacks");
        sizes_.emplace(callback.id(), callback.body().size());
        bytes_ += callback.body().size();
    }
    Status written = write(callback);
    if (written) return {};
    const std::lock_guard lock(mutex_);
    sizes_.erase(callback.id());
    bytes_ -= callback.body().size();
    return written;
}

Status Spool::update(const spool::Callback& callback) {
    return write(callback);
}

Status Spool::remove(const std::string& id) {
    std::error_code code;
    std::filesystem::remove(file_of(id), code);
    if (code) return std::unexpected(errno_error(code.value(), "remove callback " + id));
    SIGILLO_TRY(sync_directory(config_.directory));
    const std::lock_guard lock(mutex_);
    if (const auto found = sizes_.find(id); found != sizes_.end()) {
        bytes_ -= found->second;
        sizes_.erase(found);
    }
    return {};
}

std::vector<spool::Callback> Spool::read_all() const {
    std::vector<std::string> ids;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, size] : sizes_) ids.push_back(id);
    }
    std::vector<spool::Callback> all;
    for (const std::string& id : ids) {
        auto callback = read(file_of(id));
        if (callback)
            all.push_back(*std::move(callback));
        else
            logger_.error("callback_damaged", {{"id", id}, {"error", callback.error()}});
    }
    return all;
}

std::size_t Spool::size() const {
    const std::lock_guard lock(mutex_);
    return sizes_.size();
}

}  // namespace sigillo::fetch
