#include "appliance/activation/refusal_log.h"

namespace sigillo::activation {

bool RefusalLog::admit(const std::string& key, std::uint32_t most, BootTime now) {
    constexpr BootTime kMinute = std::chrono::minutes(1);
    const auto over = [&](const Minute& minute) { return now - minute.start >= kMinute; };
    auto entry = minutes_.find(key);
    if (entry == minutes_.end()) {
        if (minutes_.size() >= config_.remembered)
            std::erase_if(minutes_, [&](const auto& old) { return over(old.second); });
        if (minutes_.size() >= config_.remembered) return false;
        entry = minutes_.emplace(key, Minute{now, 0}).first;
    }
    if (over(entry->second)) entry->second = Minute{now, 0};
    if (entry->second.count >= most) return false;
    ++entry->second.count;
    return true;
}

void RefusalLog::record(std::string_view type, const CredentialId& credential, const ClientId& client,
                        Errc reason) {
    ++total_;
    std::uint64_t unlogged = 0;
    {
        const std::lock_guard lock(mutex_);
        const BootTime now = ledger_.clock().boot_now();
        if (!admit("a" + client.str(), config_.per_client, now) ||
            !admit("c" + credential.str(), config_.per_credential, now)) {
            ++unlogged_;
            ++unlogged_total_;
            return;
        }
        unlogged = std::exchange(unlogged_, 0);
    }
    const Status logged = ledger_.update([&](audit::Recorder& recorder) -> Status {
        auto event = recorder.event(type);
        event.set("credential", credential.str())
            .set("client", client.str())
            .set("reason", errc_name(reason));
        if (unlogged > 0) event.set("unlogged", unlogged);
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    });
    if (logged) return;
    logger_.warning("refusal_not_logged", {{"credential", credential.str()},
                                           {"client", client.str()},
                                           {"reason", errc_name(reason)},
                                           {"error", logged.error()}});
    const std::lock_guard lock(mutex_);
    unlogged_ += unlogged + 1;
    ++unlogged_total_;
}

}  // namespace sigillo::activation
