#include "hardening/hardening.h"

namespace sigillo {

void read_hardening_config(ConfigFile& file, std::string_view table, HardeningConfig& config) {
    const auto key = [table](std::string_view name) { return std::string(table) + "." + std::string(name); };
    file.flag(key("allow_root"), config.allow_root);
    file.flag(key("lock_memory"), config.lock_memory);
    file.flag(key("landlock"), config.landlock);
    std::string action;
    file.text(key("seccomp"), action);
    if (action == "off") {
        config.seccomp = SeccompAction::kOff;
    } else if (action == "errno") {
        config.seccomp = SeccompAction::kErrno;
    } else if (action == "kill") {
        config.seccomp = SeccompAction::kKill;
    } else if (!action.empty()) {
        file.complain(key("seccomp"), R"(must be "off", "errno" or "kill")");
    }
}

}  // namespace sigillo
