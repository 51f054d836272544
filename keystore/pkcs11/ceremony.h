// The key ceremony: what an officer does once with a new token. No Cryptoki in this header.
//
// Not thread-safe against another ceremony on the same token; run it before the daemon. Each PIN is given to
// the token once.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "appliance/base/random.h"
#include "appliance/base/result.h"
#include "appliance/base/secret.h"
#include "keystore/algorithms.h"
#include "keystore/pkcs11/key_labels.h"

namespace sigillo {

struct TokenInitialisation {
    std::filesystem::path module_path;  // absolute
    std::string label;                  // 1 to 32 bytes
    SecretBytes so_pin;                 // security officer's; 4 to 255 bytes
    SecretBytes user_pin;               // sigillod's; 4 to 255 bytes
    // Where the module keeps its token files, or empty. SoftHSM never fsyncs: this is done here.
    std::filesystem::path token_directory;
};

// C_InitToken and C_InitPIN on the first slot whose token is not initialised. Answers the token's URI with
// its serial and module-path, ready for Pkcs11Config::token_uri. kAlreadyExists (a token of this label
// exists; nothing was changed), kNotFound (module, or no free slot), kInvalidArgument (`field` names the
// member), kHsmRefused, kHsmFailed; kUnavailable or kStorageFull when the files could not be synced.
Result<std::string> initialise_token(const TokenInitialisation& what);

struct CeremonyConfig {
    std::string token_uri;  // as in Pkcs11Config
    SecretBytes pin;
    KeyLabels labels;
    KeyAlgorithm ca_algorithm = KeyAlgorithm::kEcP256;  // or kEcP384
    std::filesystem::path token_directory;  // synced before the ceremony is acknowledged, or empty
};

// How the wrapping scheme did against libcrypto's RFC 5649 with a key that both know.
enum class KnownAnswer {
    kHeld,          // every length
    kHeldAligned,   // multiples of 8 bytes; others are zero-padded first (SoftHSM's CKM_AES_KEY_WRAP_PAD)
    kNotPermitted,  // the token takes no key from outside: only the round trip was tried
};

struct CeremonyReport {
    bool created = false;  // false: everything was there already, and was found good
    std::string token_label;
    std::string token_serial;
    std::string wrapping_scheme;                    // "CKM_AES_KEY_WRAP_PAD"
    KnownAnswer known_answer = KnownAnswer::kHeld;  // of this run
    std::vector<std::string> objects;  // "sigillo-kek: AES-256, wrap and unwrap", … for the minutes
    // Protections that this module does not know, "sigillo-kek: CKA_UNWRAP_TEMPLATE is absent"; none with
    // SoftHSM.
    std::vector<std::string> not_known;
    PublicKey log_key;
    PublicKey ca_key;
};

// Makes the KEK, the two MAC keys, the sealing key, the log key and the CA key, or finds all of them good. On
// success they are on disk (token_directory). If one cannot be made, those made before it are destroyed
// again; if the reading back or the sync fails after the last one, a second run finds them and goes on from
// there. kConflict when only some of the objects exist (nothing was changed; `detail` lists both halves),
// kCorrupt when one is weaker than its template or the scheme fails its known answer, kUnsupported,
// kAuthenticationFailed (one try), kNotFound, kHsmRefused, kHsmFailed, kUnavailable, kStorageFull.
Result<CeremonyReport> run_ceremony(const CeremonyConfig& config, Random& random);

}  // namespace sigillo
