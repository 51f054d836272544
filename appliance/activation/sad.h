// SAD, signature activation data: the single-use permission that a satisfied policy yields (EN 419 241-1
// SRA_SAP).
//
// base64url of 48 bits that tell when it was issued and 256 random bits, known to its client alone; the store
// holds digests. Bound to client, credential, hash type, hash algorithm and the exact list of hashes. It
// expires on CLOCK_BOOTTIME, and with the boot that issued it.
//
// Everything that takes a Recorder runs inside the caller's transaction: all of it becomes durable, or
// nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/audit/recorder.h"
#include "appliance/base/digest.h"
#include "appliance/base/ids.h"
#include "appliance/base/random.h"

namespace sigillo::activation {

struct SadConfig {
    std::chrono::seconds lifetime{300};     // long enough to sign at once, too short to hoard
    std::chrono::seconds transaction{900};  // extendTransaction goes no further from the activation
    std::chrono::hours keep{25};            // rows outlive the 24 h in which a call can be retried
};

// SHA-256 over the SAD's text: what the log calls it.
Sha256Value sad_digest(const SecretBytes& sad);

// The key of its row, and the first part of its calls' keys (kCalls): when it was issued (6 bytes,
// milliseconds of the wall clock) and the first 26 bytes of sad_digest(). So what is written in one commit
// lies side by side in the store: with random keys every row costs the commit a page, and the page above it,
// of its own. The time decides nothing; a SAD that lies about it has no row.
Sha256Value sad_key(const SecretBytes& sad);

// What a SAD is asked to permit.
struct SadUse {
    const SecretBytes& sad;  // base64url text, as the client sent it
    const ClientId& client;
    const CredentialId& credential;
    record::HashType hash_type = record::HASH_TYPE_UNSPECIFIED;
    HashAlgorithm hash_algorithm = HashAlgorithm::kSha256;
    std::span<const Digest> hashes;
    std::uint64_t activations_from = 0;  // of standing.h
};

// What it permitted.
struct SpentSad {
    Bytes digest;                        // sad_digest()
    Bytes key;                           // sad_key()
    std::uint64_t activation_index = 0;  // log index of the activation
    Bytes sealed_opening_key;            // for open_opening_key() of pin.h; empty unless a PIN seals the key
};

struct NewSad {
    SecretBytes text;
    Bytes digest;  // sad_digest()
    Bytes key;     // sad_key()
};

// Thread-safe: its state is in the store.
class Sads {
 public:
    Sads(SadConfig config, const Clock& clock, Random& random)
        : config_(config), clock_(clock), random_(random) {}

    // A fresh one that permits nothing yet. Made outside of transactions.
    NewSad generate() const;

    struct Grant {
        const ClientId& client;
        const CredentialId& credential;
        const std::string& signer_id;
        record::HashType hash_type;
        HashAlgorithm hash_algorithm;
        std::span<const Digest> hashes;
        std::uint64_t activation_index;
        ByteView sealed_opening_key;
    };
    // Stores what `sad` permits from now on. Answers its lifetime.
    Result<std::chrono::seconds> create(audit::Recorder& recorder, const NewSad& sad,
                                        const Grant& grant) const;

    // Spends the SAD for exactly these hashes, or nothing. For step 3 of the signing path.
    // kSadInvalid: unknown, voided, another client's or credential's, or of before the key was suspended.
    // kSadExpired: by time, or issued before the last reboot. kHashNotAuthorized: a hash is not in the list,
    // was spent, is given twice, or the SAD is for the other type of hash (`field` "SAD"). kInvalidArgument
    // "hashes": none. When the last hash is spent the opening key is erased.
    Result<SpentSad> check_and_spend(audit::Recorder& recorder, const SadUse& use) const;

    // The HSM refused definitely: the hashes may be signed after all. Restores the opening key. Nothing to do
    // when the SAD has expired and its row is gone.
    Status give_back(audit::Recorder& recorder, const SpentSad& spent, std::span<const Digest> hashes) const;

    // extendTransaction: voids the SAD of `use`; `fresh` permits `use.hashes`, a subset of what was unspent,
    // for a new lifetime that does not pass the activation's end, and for the same type of hash; a `use` of
    // HASH_TYPE_UNSPECIFIED takes whichever that is. Errors as check_and_spend().
    struct Extension {
        std::chrono::seconds lifetime;
        std::string signer_id;
        std::uint64_t activation_index = 0;
        record::HashType hash_type = record::HASH_TYPE_UNSPECIFIED;
    };
    Result<Extension> extend(audit::Recorder& recorder, const SadUse& use, const NewSad& fresh) const;

    // Whose it is, whether or not it still permits anything. kSadInvalid: unknown, or another client's.
    static Result<CredentialId> credential_of(audit::Ledger& ledger, const SecretBytes& sad,
                                              const ClientId& client);

    // A new epoch: no SAD of before permits anything. Erases at most `limit` rows, as one
    // transaction bears them; how many it were: fewer than `limit`, and none is left.
    static Result<std::size_t> erase_some(audit::Recorder& recorder, std::size_t limit);

    const SadConfig& config() const { return config_; }

 private:
    Result<Record<record::Sad>> find(audit::Recorder& recorder, ByteView row, const SadUse& use) const;

    const SadConfig config_;
    const Clock& clock_;
    Random& random_;
};

}  // namespace sigillo::activation
