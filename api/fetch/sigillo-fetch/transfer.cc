#include "api/fetch/sigillo-fetch/transfer.h"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace sigillo::fetch {
namespace {

struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

bool add_header(HeaderList& list, const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return false;
    (void)list.release();
    list.reset(longer);
    return true;
}

}  // namespace

struct Transfers::Handle {
    CURL* curl = curl_easy_init();
    Handle() = default;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() { curl_easy_cleanup(curl); }
};

// What libcurl's callbacks see of one exchange.
struct Transfers::Running {
    const std::atomic<bool>& stopping;
    const std::string& host;
    std::size_t max_bytes;
    std::size_t max_header_bytes;
    Bytes body{};
    std::size_t header_bytes = 0;
    bool too_long = false;
    bool headers_too_long = false;
    bool address_refused = false;

    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept {
        auto& running = *static_cast<Running*>(self);
        const std::size_t more = size * count;
        if (more > running.max_bytes - running.body.size()) {
            running.too_long = true;
            return 0;
        }
        try {
            append(running.body, std::string_view(data, more));
        } catch (const std::exception&) {  // out of memory: libcurl ends the exchange
            return 0;
        }
        return more;
    }
    static std::size_t on_header(char*, std::size_t size, std::size_t count, void* self) noexcept {
        auto& running = *static_cast<Running*>(self);
        running.header_bytes += size * count;
        running.headers_too_long = running.header_bytes > running.max_header_bytes;
        return running.headers_too_long ? 0 : size * count;
    }
    static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
        return static_cast<Running*>(self)->stopping ? 1 : 0;
    }
    static curl_socket_t on_socket(void* self, curlsocktype, curl_sockaddr* address) noexcept {
        auto& running = *static_cast<Running*>(self);
        if (!may_connect(running.host, &address->addr)) {
            running.address_refused = true;
            return CURL_SOCKET_BAD;
        }
        return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    }
};

namespace {

Error error_of(CURLcode code, const std::string& words, const Url& url) {
    const std::string host = url.origin.text();
    const std::string because = words.empty() ? curl_easy_strerror(code) : words;
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
            return {Errc::kUnavailable, host + ": the name cannot be resolved"};
        case CURLE_COULDNT_CONNECT:
            return {Errc::kUnavailable, host + ": no connection: " + because};
        case CURLE_OPERATION_TIMEDOUT:
            return {Errc::kUnavailable, host + ": no answer in time: " + because};
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
            return {Errc::kUnavailable, host + ": TLS: " + because};
        case CURLE_ABORTED_BY_CALLBACK:
            return {Errc::kUnavailable, host + ": sigillo-fetch is shutting down"};
        default:
            return {Errc::kUnavailable, host + ": " + because};
    }
}

}  // namespace

Status init_transfers() {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) return fail(Errc::kInternal, "libcurl cannot start");
    return {};
}

Transfers::Transfers(TransferConfig config) : config_(std::move(config)) {}
Transfers::~Transfers() = default;

std::unique_ptr<Transfers::Handle> Transfers::take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Handle>();
    auto handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
}

void Transfers::give_back(std::unique_ptr<Handle> handle) {
    curl_easy_reset(handle->curl);  // forgets the options and keeps the connections
    const std::lock_guard lock(mutex_);
    if (idle_.size() < config_.kept_handles) idle_.push_back(std::move(handle));
}

Result<HttpAnswer> Transfers::run(const Exchange& exchange) {
    Url url = exchange.url;
    auto handle = take();
    if (handle->curl == nullptr) return fail(Errc::kInternal, "libcurl is out of memory");
    for (unsigned redirects = 0;; ++redirects) {
        SIGILLO_TRY(exchange.list.check(url));
        std::string redirect;
        auto answer = once(*handle, exchange, url, redirect);
        if (!answer) return answer;  // the handle goes with its connection
        if (redirect.empty() || exchange.post) {
            give_back(std::move(handle));
            return answer;
        }
        if (redirects == config_.max_redirects)
            return fail(Errc::kLimitExceeded, exchange.url.origin.text() + ": more than " +
                                                  std::to_string(config_.max_redirects) + " redirects");
        auto next = parse_url(redirect);
        if (!next)
            return fail(Errc::kForbidden, exchange.url.origin.text() + " redirects: " + next.error().detail,
                        "url");
        if (const Status allowed = exchange.list.check(*next); !allowed)
            return fail(Errc::kForbidden,
                        exchange.url.origin.text() + " redirects: " + allowed.error().detail, "url");
        url = *std::move(next);
        curl_easy_reset(handle->curl);
    }
}

