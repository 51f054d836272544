// CKA_LABELs of the token objects that the ceremony makes and the key store looks for.
#pragma once

#include <string>

namespace sigillo {

// CKA_LABEL, UTF-8, each different, at most 32 bytes each. A label names exactly one object of its class: a
// second one is refused at start, since nobody could say which of the two the records depend on.
struct KeyLabels {
    std::string kek = "sigillo-kek";                // AES-256, wraps signers' keys
    std::string records = "sigillo-records";        // HMAC-SHA-256, MacRole::kRecords
    std::string pin_pepper = "sigillo-pin-pepper";  // HMAC-SHA-256, MacRole::kPinPepper
    std::string sealing = "sigillo-sealing";        // AES-256-GCM, KeyStore::seal()
    std::string log = "sigillo-log";                // Ed25519 key pair, KeyRole::kLog
    std::string ca = "sigillo-ca";                  // EC key pair, KeyRole::kCa
};

}  // namespace sigillo
