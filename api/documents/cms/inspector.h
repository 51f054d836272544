// The steps of inspect(), one file each: signers (inspect.cc), time-stamp tokens (inspect_tokens.cc),
// validation material and levels (inspect_material.cc). Not for others than this folder.
#pragma once

#include <map>
#include <set>

#include "api/documents/cms/pool.h"
#include "api/documents/cms/revocation_read.h"
#include "api/documents/cms/signed_attributes.h"

namespace sigillo::cms {

class Inspector {
 public:
    Inspector(const SignedData& document, const InspectOptions& options, const Limits& limits)
        : document_(document), options_(options), limits_(limits), pool_(limits) {}

    Result<Inspection> run();

 private:
    // A CRL or OCSP response, parsed; the same index as in out_.revocations.
    struct Answers {
        RevocationKind kind = RevocationKind::kCrl;
        OcspBasicPtr ocsp;
        CrlPtr crl;
    };
    // An answer that holds, and what it stands on.
    struct Witness {
        std::size_t about = 0;
        std::optional<std::size_t> responder;  // an OCSP responder other than the issuer
    };

    Status collect_certificates();
    void collect_revocations(const SignedData& from);

    Status read_signers();
    Status read_signer(CMS_SignerInfo* parsed, const SignerInfo& raw);
    Status read_attributes(const SignerInfo& raw, Signer& signer, SignedAttributes& attributes) const;
    std::optional<std::size_t> find_certificate(CMS_SignerInfo* parsed,
                                                const SignedAttributes& attributes) const;
    std::optional<bool> content_matches(const SignerInfo& raw, const Signer& signer);
    // Null: no content is known, or it cannot be read.
    const Digest* content_digest(HashAlgorithm hash);

    Status read_document_token();
    Status read_tokens(const SignerInfo& raw, const SignedAttributes& attributes, std::vector<Token>& to);
    Status read_token(TokenKind kind, ByteView der, const SignerInfo* raw, std::vector<Token>& to);
    void judge_token(ByteView der, const SignerInfo* raw, const TimeStamp& stamp, Token& token);
    void judge_archive(ByteView der, const SignerInfo& raw, const TimeStamp& stamp, Token& token);

    Status read_material();
    Status add_answers(RevocationKind kind, const std::vector<Bytes>& ders);
    Status complete_paths();
    Status ask_all();
    Status ask_one(std::size_t answers, std::size_t certificate, std::size_t issuer);
    Status find_missing();
    Status find_missing(std::vector<Path> paths, bool renewal, std::set<std::size_t>& seen);
    bool is_supported(const Path& path) const;
    void judge_level(Signer& signer) const;

    const SignedData& document_;
    const InspectOptions& options_;
    const Limits& limits_;
    CertificatePool pool_;
    Inspection out_;
    std::map<HashAlgorithm, std::optional<Digest>> content_digests_;
    std::size_t tokens_ = 0;
    std::vector<Bytes> crls_;   // found, not yet parsed
    std::vector<Bytes> ocsps_;  // found, not yet parsed
    std::vector<Answers> answers_;
    std::vector<Witness> witnesses_;
};

}  // namespace sigillo::cms