Result<HttpAnswer> Transfers::once(Handle& handle, const Exchange& exchange, const Url& url,
                                   std::string& redirect) {
    CURL* const curl = handle.curl;
    Running running{stopping_, url.origin.host, exchange.max_bytes, config_.max_header_bytes};
    std::array<char, CURL_ERROR_SIZE> words{};
    HeaderList headers;
    bool set = add_header(headers, "Accept: " + exchange.accept) && add_header(headers, "Expect:");
    if (exchange.post) set = set && add_header(headers, "Content-Type: " + exchange.content_type);
    for (const std::string& line : exchange.headers) set = set && add_header(headers, line);

    const auto option = [&](CURLoption name, auto value) {
        set = set && curl_easy_setopt(curl, name, value) == CURLE_OK;
    };
    option(CURLOPT_URL, url.text.c_str());
    option(CURLOPT_PROTOCOLS_STR, "http,https");
    option(CURLOPT_FOLLOWLOCATION, 0L);  // by run(), which asks the list
    option(CURLOPT_PROXY, "");           // whatever the environment says
    option(CURLOPT_NOPROXY, "*");
    option(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    option(CURLOPT_NOSIGNAL, 1L);
    option(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    option(CURLOPT_USERAGENT, "sigillo-fetch");
    option(CURLOPT_HTTPHEADER, headers.get());
    option(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(config_.connect_timeout.count()));
    option(CURLOPT_TIMEOUT_MS, static_cast<long>(config_.total_timeout.count()));
    option(CURLOPT_LOW_SPEED_LIMIT, config_.slow_bytes_per_second);
    option(CURLOPT_LOW_SPEED_TIME, static_cast<long>(config_.slow_for.count()));
    option(CURLOPT_SSL_VERIFYPEER, 1L);
    option(CURLOPT_SSL_VERIFYHOST, 2L);
    option(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    option(CURLOPT_CAINFO, config_.ca_file.c_str());
    option(CURLOPT_CAPATH, static_cast<char*>(nullptr));
    option(CURLOPT_ERRORBUFFER, words.data());
    option(CURLOPT_WRITEFUNCTION, &Running::on_body);
    option(CURLOPT_WRITEDATA, static_cast<void*>(&running));
    option(CURLOPT_HEADERFUNCTION, &Running::on_header);
    option(CURLOPT_HEADERDATA, static_cast<void*>(&running));
    option(CURLOPT_NOPROGRESS, 0L);
    option(CURLOPT_XFERINFOFUNCTION, &Running::on_progress);
    option(CURLOPT_XFERINFODATA, static_cast<void*>(&running));
    option(CURLOPT_OPENSOCKETFUNCTION, &Running::on_socket);
    option(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&running));
    if (exchange.post) {
        option(CURLOPT_POST, 1L);
        option(CURLOPT_POSTFIELDSIZE, static_cast<long>(exchange.body.size()));
        option(CURLOPT_POSTFIELDS, reinterpret_cast<const char*>(exchange.body.data()));
    }
    if (!set) return fail(Errc::kInternal, "libcurl does not take an option");

    const CURLcode code = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));  // the handle outlives it
    const std::string host = url.origin.text();
    if (running.too_long)
        return fail(Errc::kLimitExceeded,
                    host + ": the answer is longer than " + std::to_string(exchange.max_bytes) + " bytes",
                    "body");
    if (running.headers_too_long)
        return fail(
            Errc::kLimitExceeded,
            host + ": the headers are longer than " + std::to_string(config_.max_header_bytes) + " bytes",
            "headers");
    if (running.address_refused && code != CURLE_OK)
        return fail(Errc::kForbidden, host + ": the name leads to an address of this machine or its link",
                    "url");
    if (code != CURLE_OK) return std::unexpected(error_of(code, words.data(), url));
    HttpAnswer answer{.status = 0, .body = std::move(running.body), .url = url};
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    if (answer.status >= 301 && answer.status <= 308 && answer.status != 304) {
        char* location = nullptr;
        if (curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location) == CURLE_OK && location != nullptr)
            redirect = location;
    }
    return answer;
}

}  // namespace sigillo::fetch
