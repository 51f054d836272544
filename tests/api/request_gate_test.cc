#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "api/http/request_gate.h"
#include "appliance/base/random.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::api {
namespace {

constexpr GateLimits kLimits{.head_bytes = 4096, .body_bytes = 1000};

int status_of(std::string_view bytes) {
    RequestGate gate(kLimits, true);
    gate.feed(bytes);
    if (gate.next()) return 200;
    return gate.refusal() ? gate.refusal()->status : 0;  // 0: wants more
}

TEST(RequestGate, passes_on_only_the_headers_that_handlers_use) {
    RequestGate gate(kLimits, true);
    gate.feed(
        "POST /v1/signers?x=1 HTTP/1.1\r\nHost: a\r\nAccept: text/html, *; q=.2\r\nContent-Type: "
        "application/json\r\n"
        "Idempotency-Key:  k1 \r\nX-Sigillo-Client-Cert: abc\r\ncontent-length: 2\r\n\r\n{}");
    const auto request = gate.next();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->head, "POST /v1/signers?x=1 HTTP/1.1\r\n\r\n");
    EXPECT_EQ(request->content_type, "application/json");
    EXPECT_EQ(request->idempotency_key, "k1");
    EXPECT_EQ(request->client_certificate, "abc");
    EXPECT_EQ(request->body, "{}");
    EXPECT_TRUE(request->keep_alive);
    EXPECT_EQ(gate.buffered(), 0U);
}

TEST(RequestGate, the_public_face_never_sees_a_client_certificate) {
    RequestGate gate(kLimits, false);
    gate.feed("GET / HTTP/1.1\r\nX-Sigillo-Client-Cert: abc\r\n\r\n");
    const auto request = gate.next();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->client_certificate, "");
}

TEST(RequestGate, a_request_may_come_byte_by_byte_and_the_next_one_right_behind) {
    const std::string bytes = "PUT /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n\r\n";
    RequestGate gate(kLimits, true);
    std::vector<std::string> lines;
    for (const char c : bytes) {
        gate.feed({&c, 1});
        if (const auto request = gate.next()) lines.push_back(request->head.substr(0, 6) + request->body);
    }
    EXPECT_EQ(lines, (std::vector<std::string>{"PUT /aabc", "GET /b"}));
}

TEST(RequestGate, content_length_is_one_plain_number_within_the_limit) {
    const auto with = [](const std::string& fields) {
        return status_of("POST / HTTP/1.1\r\n" + fields + "\r\n" + std::string(1000, 'x'));
    };
    EXPECT_EQ(with("Content-Length: 1000\r\n"), 200);
    EXPECT_EQ(with("Content-Length: 1001\r\n"), 413);
    EXPECT_EQ(with("Content-Length: 99999999999999999999999999\r\n"), 413);
    for (const auto* value : {"-1", "+1", "0x10", "1 1", "1,1", "", "1e2", "12abc"})
        EXPECT_EQ(with(std::string("Content-Length: ") + value + "\r\n"), 400) << value;
    EXPECT_EQ(with("Content-Length: 5\r\nContent-Length: 5\r\n"), 400);
    EXPECT_EQ(with("Content-Length: 5\r\nCONTENT-LENGTH: 6\r\n"), 400);
}

