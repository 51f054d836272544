// The single place where Errc becomes a problem (RFC 9457): `application/problem+json` with type, title,
// status, detail and, where one is at fault, the parameter.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "api/http/exchange.h"
#include "api/json/reader.h"
#include "appliance/base/result.h"

namespace sigillo::api::v1 {

struct Problem {
    int status = 400;
    Errc code = Errc::kInvalidArgument;  // names the type: "urn:sigillo:problem:invalid_argument"
    std::string detail;                  // what is wrong and what to do
    std::string parameter;               // or empty
    int retry_after_s = 0;               // 0: no Retry-After
};

template <class T>
using Outcome = std::expected<T, Problem>;

Response to_response(const Problem& problem);
Problem invalid(std::string_view parameter, std::string_view detail);
Problem from_fault(const json::Fault& fault);
Problem from_error(const Error& error);
Problem refusal(int status, Errc code, std::string_view detail);

}  // namespace sigillo::api::v1
