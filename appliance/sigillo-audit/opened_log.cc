#include "appliance/sigillo-audit/opened_log.h"

#include "appliance/base/file.h"

namespace sigillo::audit_tool {

Result<audit::TrustedKeys> read_keys(const std::filesystem::path& file) {
    auto text = read_file(file, 64 << 10);
    if (!text) return fail(Errc::kInvalidArgument, "--key: " + text.error().detail, "key");
    auto keys = audit::TrustedKeys::parse(as_text(*text));
    if (!keys)
        return fail(Errc::kInvalidArgument, "--key " + file.string() + ": " + keys.error().detail, "key");
    return keys;
}

Result<audit::LogSnapshot> open_log(const LogArguments& arguments) {
    SIGILLO_ASSIGN(const auto keys, read_keys(arguments.key));
    std::error_code code;
    if (!std::filesystem::is_directory(arguments.log, code))
        return fail(Errc::kInvalidArgument, "--log " + arguments.log.string() + ": no such directory", "log");
    auto snapshot = audit::LogSnapshot::open(arguments.log, keys);
    if (!snapshot) {
        Error error = std::move(snapshot).error();
        error.field.clear();
        return std::unexpected(std::move(error));
    }
    return snapshot;
}

int report(const Error& error) {
    return error.field.empty() ? report_failure(error) : report_usage(error);
}

}  // namespace sigillo::audit_tool
