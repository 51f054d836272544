#include "tests/api/api_harness.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace sigillo::api::testing {

Face::Face(SigningScript script) {
    auto client = std::make_unique<ScriptedClient<sam::SigningRequest, sam::SigningResponse>>(
        [this, script = std::move(script)](const sam::SigningRequest& request) {
            asked.push_back(request);
            return script(request);
        });
    lost = &client->lost;
    signing_ = std::make_unique<SigningSam>(std::move(client));
    start(api_routes());
}

Face::Face(PublicScript script, int) {
    auto client =
        std::make_unique<ScriptedClient<sam::PublicRequest, sam::PublicResponse>>(std::move(script));
    lost = &client->lost;
    anonymous_ = std::make_unique<PublicSam>(std::move(client));
    start(public_routes());
}

void Face::start(std::span<const Route> routes) {
    metrics_ = std::make_unique<Metrics>(metric_labels(routes));
    services_ = std::make_unique<Services>(Services{.signing = signing_.get(),
                                                    .anonymous = anonymous_.get(),
                                                    .certificates = certificates_,
                                                    .metrics = *metrics_,
                                                    .info = info_,
                                                    .logger = logger_,
                                                    .http_counters = [] { return HttpCounters{}; }});
    dispatcher_ = std::make_unique<Dispatcher>(routes, *services_);
}

Response Face::ask(Request request) {
    const auto answers = std::make_shared<Answers>();
    dispatcher_->handle(std::move(request), Responder(answers, 1));
    return answers->responses.size() == 1
               ? answers->responses[0]
               : Response{.status = 0, .content_type = {}, .body = "no answer", .headers = {}};
}

Request Face::request(Method method, const std::string& path, const std::string& body) {
    Request out;
    out.method = method;
    out.path = path.substr(0, path.find('?'));
    if (const auto mark = path.find('?'); mark != std::string::npos) {
        std::string_view rest = std::string_view(path).substr(mark + 1);
        while (!rest.empty()) {
            const auto item = rest.substr(0, rest.find('&'));
            rest.remove_prefix(std::min(rest.size(), item.size() + 1));
            const auto equals = item.find('=');
            out.query.emplace_back(item.substr(0, equals),
                                   equals == std::string_view::npos ? "" : item.substr(equals + 1));
        }
    }
    out.body = body;
    if (!body.empty()) out.content_type = "application/json";
    out.client_certificate = url_escape(demo_certificate_pem());
    return out;
}

Response Face::post(const std::string& path, const std::string& body) {
    return ask(request(Method::kPost, path, body));
}

const std::string& demo_certificate_pem() {
    static const std::string pem = [] {
        EVP_PKEY* key = EVP_EC_gen("P-256");
        X509* certificate = X509_new();
        X509_set_version(certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("demo"), -1, -1, 0);
        X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
        X509_set_pubkey(certificate, key);
        X509_sign(certificate, key, EVP_sha256());
        BIO* bio = BIO_new(BIO_s_mem());
        PEM_write_bio_X509(bio, certificate);
        char* data = nullptr;
        const auto size = BIO_get_mem_data(bio, &data);
        std::string text(data, static_cast<std::size_t>(size));
        BIO_free(bio);
        X509_free(certificate);
        EVP_PKEY_free(key);
        return text;
    }();
    return pem;
}

std::string url_escape(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
            c == '.' || c == '_') {
            out.push_back(c);
        } else {
            out.push_back('%');
            out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
            out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
        }
    }
    return out;
}

RawClient::RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(fd_);
        fd_ = -1;
    }
}

RawClient::~RawClient() {
    hang_up();
}

void RawClient::hang_up() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

bool RawClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

bool RawClient::fill() {
    pollfd ready{fd_, POLLIN, 0};
    if (::poll(&ready, 1, 10'000) <= 0) return false;
    char chunk[65536];
    const auto count = ::recv(fd_, chunk, sizeof chunk, 0);
    if (count <= 0) return false;
    buffer_.append(chunk, static_cast<std::size_t>(count));
    return true;
}

bool RawClient::at_end() {
    while (fill()) {
    }
    return buffer_.empty();
}

std::optional<RawClient::Reply> RawClient::read_reply() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
        if (!fill()) return std::nullopt;
    Reply reply;
    reply.head = buffer_.substr(0, end + 2);
    reply.status = std::stoi(reply.head.substr(9, 3));
    std::size_t length = 0;
    if (const auto at = reply.head.find("Content-Length: "); at != std::string::npos)
        length = std::stoul(reply.head.substr(at + 16));
    while (buffer_.size() < end + 4 + length)
        if (!fill()) return std::nullopt;
    reply.body = buffer_.substr(end + 4, length);
    buffer_.erase(0, end + 4 + length);
    return reply;
}

}  // namespace sigillo::api::testing
