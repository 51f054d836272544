#include "api/fetch/sigillo-fetch/allow_list.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "appliance/base/bytes.h"

namespace sigillo::fetch {
namespace {

bool is_special_v4(std::uint32_t address) {  // host order
    const std::uint32_t first = address >> 24U;
    return first == 0 || first == 127 ||   // RFC 1122 §3.2.1.3: this network, loopback
           (address >> 16U) == 0xA9FEU ||  // RFC 3927: 169.254/16
           first >= 224;                   // multicast, reserved, broadcast
}

bool is_special_v6(const std::uint8_t* address) {
    constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    constexpr std::uint8_t kZeroes[12] = {};
    // RFC 4291 §2.5.5: what an IPv4 address hides in; ::, ::1 among them.
    if (std::memcmp(address, kMapped, sizeof kMapped) == 0 ||
        std::memcmp(address, kZeroes, sizeof kZeroes) == 0)
        return std::memcmp(address, kZeroes, sizeof kZeroes) == 0 ||
               is_special_v4(read_u32({address + 12, 4}));
    return address[0] == 0xFF || (address[0] == 0xFE && (address[1] & 0xC0U) == 0x80);
}

}  // namespace

Result<AllowList> AllowList::create(std::string name, const std::vector<std::string>& entries) {
    AllowList list;
    list.name_ = std::move(name);
    for (const std::string& entry : entries) {
        SIGILLO_ASSIGN(Origin origin, parse_origin(entry));
        list.origins_.insert(std::move(origin));
    }
    return list;
}

Status AllowList::check(const Url& url) const {
    if (origins_.contains(url.origin)) return {};
    return fail(Errc::kForbidden, "the host " + url.origin.text() + " is not in " + name_, "url");
}

bool may_connect(std::string_view host, const sockaddr* address) {
    if (address->sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, address, sizeof v4);
        return names_an_address(host) || !is_special_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, address, sizeof v6);
        return names_an_address(host) || !is_special_v6(v6.sin6_addr.s6_addr);
    }
    return false;
}

}  // namespace sigillo::fetch
