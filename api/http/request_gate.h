// What may pass on to the HTTP parser: cuts a connection's bytes into whole requests, strictly.
//
// Pistache 0.0.5 takes the first of two Content-Lengths, reads "12abc" as 12, ignores what is pipelined, and
// goes on reading after an error in the middle of a message, so that its idea of where a request ends can
// differ from nginx's; and its typed headers throw on values that are legal elsewhere (Java's default
// Accept). So this gate decides alone where a request begins and ends (RFC 9112 §2-6, nothing optional), and
// passes on the request line, and the fields that handlers use as it has read them. It refuses: any
// Transfer-Encoding (nginx has unchunked), a second or malformed Content-Length, bare CR or LF, folded lines,
// a header that we use given twice, and anything over a limit. After a refusal the connection is of no
// further use. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/http/spool.h"
#include "appliance/base/result.h"

namespace sigillo::api {

struct GateLimits {
    // An escaped certificate takes 2 to 6 KiB; nginx allows 8 KiB a line.
    std::size_t head_bytes = std::size_t{32} * 1024;
    // 1,000 hashes of 64 bytes take 90 KiB of JSON, a chain 64 KiB.
    std::size_t body_bytes = std::size_t{1024} * 1024;
    // Bodies beyond body_bytes go into `spool` as they arrive, on these paths: exact, or below one that ends
    // with a slash. Without a spool there are none.
    std::span<const std::string_view> large_body_paths{};
    // A document of 100 MiB in base64, and its JSON.
    std::size_t large_body_bytes = std::size_t{150} * 1024 * 1024;
    Spool* spool = nullptr;  // outlives the gate

    bool takes_large(std::string_view target) const;
};

// A whole request, as the parser may see it.
struct GatedRequest {
    std::string head;  // the request line, CRLF CRLF: targets and methods are the parser's, fields are not
    std::optional<std::string> content_type;
    std::optional<std::string> idempotency_key;
    std::string client_certificate;  // empty unless the gate was made with_client_certificate
    std::string body;                // stays here: the parser would copy it byte by byte
    std::shared_ptr<SpoolFile> body_file;
    bool keep_alive = true;
    // A word that is no method: then `head` says OPTIONS, for the parser stops at what it does not know.
    bool unheard_of_method = false;
};

struct Refusal {
    int status = 400;
    std::string_view detail;  // static text
};

class RequestGate {
 public:
    explicit RequestGate(GateLimits limits, bool with_client_certificate)
        : limits_(limits), with_client_certificate_(with_client_certificate) {}

    void feed(std::string_view bytes) { buffer_.append(bytes); }
    // The next whole request; nothing while it is incomplete or after a refusal, which refusal() then tells.
    std::optional<GatedRequest> next();
    const std::optional<Refusal>& refusal() const { return refusal_; }
    // Bytes of a request that is not whole yet, or of ones waiting behind the one in flight.
    std::size_t buffered() const { return buffer_.size(); }
    // A request has begun to arrive and is not whole.
    bool arriving() const { return have_head_ || !buffer_.empty(); }
    // What a peer may have sent ahead at most.
    std::size_t buffer_limit() const { return limits_.head_bytes + limits_.body_bytes; }

 private:
    bool parse_head(std::string_view head);
    bool parse_field(std::string_view name, std::string_view value);
    bool refuse(int status, std::string_view detail);

    bool begin_body();
    bool spool_body();

    const GateLimits limits_;
    const bool with_client_certificate_;
    std::string buffer_;
    std::size_t searched_ = 0;  // no end of head before this offset
    std::optional<Refusal> refusal_;
    // The request whose head has been read:
    bool have_head_ = false;
    std::size_t head_size_ = 0;
    bool large_allowed_ = false;
    std::optional<std::size_t> content_length_;
    unsigned seen_ = 0;  // bits of the fields that may be given once
    GatedRequest request_;
};

}  // namespace sigillo::api
