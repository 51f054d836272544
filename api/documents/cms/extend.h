// From B-B to T, LT, LTA, and renewal of LTA (EN 319 122-1 §5 and §6). Each step changes a SignedData in
// memory; the caller writes it. What a signature or a time-stamp covers stays byte for byte.
//
// Errors: as in signed_data.h. kUnsupported with `field` "document": one of the signers has an archive
// time-stamp or long-term-validation attribute of a form before version 3. These cover all certificates and
// revocation data (§5.5.3), so that nothing may be added.
#pragma once

#include <optional>
#include <span>

#include "api/documents/cms/signed_data.h"

namespace sigillo::cms {

// B-T: what to stamp is the hash of signers()[signer].signature_value (RFC 3161 App. A). The token's imprint
// and its signature are checked, so its certificate must be in it, in the document or in `certificates`.
Status add_signature_time_stamp(SignedData& document, std::size_t signer, ByteView token,
                                std::span<const Bytes> certificates = {}, const Limits& limits = {});

// Validation material of all signers: into SignedData.certificates and SignedData.crls (§5.4, §6.3), also
// that of the units of time-stamp tokens, archive time-stamps included (§5.5.3, second strategy). Each
// element is parsed here and added once; whether it is the right one is what revocation.h checks. OCSP
// responses become OtherRevocationInfoFormat id-ri-ocsp-response (RFC 5940 §2.1), whole.
struct Material {
    std::vector<Bytes> certificates;
    std::vector<Bytes> crls;   // CertificateList
    std::vector<Bytes> ocsps;  // OCSPResponse
};
Status add_material(SignedData& document, const Material& material, const Limits& limits = {});

// The message imprint of an archive-time-stamp-v3 over the signer as it is now (§5.5.3), and the
// ATSHashIndexV3 that the token will carry (§5.5.2). `content_digest`: of the signed content, in the
// algorithm of the imprint.
struct ArchiveImprint {
    Digest imprint;
    Bytes hash_index;  // DER
};
Result<ArchiveImprint> archive_imprint(const SignedData& document, std::size_t signer,
                                       const Digest& content_digest);

// B-LTA, and each renewal. The document must be what archive_imprint() was asked about: the imprint is
// computed again and must be the token's. The index goes into the token's unsigned attributes.
Status add_archive_time_stamp(SignedData& document, std::size_t signer, ByteView token,
                              const Digest& content_digest, std::span<const Bytes> certificates = {},
                              const Limits& limits = {});

}  // namespace sigillo::cms
