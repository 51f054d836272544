// What is degraded and why: one report for /healthz, /metrics, `sigilloctl status` and the tests.
//
// Thread-safe. Asks every part for its own health; never touches the HSM or writes the store, so that it
// answers while they hang.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "appliance/ipc/sam.pb.h"

namespace sigillo {

class Health {
 public:
    enum class State : std::uint8_t { kOk, kDegraded, kFailed };
    struct Item {
        std::string name;
        State state = State::kOk;
        std::string reason;  // empty when ok
    };
    using Probe = std::function<Item()>;
    using Metric = std::function<double()>;

    // To be called before anybody reports. Probes and metrics are called on the thread that reports.
    void add_probe(Probe probe) { probes_.push_back(std::move(probe)); }
    void add_metric(std::string name, Metric metric) {
        metrics_.emplace_back(std::move(name), std::move(metric));
    }

    // The state is the worst of the items.
    sam::Health report() const;

 private:
    std::vector<Probe> probes_;
    std::vector<std::pair<std::string, Metric>> metrics_;
};

}  // namespace sigillo
