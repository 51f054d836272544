#include "appliance/signing/check_step.h"

#include <set>

namespace sigillo::signing {

Result<SharedRecord<record::Credential>> own_credential(ReadTransaction& txn, const RecordCodec& codec,
                                                        const SignRequest& request) {
    SIGILLO_ASSIGN(auto credential, require_shared(txn, codec, tables::kCredentials,
                                                   key_of(request.credential.str()), "credentialID"));
    if (credential->value.tenant() != request.tenant || credential->value.status() == record::STATUS_DELETED)
        return fail(Errc::kNotFound, "no such credential of this tenant", "credentialID");
    return credential;
}

Status check_request(const SignRequest& request, const record::Credential& credential,
                     const SigningLimits& limits) {
    const auto algorithm = key_algorithm_from_name(credential.key_algorithm());
    if (!algorithm) return fail(Errc::kCorrupt, "credential with an unknown key algorithm");
    if (!fits(*algorithm, request.scheme))
        return fail(Errc::kInvalidArgument, "the signature algorithm does not fit the credential's key",
                    "signAlgo");
    if (request.hashes.empty()) return fail(Errc::kMissingArgument, "no hash", "hash");
    if (request.hashes.size() > limits.hashes_per_call)
        return fail(Errc::kLimitExceeded,
                    "one call takes at most " + std::to_string(limits.hashes_per_call) + " hashes", "hash");
    if (request.documents.size() > limits.documents_per_call)
        return fail(Errc::kLimitExceeded,
                    "one call takes at most " + std::to_string(limits.documents_per_call) + " documents",
                    "documents");
    if (!request.documents.empty() && request.documents.size() != request.hashes.size())
        return fail(Errc::kInvalidArgument, "documents and their digests do not pair up", "documents");
    std::set<std::string_view> seen;
    for (const Digest& hash : request.hashes) {
        if (hash.algorithm() != request.scheme.hash)
            return fail(Errc::kInvalidArgument, "hash of another algorithm than stated", "hash");
        if (!seen.insert(as_text(hash.bytes())).second)
            return fail(Errc::kHashNotAuthorized, "the same hash twice in one call", "hash");
    }
    return {};
}

Result<std::optional<Signed>> stored_signatures(ReadTransaction& txn, const RecordCodec& codec,
                                                ByteView call_key) {
    SIGILLO_ASSIGN(const auto call, load(txn, codec, tables::kCalls, call_key));
    if (!call) return std::optional<Signed>();
    switch (call->value.state()) {
        case record::CALL_SIGNED: {
            Signed stored;
            for (const std::string& signature : call->value.signatures())
                stored.signatures.push_back(to_bytes(signature));
            for (const std::string& attributes : call->value.signed_attributes())
                stored.signed_attributes.push_back(to_bytes(attributes));
            return std::optional(std::move(stored));
        }
        case record::CALL_FAILED:
            return std::optional<Signed>();
        default:
            return fail(Errc::kOutcomeUnknown,
                        "the outcome of this very call is not known: authorise these hashes again");
    }
}

}  // namespace sigillo::signing
