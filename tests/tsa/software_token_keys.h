// TokenKeys without a token: keys of libcrypto in memory, for tests of what stands above, and for faults.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "keystore/token_keys.h"
#include "tests/support/software_key.h"

namespace sigillo::tsa::testing {

// Thread-safe.
class SoftwareTokenKeys final : public TokenKeys {
 public:
    Result<PublicKey> create(const std::string& label, KeyAlgorithm algorithm) override {
        const std::lock_guard lock(mutex_);
        if (error_) return std::unexpected(*error_);
        if (keys_.contains(label)) return fail(Errc::kAlreadyExists, "label is taken", "label");
        // RSA keys take seconds to make: one a process.
        auto key = is_rsa(algorithm) ? sigillo::testing::SoftwareKey::shared(algorithm)
                                     : sigillo::testing::SoftwareKey::generate(algorithm);
        keys_[label] = key;
        return key->public_key();
    }
    Result<std::shared_ptr<SigningKey>> open(const std::string& label) override {
        const std::lock_guard lock(mutex_);
        if (error_) return std::unexpected(*error_);
        const auto found = keys_.find(label);
        if (found == keys_.end()) return fail(Errc::kNotFound, "no key of that label", "label");
        return std::shared_ptr<SigningKey>(found->second);
    }
    Status destroy(const std::string& label) override {
        const std::lock_guard lock(mutex_);
        if (error_) return std::unexpected(*error_);
        return keys_.erase(label) == 1 ? Status() : fail(Errc::kNotFound, "no key of that label", "label");
    }
    KeyStoreHealth health() const override { return {.usable = true}; }

    // From now on every call fails with `error`; nothing: works again.
    void fail_with(std::optional<Error> error) {
        const std::lock_guard lock(mutex_);
        error_ = std::move(error);
    }
    std::shared_ptr<sigillo::testing::SoftwareKey> behind(const std::string& label) {
        const std::lock_guard lock(mutex_);
        const auto found = keys_.find(label);
        return found == keys_.end() ? nullptr : found->second;
    }
    std::size_t size() {
        const std::lock_guard lock(mutex_);
        return keys_.size();
    }

 private:
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<sigillo::testing::SoftwareKey>> keys_;
    std::optional<Error> error_;
};

}  // namespace sigillo::tsa::testing