TEST(RequestGate, transfer_encoding_is_refused_with_and_without_content_length) {
    EXPECT_EQ(status_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 501);
    EXPECT_EQ(
        status_of("POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        501);
    EXPECT_EQ(status_of("POST / HTTP/1.1\r\ntransfer-encoding: xchunked\r\nContent-Length: 0\r\n\r\n"), 501);
}

TEST(RequestGate, malformed_heads_are_refused) {
    for (const auto* head :
         {"GET /\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n", "G\tET / HTTP/1.1\r\n\r\n",
          "GET x HTTP/1.1\r\n\r\n", "GET http://a/ HTTP/1.1\r\n\r\n", "GET /\x80 HTTP/1.1\r\n\r\n",
          "GET /#a HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nA : b\r\n\r\n", "GET / HTTP/1.1\r\n folded\r\n\r\n",
          "GET / HTTP/1.1\r\nA: b\n\r\n\r\n", "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
          "GET / HTTP/1.1\r\nA\r\n\r\n", "GET / HTTP/1.1\r\n: b\r\n\r\n", "GET / HTTP/1.1\r\nA: \x01\r\n\r\n",
          "\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
          "GET / HTTP/1.1\r\nX-Sigillo-Client-Cert: a\r\nx-sigillo-client-cert: b\r\n\r\n",
          "POST / HTTP/1.1\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n"})
        EXPECT_EQ(status_of(head), 400) << head;
    EXPECT_EQ(status_of("GET / HTTP/2.0\r\n\r\n"), 505);
    using namespace std::string_view_literals;
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nA: \0\r\n\r\n"sv), 400);
}

TEST(RequestGate, a_head_of_a_megabyte_is_refused_before_it_is_whole) {
    RequestGate gate(kLimits, true);
    gate.feed("GET / HTTP/1.1\r\nA: ");
    std::size_t fed = 0;
    while (!gate.refusal() && fed < (1 << 20)) {
        gate.feed(std::string(1000, 'a'));
        fed += 1000;
        EXPECT_FALSE(gate.next());
    }
    ASSERT_TRUE(gate.refusal());
    EXPECT_EQ(gate.refusal()->status, 431);
    EXPECT_LE(fed, 5000U);
}

TEST(RequestGate, keep_alive_follows_version_and_connection) {
    const auto keeps = [](std::string_view bytes) {
        RequestGate gate(kLimits, true);
        gate.feed(bytes);
        return gate.next()->keep_alive;
    };
    EXPECT_TRUE(keeps("GET / HTTP/1.1\r\n\r\n"));
    EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n"));
    EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
    EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(RequestGate, a_method_that_nobody_defines_is_told_apart_and_kept_from_the_parser) {
    const auto request_of = [](const std::string& method) {
        RequestGate gate(kLimits, true);
        gate.feed(method + " /x?y=1 HTTP/1.1\r\n\r\n");
        return gate.next();
    };
    for (const auto* method :
         {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}) {
        const auto request = request_of(method);
        ASSERT_TRUE(request) << method;
        EXPECT_FALSE(request->unheard_of_method) << method;
        EXPECT_EQ(request->head, std::string(method) + " /x?y=1 HTTP/1.1\r\n\r\n");
    }
    for (const auto* method :
         {"BREW", "get", "Get", "GETX", "PROPFIND", "X", "M-SEARCH", "!#$%&'*+-.^_`|~"}) {
        const auto request = request_of(method);
        ASSERT_TRUE(request) << method;
        EXPECT_TRUE(request->unheard_of_method) << method;
        EXPECT_EQ(request->head, "OPTIONS /x?y=1 HTTP/1.1\r\n\r\n");
    }
    EXPECT_FALSE(request_of("G(T"));  // no token
}

TEST(RequestGate, after_a_refusal_nothing_more_is_taken) {
    RequestGate gate(kLimits, true);
    gate.feed("BAD\r\n\r\n");
    EXPECT_FALSE(gate.next());
    gate.feed("GET / HTTP/1.1\r\n\r\n");
    EXPECT_FALSE(gate.next());
}

// Bodies beyond memory's limit go into the spool, on the paths that take them.
class SpooledBody : public ::testing::Test {
 protected:
    static constexpr std::array<std::string_view, 2> kPaths = {"/large", "/below/"};
    GateLimits limits() {
        return {.head_bytes = 4096,
                .body_bytes = 1000,
                .large_body_paths = kPaths,
                .large_body_bytes = 100'000,
                .spool = &spool_};
    }
    static std::string request(const std::string& path, const std::string& body) {
        return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + body;
    }
    static std::string read(const SpoolFile& file) {
        std::string text(file.size(), '\0');
        EXPECT_EQ(::pread(file.fd(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
        return text;
    }
    sigillo::testing::ScratchDirectory scratch_;
    SystemRandom random_;
    Spool spool_{{.directory = scratch_.path(), .total_mib = 1}, random_};
};

TEST_F(SpooledBody, a_large_body_is_kept_in_a_file_and_the_next_request_follows_it) {
    std::string body;
    for (int i = 0; i < 20'000; ++i) body += static_cast<char>('a' + i % 26);
    for (const std::size_t piece : {1U, 7U, 4'096U, 1'000'000U}) {
        RequestGate gate(limits(), false);
        const std::string bytes = request("/large?x=1", body) + request("/small", "hello");
        std::vector<GatedRequest> seen;
        for (std::size_t i = 0; i < bytes.size(); i += piece) {
            gate.feed(std::string_view(bytes).substr(i, piece));
            while (auto next = gate.next()) seen.push_back(std::move(*next));
            if (piece < 10'000) {
                EXPECT_LT(gate.buffered(), 8'192U);
            }
        }
        ASSERT_EQ(seen.size(), 2U) << piece;
        EXPECT_EQ(read(*seen[0].body_file), body);
        EXPECT_TRUE(seen[0].body.empty());
        EXPECT_EQ(seen[1].body, "hello");
        EXPECT_EQ(seen[1].body_file, nullptr);
        EXPECT_FALSE(gate.arriving());
    }
    EXPECT_EQ(spool_.taken(), 0U);
}

TEST_F(SpooledBody, other_paths_and_larger_bodies_are_refused_before_they_come) {
    const auto status = [&](const std::string& path, std::size_t size) {
        RequestGate gate(limits(), false);
        gate.feed("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(size) +
                  "\r\n\r\n");
        EXPECT_FALSE(gate.next());
        return gate.refusal() ? gate.refusal()->status : 0;
    };
    EXPECT_EQ(status("/large", 100'000), 0);
    EXPECT_EQ(status("/large", 100'001), 413);
    EXPECT_EQ(status("/below/x", 5'000), 0);
    for (const char* path : {"/", "/larger", "/large/", "/x?/large", "/below", "/x/large"})
        EXPECT_EQ(status(path, 1'001), 413);
}

TEST_F(SpooledBody, a_full_spool_is_503) {
    const auto full = spool_.make().value();
    ASSERT_TRUE(full->reserve((std::size_t{1} << 20) - 10'000));
    RequestGate gate(limits(), false);
    gate.feed(request("/large", std::string(20'000, 'x')));
    EXPECT_FALSE(gate.next());
    ASSERT_TRUE(gate.refusal());
    EXPECT_EQ(gate.refusal()->status, 503);
}

}  // namespace
}  // namespace sigillo::api
