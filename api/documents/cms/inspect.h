// What is in a CMS signature: signers, levels, tokens, certificates, and what validation material it still
// lacks.
//
// It answers for form and arithmetic (signatures hold, digests and imprints fit, paths fit together), not for
// trust: no anchors, no clock, no policy. For that there are validators.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/documents/cms/certificate.h"
#include "api/documents/cms/revocation.h"
#include "api/documents/cms/signed_data.h"
#include "api/documents/cms/time_stamp.h"
#include "keystore/algorithms.h"

namespace sigillo::cms {

enum class Level : std::uint8_t {
    kNone = 0,  // not even the attributes of B-B, or the signature does not hold
    kB,
    kT,
    kLt,
    kLta,
};

enum class TokenKind : std::uint8_t {
    kContent = 1,  // content-time-stamp, a signed attribute
    kSignature,    // signature-time-stamp
    kArchiveV3,    // archive-time-stamp-v3
    kArchiveOld,   // an earlier form: listed, not verified
    kDocument,     // the SignedData itself is a token (a PDF's DocTimeStamp)
};

// Indexes into Inspection::certificates, leaf first. Complete: the last is self-signed.
struct Path {
    std::vector<std::size_t> certificates;
    bool complete = false;
};

struct Token {
    TokenKind kind = TokenKind::kSignature;
    WallTime gen_time{};
    HashAlgorithm hash = HashAlgorithm::kSha256;
    std::string policy_oid;
    // The token's signature holds and its imprint is of what it stands for. For an archive time-stamp that
    // takes the content (attached, or given), else `checked` is false.
    bool valid = false;
    bool checked = false;
    std::string problem;  // why not valid, for people
    Path path;
};

struct Signer {
    SignerId id{};
    std::string digest_oid;
    std::string signature_oid;
    std::optional<SignatureScheme> scheme;  // none: an algorithm that this appliance does not make
    Bytes signature;
    Bytes message_digest;                  // attribute; empty: none
    std::optional<WallTime> signing_time;  // attribute
    bool signing_certificate = false;      // signing-certificate(-v2) is there and names the certificate
    bool content_type_fits = false;        // attribute content-type is the document's
    bool signature_valid = false;          // over the signed attributes, under the certificate
    std::optional<bool> content_matches;   // none: no content to compare with, or a hash that is not SHA-2
    Path path;                             // empty: the certificate is not among those known
    std::vector<Token> tokens;             // by gen_time
    Level level = Level::kNone;
    bool archived_before_v3 = false;  // has an archive time-stamp of an earlier form: cannot be extended
};

// A CRL or OCSP response of the document or among those given.
struct Revocation {
    RevocationKind kind = RevocationKind::kCrl;
    Bytes der;               // CertificateList, OCSPResponse
    WallTime this_update{};  // the latest, for an OCSP response with several
    std::vector<std::size_t>
        concerns;  // certificates that it says something about, issuer and signature checked
};

// A certificate of a path for which something is missing.
struct Missing {
    std::size_t certificate = 0;
    bool issuer = false;      // nobody known issued it, and it is not self-signed
    bool revocation = false;  // no OCSP response and no CRL about it
    // Only archive time-stamps need it: it belongs into the document before the next of these, not for B-LT.
    bool renewal = false;
};

struct Inspection {
    std::string content_type_oid;
    bool attached = false;
    std::uint64_t content_size = 0;  // attached
    // Those of the document, of its tokens, of its OCSP responses, and those given; each once.
    std::vector<Certificate> certificates;
    std::vector<Signer> signers;
    std::vector<Token> document_tokens;  // kDocument: at most one
    std::vector<Revocation> revocations;
    // For the paths of signers, of their time-stamping units and of OCSP responders; each certificate once.
    // Self-signed ones need nothing, those with ocsp-nocheck no revocation data. Those given in `anchors`
    // neither.
    std::vector<Missing> missing;
};

struct InspectOptions {
    // Detached content: a .p7s's file, or the two ranges of a PDF's ByteRange.
    std::optional<Content> content;
    // What is known from elsewhere: a PDF's DSS, the configuration's chains, what was fetched.
    std::vector<Bytes> certificates;
    std::vector<Bytes> crls;     // CertificateList
    std::vector<Bytes> ocsps;    // OCSPResponse
    std::vector<Bytes> anchors;  // DER certificates at which a path may end
    bool pades = false;          // B-B without signing-time (EN 319 142-1 §6.3)
};

Result<Inspection> inspect(const SignedData& document, const InspectOptions& options = {},
                           const Limits& limits = {});

}  // namespace sigillo::cms
