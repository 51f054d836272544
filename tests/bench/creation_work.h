// New signers, each with a credential of class simple, policy `click`, certified by the embedded CA.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/load.h"

namespace sigillo::bench {

// One operation is one credential, its signer included.
class CreationWork final : public Work {
   public:
    // `count` 0: without end. `algorithm` as in POST /v1/credentials.
    CreationWork(std::uint64_t count, std::string algorithm) : count_(count), algorithm_(std::move(algorithm)) {}
    std::optional<std::string> begin(std::size_t slot) override;
    std::optional<std::string> go_on(std::size_t slot, const HttpAnswer& answer) override;

    // In the order of completion.
    const std::vector<std::string>& credentials() const { return credentials_; }

   private:
    std::uint64_t count_;
    std::string algorithm_;
    std::uint64_t started_ = 0;
    std::vector<std::string> credentials_;
};

}  // namespace sigillo::bench
