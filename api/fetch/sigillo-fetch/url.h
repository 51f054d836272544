// http and https URLs as this process reads them: by libcurl's own parser, so that what was checked is what
// is asked. Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "appliance/base/result.h"

namespace sigillo::fetch {

// Where a URL goes: what allow lists name.
struct Origin {
    std::string scheme;  // http, https
    std::string host;    // lower case; IPv6 without brackets
    std::uint16_t port = 0;
    friend bool operator==(const Origin&, const Origin&) = default;
    friend auto operator<=>(const Origin&, const Origin&) = default;
    std::string text() const;  // "https://host:8443"
};

struct Url {
    Origin origin;
    std::string text;  // normalised, without a fragment
};

// An address instead of a name: 192.0.2.1, 2001:db8::1.
bool is_address(std::string_view host);
// localhost, names below it, and addresses: what may lead to this machine because it says so.
bool names_an_address(std::string_view host);

// kInvalidArgument with `field` "url": longer than 2,048 octets, not http or https, with a user or password,
// without a host, octets that no URL has.
Result<Url> parse_url(std::string_view text);
// An entry of an allow list: scheme, host and perhaps a port, nothing behind them.
Result<Origin> parse_origin(std::string_view text);

}  // namespace sigillo::fetch
