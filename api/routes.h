// The whole route table of both faces, and nothing else.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "api/service.h"

namespace sigillo::api {

enum class Words : std::uint8_t { kCsc, kProblem };           // how the route says that something went wrong
enum class Caller : std::uint8_t { kClient, kAnybody };       // whether it needs a registered client
enum class Retry : std::uint8_t { kPlain, kIdempotencyKey };  // whether it heeds an Idempotency-Key

enum class Media : std::uint8_t { kJson, kTimeStampQuery, kOcspRequest };  // what a body is

struct Route {
    Method method;
    std::string_view pattern;  // "/v1/signers/{signerID}"; "/pki/ocsp/{request*}": all that follows
    Handler handler;
    Words words;
    Caller caller;
    Retry retry;
    Media media = Media::kJson;
};

std::span<const Route> api_routes();
std::span<const Route> public_routes();
// Whose bodies may hold documents (request_gate.h).
std::span<const std::string_view> large_body_paths();

}  // namespace sigillo::api
