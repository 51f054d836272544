#include "appliance/sigilloctl/epoch_order.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "appliance/base/clock.h"
#include "appliance/base/file.h"
#include "appliance/ipc/unix_socket.h"

namespace sigillo::ctl {

std::string officer_name() {
    uid_t uid = ::getuid();
    // Under sudo the person is the one who called it; root could say anything here, and could write any order
    // too.
    if (const char* caller = std::getenv("SUDO_UID"); uid == 0 && caller != nullptr) {
        const std::string_view text(caller);
        uid_t parsed = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
        if (error == std::errc{} && end == text.data() + text.size()) uid = parsed;
    }
    const passwd* entry = ::getpwuid(uid);
    const std::string number = "uid " + std::to_string(uid);
    return entry == nullptr ? number : std::string(entry->pw_name) + " (" + number + ")";
}

Status require_stopped(const Settings& settings) {
    const auto answer = ipc::connect_unix(settings.admin_socket);
    if (!answer && (answer.error().native == ENOENT || answer.error().native == ECONNREFUSED)) return {};
    return fail(Errc::kConflict,
                "sigillod is running (its admin socket " + settings.admin_socket +
                    " answers)\n  stop it first: systemctl stop sigillod, or packaging/quickstart.sh down");
}

Status write_epoch_order(const std::filesystem::path& store_directory, const std::string& reason,
                         const RestoredFrom& restored) {
    if (store_directory.empty())
        return fail(Errc::kInvalidArgument, "the store's directory is missing from the configuration");
    struct stat store{};
    if (::stat(store_directory.c_str(), &store) != 0)
        return std::unexpected(
            with_advice(errno_error(errno, "look at " + store_directory.string()),
                        "the store's directory must exist: is this the appliance's configuration?"));
    const std::filesystem::path path = store_directory / "epoch.order";
    std::error_code code;
    if (std::filesystem::exists(std::filesystem::symlink_status(path, code)))
        return fail(Errc::kAlreadyExists,
                    path.string() +
                        " is there already\n  start sigillod to carry it out, or remove it to order anew");
    nlohmann::json order = {
        {"officer", officer_name()},
        {"reason", reason},
        {"time", rfc3339(std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()))}};
    if (!restored.backup_time.empty()) {
        order["backup"] = restored.backup_time;
        order["newer_log"] = restored.newer_log;
    }
    const std::string text = order.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    SIGILLO_TRY(write_file_durably(path, as_bytes(text), 0600));
    if (::geteuid() == 0 && ::chown(path.c_str(), store.st_uid, store.st_gid) != 0)
        return std::unexpected(errno_error(errno, "give " + path.string() + " to the store's owner"));
    return {};
}

}  // namespace sigillo::ctl
