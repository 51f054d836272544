// Who ordered something, and why: the part that every order of an officer has in common, as it goes into the
// log.
#pragma once

#include <string_view>

#include "appliance/audit/event.h"

namespace sigillo {

// Views of the caller's, for as long as the order is carried out.
struct OfficerOrder {
    std::string_view officer;   // officer_name() of admin_service.h
    std::string_view reason{};  // may be empty: then the event has no such member
};

inline void set_order(audit::Event& event, const OfficerOrder& order) {
    event.set("officer", order.officer);
    if (!order.reason.empty()) event.set("reason", order.reason);
}

}  // namespace sigillo
