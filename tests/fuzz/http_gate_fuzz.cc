// HTTP requests, in pieces as the network cuts them: the gate must cut the same requests whatever the pieces
// are.
#include <string>
#include <vector>

#include "api/http/request_gate.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;

static std::vector<std::string> requests_of(std::string_view bytes, std::size_t piece) {
    api::RequestGate gate({.head_bytes = 4096, .body_bytes = 4096}, true);
    std::vector<std::string> requests;
    for (std::size_t at = 0; at < bytes.size() && !gate.refusal(); at += piece) {
        gate.feed(bytes.substr(at, piece));
        while (auto request = gate.next())
            requests.push_back(request->head + request->content_type.value_or("-") + "\n" +
                               request->idempotency_key.value_or("-") + "\n" + request->client_certificate +
                               "\n" + request->body);
    }
    if (gate.refusal()) requests.push_back("refused");
    return requests;
}

FUZZ_TARGET(input) {
    if (input.empty()) return;
    const std::string_view bytes = as_text(input.subspan(1));
    const std::size_t piece = std::size_t{1} + input.front() % 64;
    const auto cut = requests_of(bytes, piece);
    FUZZ_CHECK(cut == requests_of(bytes, 1));
    for (const std::string& request : cut)
        FUZZ_CHECK(request.find("Transfer-Encoding") == std::string::npos ||
                   request.find("\n") != std::string::npos);
}
