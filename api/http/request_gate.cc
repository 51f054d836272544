#include "api/http/request_gate.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sigillo::api {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";

// Those of RFC 9110 §9.3 and RFC 5789. What is no method here is one nowhere: methods are case-sensitive.
constexpr std::array<std::string_view, 9> kMethods = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                      "CONNECT", "OPTIONS", "TRACE", "PATCH"};
// Bits of the fields that may be given once.
constexpr unsigned kSeenContentLength = 1u << 0;
constexpr unsigned kSeenHost = 1u << 1;
constexpr unsigned kSeenContentType = 1u << 2;
constexpr unsigned kSeenIdempotencyKey = 1u << 3;
constexpr unsigned kSeenClientCertificate = 1u << 4;

// RFC 9110 §5.6.2 token
bool is_token(std::string_view text) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               kMarks.find(c) != std::string_view::npos;
    });
}

// Visible ASCII, so that no byte of a target means different things to different readers.
bool is_target(std::string_view text) {
    return !text.empty() && text.front() == '/' && std::ranges::all_of(text, [](char c) {
        return c > 0x20 && c < 0x7f && c != '#' && c != '"' && c != '<' && c != '>' && c != '\\';
    });
}

bool is_field_value(std::string_view text) {
    return std::ranges::all_of(
        text, [](char c) { return c == '\t' || static_cast<unsigned char>(c) >= 0x20 ? c != 0x7f : false; });
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::string_view trim(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace

bool GateLimits::takes_large(std::string_view target) const {
    if (spool == nullptr) return false;
    target = target.substr(0, target.find('?'));
    return std::ranges::any_of(large_body_paths, [&](std::string_view path) {
        return path.ends_with('/') ? target.starts_with(path) : target == path;
    });
}

bool RequestGate::refuse(int status, std::string_view detail) {
    refusal_ = Refusal{status, detail};
    buffer_.clear();
    return false;
}

std::optional<GatedRequest> RequestGate::next() {
    if (refusal_) return std::nullopt;
    if (!have_head_) {
        const auto end = buffer_.find(kEndOfHead, searched_);
        if (end == std::string::npos) {
            searched_ = buffer_.size() < 3 ? 0 : buffer_.size() - 3;
            if (buffer_.size() > limits_.head_bytes) refuse(431, "the request's headers are too large");
            return std::nullopt;
        }
        if (end + kEndOfHead.size() > limits_.head_bytes) {
            refuse(431, "the request's headers are too large");
            return std::nullopt;
        }
        request_ = {};
        seen_ = 0;
        content_length_.reset();
        if (!parse_head(std::string_view(buffer_).substr(0, end + 2))) return std::nullopt;
        head_size_ = end + kEndOfHead.size();
        have_head_ = true;
        if (!begin_body()) return std::nullopt;
    }
    const std::size_t body_size = content_length_.value_or(0);
    if (request_.body_file) {
        if (!spool_body() || request_.body_file->size() < body_size) return std::nullopt;
    } else {
        if (buffer_.size() - head_size_ < body_size) return std::nullopt;
        request_.body = buffer_.substr(head_size_, body_size);
        buffer_.erase(0, head_size_ + body_size);
    }
    request_.head += "\r\n";
    have_head_ = false;
    searched_ = 0;
    return std::move(request_);
}

// Decides where the body goes that follows the head.
bool RequestGate::begin_body() {
    const std::size_t body_size = content_length_.value_or(0);
    if (body_size <= limits_.body_bytes) return true;
    auto file = limits_.spool->make();  // large_allowed_ has seen that there is one
    if (!file || !(*file)->reserve(body_size)) return refuse(503, "no room for a document of this size now");
    request_.body_file = std::move(*file);
    buffer_.erase(0, head_size_);
    return true;
}

bool RequestGate::spool_body() {
    const std::size_t missing = content_length_.value_or(0) - request_.body_file->size();
    const std::size_t here = std::min(missing, buffer_.size());
    const auto written = request_.body_file->append(as_bytes(std::string_view(buffer_).substr(0, here)));
    if (!written) return refuse(503, "the document could not be kept");
    buffer_.erase(0, here);
    return true;
}

// `head`: the request line and the fields, each with its CRLF.
bool RequestGate::parse_head(std::string_view head) {
    bool first = true;
    while (!head.empty()) {
        const auto end = head.find("\r\n");  // there is one at the end
        const std::string_view line = head.substr(0, end);
        head.remove_prefix(end + 2);
        const auto has = [&](char c) { return line.find(c) != std::string_view::npos; };
        if (has('\r') || has('\n') || has('\0'))
            return refuse(400, "a bare CR, LF or NUL in the request's head");
        if (first) {
            first = false;
            const auto space = line.find(' ');
            const auto last = line.rfind(' ');
            if (space == std::string_view::npos || last == space)
                return refuse(400, "the request line is malformed");
            const auto version = line.substr(last + 1);
            large_allowed_ = limits_.takes_large(line.substr(space + 1, last - space - 1));
            if (!is_token(line.substr(0, space)) || !is_target(line.substr(space + 1, last - space - 1)))
                return refuse(400, "the request line is malformed");
            if (version == "HTTP/1.0")
                request_.keep_alive = false;
            else if (version != "HTTP/1.1")
                return refuse(505, "HTTP/1.1 is spoken here");
            request_.unheard_of_method = std::ranges::find(kMethods, line.substr(0, space)) == kMethods.end();
            request_.head = request_.unheard_of_method ? "OPTIONS" : std::string(line.substr(0, space));
            request_.head += std::string(line.substr(space)) + "\r\n";
            continue;
        }
        const auto colon = line.find(':');
        if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
            return refuse(400, "a header line is malformed");
        const auto value = trim(line.substr(colon + 1));
        if (!is_field_value(value)) return refuse(400, "a header holds control characters");
        if (!parse_field(line.substr(0, colon), value)) return false;
    }
    return true;
}

bool RequestGate::parse_field(std::string_view name, std::string_view value) {
    const std::string field = lower(name);
    if (field == "transfer-encoding")
        return refuse(501, "Transfer-Encoding is not spoken here; send Content-Length");
    const auto once = [&](unsigned bit) { return std::exchange(seen_, seen_ | bit) & bit; };
    if (field == "content-length") {
        if (once(kSeenContentLength)) return refuse(400, "Content-Length was given twice");
        // Ten digits hold every limit that a configuration allows.
        if (value.empty() || value.size() > 10 ||
            value.find_first_not_of("0123456789") != std::string_view::npos)
            return refuse(value.size() > 10 && value.find_first_not_of("0123456789") == std::string_view::npos
                              ? 413
                              : 400,
                          "Content-Length is not a number of acceptable size");
        const std::size_t length = std::stoull(std::string(value));
        if (length > (large_allowed_ ? limits_.large_body_bytes : limits_.body_bytes))
            return refuse(413, "the request's body is too large");
        content_length_ = length;
        return true;
    }
    if (field == "host" && once(kSeenHost)) return refuse(400, "Host was given twice");
    if (field == "connection") {
        const std::string choice = lower(value);
        if (choice == "close")
            request_.keep_alive = false;
        else if (choice == "keep-alive")
            request_.keep_alive = true;
        return true;
    }
    constexpr std::string_view kTwice = "a header was given twice";
    if (field == "content-type") {
        if (once(kSeenContentType)) return refuse(400, kTwice);
        request_.content_type = value;
    } else if (field == "idempotency-key") {
        if (once(kSeenIdempotencyKey)) return refuse(400, kTwice);
        request_.idempotency_key = value;
    } else if (field == "x-sigillo-client-cert") {
        if (once(kSeenClientCertificate)) return refuse(400, kTwice);
        if (with_client_certificate_) request_.client_certificate = value;
    }
    return true;
}

}  // namespace sigillo::api
