#include "appliance/sigillod/health.h"

#include <algorithm>

namespace sigillo {
namespace {

const char* state_name(Health::State state) {
    switch (state) {
        case Health::State::kOk:
            return "ok";
        case Health::State::kDegraded:
            return "degraded";
        case Health::State::kFailed:
            return "failed";
    }
    return "failed";
}

}  // namespace

sam::Health Health::report() const {
    sam::Health report;
    State worst = State::kOk;
    for (const Probe& probe : probes_) {
        const Item item = probe();
        worst = std::max(worst, item.state);
        sam::HealthItem& out = *report.add_items();
        out.set_name(item.name);
        out.set_state(state_name(item.state));
        out.set_reason(item.reason);
    }
    report.set_state(state_name(worst));
    for (const auto& [name, metric] : metrics_) (*report.mutable_metrics())[name] = metric();
    return report;
}

}  // namespace sigillo
