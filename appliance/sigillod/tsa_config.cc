#include "appliance/sigillod/tsa_config.h"

#include "appliance/base/oid.h"

namespace sigillo {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

void read_token(ConfigFile& file, TsaSettings& tsa) {
    file.required_text("tsa.token", tsa.token)
        .required_text("tsa.pin_file", tsa.pin_file)
        .text("tsa.token_directory", tsa.token_directory)
        .count("tsa.max_sessions", tsa.max_sessions, 1, 256)
        .duration("tsa.session_wait_ms", tsa.session_wait, 10, 300'000)
        .duration("tsa.slow_call_ms", tsa.slow_call, 10, 600'000)
        .duration("tsa.slow_generation_ms", tsa.slow_generation, 10, 3'600'000)
        .duration("tsa.recovery_pause_ms", tsa.recovery_pause, 10, 60'000);
}

void read_store(ConfigFile& file, TsaSettings& tsa) {
    std::int64_t map_mib = static_cast<std::int64_t>(tsa.store.map_bytes) / kMiB;
    file.required_text("tsa.store_directory", tsa.store.directory)
        .integer("tsa.map_size_mib", map_mib, 16, std::int64_t{16} << 20)
        .count("tsa.store_queue_limit", tsa.store.queue_limit, 16, 1'000'000)
        .count("tsa.group_limit", tsa.store.group_limit, 1, 10'000)
        .duration("tsa.linger_us", tsa.store.linger, 0, 100'000);
    tsa.store.map_bytes = static_cast<std::uint64_t>(map_mib * kMiB);
}

void read_log(ConfigFile& file, TsaSettings& tsa) {
    file.required_text("tsa.log_directory", tsa.log_directory)
        .required_text("tsa.log_origin", tsa.log_origin)
        .texts("tsa.log_anchors", tsa.log_anchors)
        .duration("tsa.publish_interval_ms", tsa.log.interval, 10, 1'000)
        .duration("tsa.anchor_interval_ms", tsa.log.anchor_interval, 10, 60'000)
        .duration("tsa.lag_limit_ms", tsa.log.lag_limit, 1'000, 600'000)
        .count("tsa.sweep_step", tsa.sweep.step, 1, 100'000)
        .duration("tsa.sweep_pause_ms", tsa.sweep.pause, 0, 60'000)
        .duration("tsa.sweep_round_interval_ms", tsa.sweep.round_interval, 100, 86'400'000);
}

void read_tokens(ConfigFile& file, TsaSettings& tsa) {
    std::chrono::milliseconds accuracy =
        std::chrono::duration_cast<std::chrono::milliseconds>(tsa.time.accuracy);
    file.count("tsa.node", tsa.authority.node, 0, 65'535)
        .duration("tsa.accuracy_ms", accuracy, 1, 1'000)  // EN 319 421 §7.7.2: one second or better
        .texts("tsa.policies", tsa.authority.policies)
        .text("tsa.unchecked_policy", tsa.authority.unchecked_policy)
        .flag("tsa.name_in_tokens", tsa.authority.name_in_tokens)
        .duration("tsa.rotation_patience_ms", tsa.authority.rotation_patience, 10, 60'000)
        .count("tsa.max_nonce_bytes", tsa.requests.max_nonce_bytes, 8, 1'024)
        .count("tsa.max_policy_bytes", tsa.requests.max_policy_bytes, 8, 1'024)
        .flag("tsa.negative_nonce", tsa.requests.negative_nonce)
        .count("tsa.threads", tsa.threads, 1, 1'024)
        .count("tsa.queue_limit", tsa.queue_limit, 1, 1'000'000);
    tsa.time.accuracy = accuracy;
    for (const std::string& policy : tsa.authority.policies)
        if (!encode_oid(policy)) file.complain("tsa.policies", "\"" + policy + "\" is no OID");
    if (!encode_oid(tsa.authority.unchecked_policy)) file.complain("tsa.unchecked_policy", "is no OID");
}

void read_time(ConfigFile& file, TsaSettings& tsa) {
    std::string time = "kernel";
    std::string socket = tsa.chrony.socket.string();
    std::string own_directory = tsa.chrony.own_directory.string();
    tsa::TimeRules& rules = tsa.time.rules;
    file.text("tsa.time", time)
        .text("tsa.chrony_socket", socket)
        .text("tsa.chrony_directory", own_directory)
        .duration("tsa.chrony_timeout_ms", tsa.chrony.timeout, 10, 300)
        .count("tsa.chrony_max_sources", tsa.chrony.max_sources, 1, 64)
        .count("tsa.min_sources", rules.min_sources, 1, 64)
        .duration("tsa.jump_limit_us", rules.jump_limit, 1'000, 500'000)
        .duration("tsa.jump_hold_ms", rules.jump_hold, 0, 3'600'000)
        .duration("tsa.leap_before_s", rules.leap_before, 1, 3'600)
        .duration("tsa.leap_after_s", rules.leap_after, 1, 3'600)
        .duration("tsa.clock_interval_ms", tsa.time.interval, 10, 400)
        .duration("tsa.verdict_life_ms", tsa.time.verdict_life, 50, 1'000)
        .duration("tsa.sources_interval_ms", tsa.time.sources_interval, 100, 60'000);
    tsa.chrony.socket = socket;
    tsa.chrony.own_directory = own_directory;
    tsa.kernel_time = time == "kernel";
    if (time != "kernel" && time != "unchecked")
        file.complain("tsa.time", R"(must be "kernel" or "unchecked")");
    if (tsa.time.verdict_life <= tsa.time.interval)
        file.complain("tsa.verdict_life_ms", "must be longer than tsa.clock_interval_ms");
    if (tsa.kernel_time && tsa.authority.policies.empty())
        file.complain("tsa.policies", "a TSA with a checked clock needs the OID of its policy");
}

void read_units(ConfigFile& file, TsaSettings& tsa) {
    std::int64_t key_life = tsa.units.key_life.count();
    std::int64_t margin = tsa.units.margin.count();
    std::int64_t reserve_mib = static_cast<std::int64_t>(tsa.reserve.bytes) / kMiB;
    file.integer("tsa.key_life_days", key_life, 1, 3'650)
        .integer("tsa.margin_days", margin, 0, 3'650)
        .flag("tsa.destroy_when_over", tsa.units.destroy_when_over)
        .count("tsa.max_units", tsa.units.max_units, 1, 1'000)
        .duration("tsa.housekeeping_interval_s", tsa.housekeeping_interval, 1, 86'400)
        .integer("tsa.reserve_mib", reserve_mib, 0, 16'777'216)
        .duration("tsa.reserve_interval_ms", tsa.reserve.interval, 10, 60'000);
    tsa.units.key_life = std::chrono::days(key_life);
    tsa.units.margin = std::chrono::days(margin);
    tsa.reserve.bytes = static_cast<std::uint64_t>(reserve_mib * kMiB);
}

}  // namespace

void read_tsa(ConfigFile& file, TsaSettings& tsa) {
    read_token(file, tsa);
    read_store(file, tsa);
    read_log(file, tsa);
    read_tokens(file, tsa);
    read_time(file, tsa);
    read_units(file, tsa);
    tsa.reserve.path = tsa.store.directory;
}

}  // namespace sigillo
