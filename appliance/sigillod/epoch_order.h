// An officer's order to go on although the store is not the one that was published: after a restore, or
// because there is nothing better. sigilloctl leaves it beside the store, sigillod carries it out at its next
// start, once.
#pragma once

#include "appliance/base/result.h"

namespace sigillo {

struct Foundation;

// `<store.directory>/epoch.order`, JSON {"officer","reason","time"}. Opens a new epoch of the log whose first
// leaf names the officer and the old checkpoint; every SAD is void and every accepted OTP step is raised past
// now, because the store cannot know what was spent after it was copied. The file is removed once all that is
// durable. No file: nothing. kInvalidArgument when the file is not an order.
Status carry_out_epoch_order(Foundation& base);

}  // namespace sigillo
