// The numbered steps of the signing path, for those who watch it: fault tests stop the process at each of
// them.
#pragma once

#include <cstdint>

namespace sigillo::signing {

enum class Step : std::uint8_t {
    kChecked = 2,         // request and credential fit; nothing has changed yet
    kIntentDurable = 3,   // SAD spent, Intent in the log, grant in hand
    kSigned = 4,          // the HSM has signed and the signatures verify (steps 4 and 5)
    kOutcomeDurable = 6,  // Outcome in the log; not answered yet
};

// Called on the thread that signs, after each step. Production passes none.
class StepObserver {
 public:
    virtual ~StepObserver() = default;
    virtual void reached(Step step) = 0;
};

}  // namespace sigillo::signing
