// Whom this process may talk to: scheme, host and port, as an officer wrote them into the configuration. What
// a certificate or a client names counts only if it is here. Immutable; thread-safe.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "api/fetch/sigillo-fetch/url.h"

struct sockaddr;

namespace sigillo::fetch {

class AllowList {
 public:
    // `name`: of the configuration's key, for what is said when a host is not in it.
    // kInvalidArgument: an entry that is not scheme, host and port.
    static Result<AllowList> create(std::string name, const std::vector<std::string>& entries);

    // kForbidden: "the host x is not in fetch.allow".
    Status check(const Url& url) const;
    const std::set<Origin>& origins() const { return origins_; }

 private:
    std::string name_;
    std::set<Origin> origins_;
};

// Whether a connection to `host` may go to this address. A name of the network must not lead to this machine
// or to what only this machine sees (a name server that lies, RFC 6761 §6.3): loopback, unspecified,
// link-local, multicast. Hosts that are written as an address, and localhost, say what they mean.
bool may_connect(std::string_view host, const sockaddr* address);

}  // namespace sigillo::fetch
