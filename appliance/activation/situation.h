// What Activator knows while it decides. Private to activation/.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "appliance/activation/activator.h"

namespace sigillo::activation {

// Read in one snapshot, before the factors are looked at; the deciding transaction compares it with the
// store.
struct Activator::Situation {
    // A factor that the credential binds and for which the request shows something.
    struct Bound {
        FactorType type = FactorType::kTotp;
        FactorId id;
        Record<record::Factor> factor;
        std::int64_t last_step = -1;
        const SecretBytes* shown = nullptr;  // into the request
    };

    SharedRecord<record::Credential> credential;  // never null
    Policy policy;
    FactorSet shown;
    const SecretBytes* click = nullptr;  // into the request
    std::vector<Bound> bound;

    // Something was shown that could be a guess.
    bool guess() const { return !bound.empty(); }
    std::vector<FactorId> factors() const {
        std::vector<FactorId> ids;
        ids.reserve(bound.size());
        for (const Bound& factor : bound) ids.push_back(factor.id);
        return ids;
    }
};

struct Activator::Evaluation {
    // For each of Situation::bound: whether it was right, and for an OTP the steps that it could stand for.
    struct Outcome {
        bool right = false;
        std::vector<std::int64_t> steps;
    };
    std::vector<Outcome> outcomes;
    std::optional<ClickEvidence> click;  // when it holds
    std::string click_problem;           // why not, or empty
    SecretBytes opening_key;             // pin: the key's key
    WallTime now;
};

}  // namespace sigillo::activation
