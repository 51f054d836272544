#include "api/fetch/sigillo-fetch/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <memory>

#include "appliance/base/encoding.h"

namespace sigillo::fetch {
namespace {

constexpr std::size_t kMaxBytes = 2'048;

struct FreeUrl {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using UrlHandle = std::unique_ptr<CURLU, FreeUrl>;

std::unexpected<Error> wrong(std::string_view text, std::string_view why) {
    return fail(Errc::kInvalidArgument,
                "\"" + std::string(text.substr(0, 200)) + "\" is no URL to fetch from: " + std::string(why),
                "url");
}

std::string part(const UrlHandle& url, CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK || text == nullptr) return {};
    std::string out(text);
    curl_free(text);
    return out;
}

Result<UrlHandle> parsed(std::string_view text) {
    if (text.size() > kMaxBytes) return wrong(text, "longer than 2048 octets");
    if (!std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7F && c != '\\'; }))
        return wrong(text, "it has octets that no URL has");
    UrlHandle url(curl_url());
    if (url == nullptr) return fail(Errc::kInternal, "libcurl is out of memory");
    const std::string copy(text);
    if (curl_url_set(url.get(), CURLUPART_URL, copy.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        return wrong(text, "it cannot be parsed");
    const std::string scheme = part(url, CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https") return wrong(text, "only http and https are spoken");
    if (!part(url, CURLUPART_USER).empty() || !part(url, CURLUPART_PASSWORD).empty())
        return wrong(text, "it has a user or a password");
    // "http:///ca.crl": libcurl would take the path's first segment for the host.
    if (text.substr(scheme.size()).starts_with(":///") || part(url, CURLUPART_HOST).empty())
        return wrong(text, "it has no host");
    if (curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0) != CURLUE_OK)
        return wrong(text, "it cannot be normalised");
    return url;
}

Result<Origin> origin_of(const UrlHandle& url, std::string_view text) {
    Origin origin;
    origin.scheme = part(url, CURLUPART_SCHEME);
    origin.host = part(url, CURLUPART_HOST);
    if (origin.host.starts_with('[') && origin.host.ends_with(']'))
        origin.host = origin.host.substr(1, origin.host.size() - 2);
    std::ranges::transform(origin.host, origin.host.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    // "host." names the same host as "host".
    if (origin.host.ends_with('.')) origin.host.pop_back();
    const auto port = parse_decimal(part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT));
    if (origin.host.empty() || !port || *port == 0 || *port > 65'535) return wrong(text, "no such port");
    origin.port = static_cast<std::uint16_t>(*port);
    return origin;
}

}  // namespace

std::string Origin::text() const {
    const bool brackets = host.find(':') != std::string::npos;
    return scheme + "://" + (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool is_address(std::string_view host) {
    std::array<std::uint8_t, 16> address{};
    const std::string copy(host);
    return ::inet_pton(AF_INET, copy.c_str(), address.data()) == 1 ||
           ::inet_pton(AF_INET6, copy.c_str(), address.data()) == 1;
}

bool names_an_address(std::string_view host) {
    return host == "localhost" || host.ends_with(".localhost") || is_address(host);
}

Result<Url> parse_url(std::string_view text) {
    SIGILLO_ASSIGN(const UrlHandle url, parsed(text));
    Url out;
    SIGILLO_ASSIGN(out.origin, origin_of(url, text));
    out.text = part(url, CURLUPART_URL);
    if (out.text.empty()) return wrong(text, "it cannot be normalised");
    return out;
}

Result<Origin> parse_origin(std::string_view text) {
    SIGILLO_ASSIGN(const UrlHandle url, parsed(text));
    const std::string path = part(url, CURLUPART_PATH);
    if ((!path.empty() && path != "/") || !part(url, CURLUPART_QUERY).empty())
        return fail(Errc::kInvalidArgument,
                    "\"" + std::string(text) + "\" names more than scheme, host and port", "url");
    return origin_of(url, text);
}

}  // namespace sigillo::fetch
