// The extensions that the embedded CA writes, each encoded once. Pure functions; safe from any thread.
// Errors: kInternal when libcrypto cannot build one (memory), kInvalidArgument where noted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "appliance/base/bytes.h"
#include "appliance/base/clock.h"
#include "appliance/base/result.h"
#include "appliance/issuance/x509/certificate_facts.h"
#include "keystore/openssl/handles.h"

namespace sigillo {

// RFC 7093 §2 method 1: the leftmost 160 bits of SHA-256 over the subjectPublicKey's bits. kInvalidArgument
// when `spki` is not DER.
Result<Bytes> key_identifier(ByteView spki);

Result<X509ExtensionHandle> basic_constraints_extension(long path_length);  // critical, cA
Result<X509ExtensionHandle> key_usage_extension(std::uint16_t bits);        // critical, KeyUsageBit
// Critical, id-kp-timeStamping alone (RFC 3161 §2.3).
Result<X509ExtensionHandle> time_stamping_extension();
// id-kp-OCSPSigning alone, and id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2, §4.2.2.2.1); not critical.
Result<X509ExtensionHandle> ocsp_signing_extension();
Result<X509ExtensionHandle> ocsp_no_check_extension();
// privateKeyUsagePeriod (RFC 3280 §4.2.1.4), not critical; whole seconds.
Result<X509ExtensionHandle> key_usage_period_extension(WallTime from, WallTime until);
Result<X509ExtensionHandle> subject_key_extension(ByteView identifier);
Result<X509ExtensionHandle> authority_key_extension(ByteView identifier);
Result<X509ExtensionHandle> crl_distribution_extension(const std::string& url);
Result<X509ExtensionHandle> authority_information_extension(const std::string& ca_issuers_url,
                                                            const std::string& ocsp_url);  // "" = no OCSP
// kInvalidArgument when `oid` is not a dotted identifier.
Result<X509ExtensionHandle> policies_extension(const std::string& oid,
                                               const std::string& cps_url);  // "" = no CPS
enum class Semantics : std::uint8_t { kNaturalPerson, kLegalPerson };
// qcStatements with the one statement that says how the subject's identifier is to be read (EN 319 412-1
// §5.1).
Result<X509ExtensionHandle> semantics_extension(Semantics semantics);
Result<X509ExtensionHandle> crl_number_extension(std::uint64_t number);
Result<X509ExtensionHandle> crl_reason_extension(int reason);

}  // namespace sigillo
