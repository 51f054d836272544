// What the tests of authorize and extendTransaction share: an appliance with one client and one signer.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/activation/instance.h"

namespace sigillo::activation::testing {

class ActivationTest : public ::testing::Test {
 protected:
    explicit ActivationTest(Settings settings = {}) : instance_(std::move(settings)) {}

    AuthorizeRequest request(const CredentialId& credential) {
        return instance_.request(client_, credential, hashes_);
    }
    Result<Authorization> authorize(AuthorizeRequest request) {
        return run_to_end(instance_.activator->authorize(request));
    }
    // One factor shown.
    Result<Authorization> authorize(const CredentialId& credential, const std::string& word,
                                    const std::string& value) {
        AuthorizeRequest made = request(credential);
        show(made, word, value);
        return authorize(std::move(made));
    }
    static Errc answer(const Result<Authorization>& result) { return result ? Errc{} : result.error().code; }

    Result<SpentSad> sign(const Authorization& granted, const CredentialId& credential,
                          std::span<const Digest> hashes) {
        return instance_.update([&](audit::Recorder& recorder) {
            return instance_.sads->check_and_spend(
                recorder,
                {granted.sad, client_, credential, record::HASH_TYPE_DTBSR, HashAlgorithm::kSha256, hashes});
        });
    }
    // `threads` calls at once, and how often each answer was given.
    std::map<Errc, int> at_once(int threads, const std::function<Result<Authorization>(int)>& call) {
        std::map<Errc, int> answers;
        std::mutex mutex;
        {
            std::vector<std::jthread> running;
            running.reserve(static_cast<std::size_t>(threads));
            for (int i = 0; i < threads; ++i)
                running.emplace_back([&, i] {
                    const Errc code = answer(call(i));
                    const std::lock_guard lock(mutex);
                    ++answers[code];
                });
        }
        return answers;
    }

    Instance instance_;
    ClientId client_ = instance_.add_client();
    SignerId signer_ = instance_.add_signer();
    std::vector<Digest> hashes_ = hashes_of(2);
};

}  // namespace sigillo::activation::testing
