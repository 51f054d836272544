// The main job under load: authorize by click evidence, then signHash, once for each document (or batch of documents).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/load.h"

namespace sigillo::bench {

struct SigningPlan {
    std::vector<std::string> credentials;  // ids of class simple, policy `click`
    std::size_t batch = 1;                 // hashes for each authorize and signHash
    bool rsa = false;
    std::uint64_t documents = 0;  // operations in all; 0: without end
};

// Connection n starts with credential n and goes on in steps of the number of connections, so that no two connections
// use one credential at a time (uses of one key are numbered, so they wait for each other).
class SigningWork final : public Work {
   public:
    SigningWork(SigningPlan plan, std::size_t connections);
    std::optional<std::string> begin(std::size_t slot) override;
    std::optional<std::string> go_on(std::size_t slot, const HttpAnswer& answer) override;
    std::uint64_t weight() const override { return plan_.batch; }

   private:
    struct Slot {
        std::size_t next = 0;   // index of the next credential
        std::string credential;
        std::string hashes;     // JSON array
        bool authorized = false;
    };
    std::string make_hashes(Slot& slot);

    SigningPlan plan_;
    std::size_t connections_;
    std::vector<Slot> slots_;
    std::uint64_t started_ = 0;
    std::uint64_t counter_;
};

}  // namespace sigillo::bench
