#include "appliance/activation/deadline.h"

#include <algorithm>

namespace sigillo::activation {

using std::chrono::milliseconds;

record::Deadline deadline_after(const Clock& clock, milliseconds from_now) {
    record::Deadline deadline;
    deadline.set_boot_id(clock.boot_id());
    deadline.set_boot_ms((clock.boot_now() + from_now).count());
    deadline.set_wall_ms(unix_millis(clock.now() + from_now));
    return deadline;
}

bool of_this_boot(const record::Deadline& deadline, const Clock& clock) {
    return deadline.boot_id() == clock.boot_id();
}

milliseconds remaining_this_boot(const record::Deadline& deadline, const Clock& clock) {
    if (!of_this_boot(deadline, clock)) return milliseconds(0);
    return std::max(milliseconds(deadline.boot_ms()) - clock.boot_now(), milliseconds(0));
}

milliseconds remaining(const record::Deadline& deadline, const Clock& clock) {
    if (of_this_boot(deadline, clock)) return remaining_this_boot(deadline, clock);
    return std::max(milliseconds(deadline.wall_ms() - unix_millis(clock.now())), milliseconds(0));
}

}  // namespace sigillo::activation
