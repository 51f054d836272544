#include "appliance/activation/standing.h"

namespace sigillo::activation {

Status check_client(const record::Client& client, const std::string& tenant) {
    if (client.removed()) return fail(Errc::kForbidden, "the client was removed");
    if (client.tenant() != tenant) return fail(Errc::kForbidden, "the client belongs to another tenant");
    return {};
}

Status check_usable(const record::Credential& credential, WallTime now) {
    switch (credential.status()) {
        case record::STATUS_ACTIVE:
            break;
        case record::STATUS_PENDING:
            return fail(Errc::kDisabled, "the credential has no certificate yet");
        case record::STATUS_SUSPENDED:
            return fail(Errc::kDisabled, "the credential is suspended");
        case record::STATUS_REVOKED:
            return fail(Errc::kDisabled, "the credential is revoked");
        default:
            return fail(Errc::kCorrupt, "a credential of unknown status");
    }
    if (unix_millis(now) < credential.not_before_ms())
        return fail(Errc::kExpired, "the signing certificate is not valid yet");
    if (unix_millis(now) > credential.not_after_ms())
        return fail(Errc::kExpired, "the signing certificate has expired");
    return {};
}

Status check_credential(const record::Credential& credential, const std::string& tenant, WallTime now) {
    if (credential.tenant() != tenant || credential.status() == record::STATUS_DELETED)
        return fail(Errc::kNotFound, "no such credential", "credentialID");
    return check_usable(credential, now);
}

Result<SharedRecord<record::Credential>> load_standing(ReadTransaction& txn, const RecordCodec& codec,
                                                       const ClientId& client_id, const std::string& tenant,
                                                       const CredentialId& credential_id, WallTime now) {
    SIGILLO_ASSIGN(const auto client, load_shared(txn, codec, tables::kClients, key_of(client_id.str())));
    if (!client) return fail(Errc::kForbidden, "no such client");
    SIGILLO_TRY(check_client(client->value, tenant));
    SIGILLO_ASSIGN(auto credential, require_shared(txn, codec, tables::kCredentials,
                                                   key_of(credential_id.str()), "credentialID"));
    SIGILLO_TRY(check_credential(credential->value, tenant, now));
    return credential;
}

std::uint64_t activations_from(const record::Credential& credential, std::uint64_t epoch) {
    return credential.status_changed_epoch() == epoch ? credential.status_changed_index() : 0;
}

bool is_refusal(Errc code) {
    switch (code) {
        case Errc::kInvalidArgument:
        case Errc::kMissingArgument:
        case Errc::kNotFound:
        case Errc::kForbidden:
        case Errc::kConflict:
        case Errc::kLimitExceeded:
        case Errc::kAuthenticationFailed:
        case Errc::kOtpInvalid:
        case Errc::kLocked:
        case Errc::kDisabled:
        case Errc::kExpired:
        case Errc::kSadInvalid:
        case Errc::kSadExpired:
        case Errc::kHashNotAuthorized:
        case Errc::kClockUntrusted:
            return true;
        default:
            return false;
    }
}

}  // namespace sigillo::activation
