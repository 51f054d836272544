#include "tests/bench/creation_work.h"

#include <stdexcept>

#include "tests/bench/json_text.h"

namespace sigillo::bench {

std::optional<std::string> CreationWork::begin(std::size_t /*slot*/) {
    if (count_ != 0 && started_ == count_) return std::nullopt;
    ++started_;
    return post_request("/v1/signers", R"({"name":{"given":"Bench","family":"Signer )" + std::to_string(started_) +
                                           R"("},"country":"IT"})");
}

std::optional<std::string> CreationWork::go_on(std::size_t /*slot*/, const HttpAnswer& answer) {
    if (answer.status != 201)
        throw std::runtime_error("a creation answered " + std::to_string(answer.status) + ": " + std::string(answer.body));
    if (answer.body.find("\"credentialID\"") != std::string_view::npos) {
        credentials_.push_back(text_member(answer.body, "credentialID"));
        return std::nullopt;
    }
    return post_request("/v1/credentials", R"({"signerID":")" + text_member(answer.body, "signerID") +
                                               R"(","class":"simple","key":{"algo":")" + algorithm_ +
                                               R"("},"activation":"click","multisign":100,)"
                                               R"("certificate":{"source":"embedded"}})");
}

}  // namespace sigillo::bench
