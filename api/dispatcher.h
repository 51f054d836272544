// From a request to its handler: matches the route, names the client, and lets no exception out.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "api/routes.h"
#include "api/service.h"

namespace sigillo::api {

// Labels for Metrics, in the routes' order.
std::vector<std::string> metric_labels(std::span<const Route> routes);

// Thread-safe.
class Dispatcher {
 public:
    // Both outlive the dispatcher.
    Dispatcher(std::span<const Route> routes, Services& services) : routes_(routes), services_(services) {}
    // The one place where a handler's exception ends.
    void handle(Request request, Responder responder) noexcept;

 private:
    void route(Request& request, Responder& responder);
    // False: it has answered.
    bool admit(const Route& route, Call& call);

    const std::span<const Route> routes_;
    Services& services_;
};

}  // namespace sigillo::api
