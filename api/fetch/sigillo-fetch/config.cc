#include "api/fetch/sigillo-fetch/config.h"

#include "appliance/base/config_file.h"

namespace sigillo::fetch {
namespace {

constexpr std::int64_t kKiB = 1'024;
constexpr std::int64_t kMiB = 1'024 * kKiB;
// What fits into a frame with its envelope (fetch_client.h).
constexpr std::int64_t kMostBytes = 32 * kMiB;

void read_limits(ConfigFile& file, FetchConfig& config) {
    file.count("fetch.max_crl_bytes", config.max_crl_bytes, kKiB, kMostBytes)
        .count("fetch.max_certificate_bytes", config.max_certificate_bytes, kKiB, kMostBytes)
        .count("fetch.max_ocsp_bytes", config.max_ocsp_bytes, kKiB, kMostBytes)
        .count("fetch.max_ocsp_request_bytes", config.max_ocsp_request_bytes, 256, kMiB)
        .count("fetch.threads", config.threads, 1, 256)
        .count("fetch.threads_per_host", config.threads_per_host, 1, 256)
        .count("fetch.queue_limit", config.queue_limit, 1, 100'000);
}

void read_transfer(ConfigFile& file, TransferConfig& transfer) {
    std::int64_t slow = transfer.slow_bytes_per_second;
    file.text("fetch.ca_file", transfer.ca_file)
        .duration("fetch.connect_timeout_ms", transfer.connect_timeout, 10, 120'000)
        .duration("fetch.total_timeout_ms", transfer.total_timeout, 10, 600'000)
        .integer("fetch.slow_bytes_per_second", slow, 0, kMiB)
        .duration("fetch.slow_for_s", transfer.slow_for, 1, 600)
        .count("fetch.max_redirects", transfer.max_redirects, 0, 10)
        .count("fetch.max_header_bytes", transfer.max_header_bytes, kKiB, kMiB)
        .count("fetch.kept_handles", transfer.kept_handles, 0, 256);
    transfer.slow_bytes_per_second = static_cast<long>(slow);
}

void read_callbacks(ConfigFile& file, FetchConfig& config) {
    std::string spool;
    file.required_text("fetch.spool_directory", spool)
        .count("fetch.spool_entries", config.spool.entries, 1, 10'000'000)
        .count("fetch.spool_bytes", config.spool.bytes, kKiB, std::int64_t{1} << 40)
        .count("fetch.max_callback_bytes", config.callback.max_bytes, kKiB, 16 * kMiB)
        .count("fetch.max_callback_answer_bytes", config.callback.max_answer_bytes, 0, kMiB)
        .count("fetch.callback_attempts", config.callback.attempts, 1, 10'000)
        .duration("fetch.callback_first_pause_s", config.callback.first_pause, 1, 3'600)
        .duration("fetch.callback_longest_pause_s", config.callback.longest_pause, 1, 86'400)
        .duration("fetch.callback_life_h", config.callback.life, 1, 24 * 30)
        .count("fetch.callback_threads", config.callback.threads, 1, 64)
        .count("fetch.callback_threads_per_host", config.callback.threads_per_host, 1, 64);
    config.spool.directory = spool;
}

}  // namespace

Result<FetchConfig> load_fetch_config(const std::filesystem::path& path) {
    SIGILLO_ASSIGN(ConfigFile file, ConfigFile::load(path));
    FetchConfig config;
    file.required_text("fetch.socket", config.socket)
        .texts("fetch.users", config.users)
        .texts("fetch.allow", config.allow)
        .texts("fetch.callbacks", config.callbacks)
        .count("fetch.cache_entries", config.cache.entries, 0, 1'000'000)
        .count("fetch.cache_bytes", config.cache.bytes, 0, std::int64_t{1} << 34)
        .duration("fetch.cache_unjudged_s", config.cache.unjudged_life, 0, 3'600)
        .duration("fetch.cache_longest_s", config.cache.longest_life, 0, 86'400);
    read_limits(file, config);
    read_transfer(file, config.transfer);
    read_callbacks(file, config);
    read_hardening_config(file, "fetch", config.hardening);
    if (const auto list = config.allow_list(); !list) file.complain("fetch.allow", list.error().detail);
    if (const auto list = config.callback_list(); !list)
        file.complain("fetch.callbacks", list.error().detail);
    SIGILLO_TRY(file.finish());
    return config;
}

}  // namespace sigillo::fetch
