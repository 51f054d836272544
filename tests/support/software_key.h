// A SigningKey whose private half is an ordinary libcrypto key in memory: for tests of what stands above the
// HSM.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "appliance/base/result.h"
#include "keystore/signing_key.h"

namespace sigillo::testing {

// Thread-safe. Throws std::runtime_error when libcrypto fails: a test cannot go on then.
class SoftwareKey final : public SigningKey {
 public:
    static std::shared_ptr<SoftwareKey> generate(KeyAlgorithm algorithm);
    // Made once a process: RSA generation takes long. No faults on these.
    static std::shared_ptr<SoftwareKey> shared(KeyAlgorithm algorithm);

    SoftwareKey(const SoftwareKey&) = delete;
    SoftwareKey& operator=(const SoftwareKey&) = delete;
    ~SoftwareKey() override;

    const PublicKey& public_key() const override { return public_key_; }
    Result<Bytes> sign(SignatureScheme scheme, const Digest& digest) override;
    Result<Bytes> sign_message(ByteView message) override;

    // From now on every signature fails with `error`; nothing: works again.
    void fail_with(std::optional<Error> error);
    // From now on one bit of every signature is wrong.
    void corrupt(bool on) { corrupt_ = on; }
    // Signatures asked for so far, refused ones included.
    std::uint64_t calls() const { return calls_; }

 private:
    SoftwareKey() = default;
    std::optional<Error> fault();
    Bytes damaged(Bytes signature) const;

    void* key_ = nullptr;  // EVP_PKEY, owned
    PublicKey public_key_;
    std::atomic<std::uint64_t> calls_{0};
    std::atomic<bool> corrupt_{false};
    std::mutex mutex_;
    std::optional<Error> error_;  // guarded by mutex_
};

}  // namespace sigillo::testing
