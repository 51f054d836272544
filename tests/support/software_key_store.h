// A KeyStore without an HSM: keys of libcrypto in memory, for tests of what stands above the HSM and for
// faults that a token cannot be made to have.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "keystore/key_store.h"
#include "tests/support/software_key.h"

namespace sigillo::testing {

// Thread-safe. A wrapped key is a random handle of a key that this object remembers, so it unwraps only here.
class SoftwareKeyStore final : public KeyStore {
 public:
    static constexpr const char* kScheme = "software";

    SoftwareKeyStore();

    Result<std::shared_ptr<SigningKey>> role_key(KeyRole role) override;
    Result<GeneratedKey> generate(KeyAlgorithm algorithm) override;
    Result<std::shared_ptr<SigningKey>> unwrap(const WrappedKey& wrapped, const PublicKey& expected) override;
    Result<SecretBytes> mac(MacRole role, ByteView message) override;
    Result<Bytes> seal(ByteView plaintext, ByteView associated_data) override;
    Result<SecretBytes> open(ByteView sealed, ByteView associated_data) override;
    KeyStoreHealth health() const override;
    std::uint64_t generation() const override { return generation_; }

    // From now on every call fails with `error`; nothing: works again.
    void fail_with(std::optional<Error> error);
    // As if the token had been re-inserted.
    void lose_sessions() { ++generation_; }
    // The key behind `wrapped`, for faults on its signatures; nullptr when unknown.
    std::shared_ptr<SoftwareKey> behind(const WrappedKey& wrapped);
    std::uint64_t unwraps() const { return unwraps_; }

 private:
    Status fault() const;

    const SecretBytes records_key_;
    const SecretBytes pepper_;
    const SecretBytes sealing_key_;
    std::atomic<std::uint64_t> generation_{1};
    std::atomic<std::uint64_t> unwraps_{0};
    mutable std::mutex mutex_;
    // Guarded by mutex_.
    std::optional<Error> error_;
    std::map<KeyRole, std::shared_ptr<SoftwareKey>> roles_;
    std::map<Bytes, std::shared_ptr<SoftwareKey>> wrapped_;
};

}  // namespace sigillo::testing
