#include "appliance/sigillod/admin_service.h"

#include <pwd.h>

#include <array>

#include "appliance/sigillod/codec.h"
#include "appliance/sigillod/version.h"

namespace sigillo {
namespace {

sam::AdminResponse done() {
    sam::AdminResponse response;
    response.mutable_done();
    return response;
}

}  // namespace

std::string officer_name(uid_t uid) {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> buffer{};
    if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
        return std::string("officer:") + found->pw_name;
    return "officer:uid-" + std::to_string(uid);
}

sam::AdminResponse AdminService::handle(const ipc::Peer& peer, const sam::AdminRequest& request) {
    auto answer = dispatch(officer_name(peer.uid), request);
    sam::AdminResponse response;
    if (answer)
        response = *std::move(answer);
    else
        *response.mutable_error() = to_message(answer.error());
    response.set_id(request.id());
    return response;
}

AdminService::Answer AdminService::dispatch(const std::string& officer, const sam::AdminRequest& request) {
    if (!request.officer().order_signature().empty() || request.officer().approvals_size() > 0)
        return fail(Errc::kUnsupported, "signed orders and approvals are not available yet", "officer");
    constexpr std::size_t kReasonLimit = 256;  // bytes: a sentence for the log, which cannot be erased
    if (request.officer().reason().size() > kReasonLimit)
        return fail(Errc::kLimitExceeded, "at most 256 bytes", "reason");
    const OfficerOrder order{officer, request.officer().reason()};
    if (TsaOrders::takes(request)) return parts_.tsa.carry_out(order, request);
    using Body = sam::AdminRequest;
    switch (request.body_case()) {
        case Body::kGetStatus:
            return status();
        case Body::kClientAdd: {
            const auto& body = request.client_add();
            SIGILLO_ASSIGN(const auto client, parts_.clients.add(order, body.tenant(), body.name(),
                                                                 as_bytes(body.spki_sha256())));
            sam::AdminResponse response;
            *response.mutable_client() = to_message(client);
            return response;
        }
        case Body::kClientList:
            return list_clients();
        case Body::kClientRemove: {
            SIGILLO_ASSIGN(const ClientId client, ClientId::parse(request.client_remove().client_id()));
            SIGILLO_TRY(parts_.clients.remove(order, client));
            return done();
        }
        case Body::kListSigners:
            return list_signers(request.list_signers());
        case Body::kGetSigner: {
            SIGILLO_ASSIGN(const SignerId id, SignerId::parse(request.get_signer().signer_id()));
            SIGILLO_ASSIGN(const auto signer, parts_.signers.get("", id));
            sam::AdminResponse response;
            *response.mutable_signer() = to_message(signer);
            return response;
        }
        case Body::kListCredentials:
            return list_credentials(request.list_credentials());
        case Body::kGetCredential:
            return show_credential(request.get_credential());
        case Body::kSetStatus: {
            const auto& body = request.set_status();
            SIGILLO_ASSIGN(const CredentialId id, CredentialId::parse(body.credential_id()));
            SIGILLO_TRY(parts_.credentials.set_status("", officer, id, body.status(), body.reason()));
            return done();
        }
        case Body::kSetQscd: {
            SIGILLO_ASSIGN(const CredentialId id, CredentialId::parse(request.set_qscd().credential_id()));
            SIGILLO_TRY(parts_.credentials.set_qscd(officer, id, request.set_qscd().qscd(), order.reason));
            return done();
        }
        case Body::kUnlockFactors:
            return unlock_factors(request.unlock_factors(), order);
        case Body::kGetEvidence:
            return show_evidence(officer, request);
        case Body::kEraseEvidence:
            return erase_evidence(officer, request);
        case Body::kGetCheckpoint:
            return checkpoint();
        case Body::kCreateBackup: {
            SIGILLO_ASSIGN(const BackupReport report,
                           parts_.backup.create(order, request.create_backup().directory()));
            sam::AdminResponse response;
            response.mutable_backup()->set_directory(report.directory);
            response.mutable_backup()->set_checkpoint(report.checkpoint);
            response.mutable_backup()->set_tsa_checkpoint(report.tsa_checkpoint);
            response.mutable_backup()->set_bytes(report.bytes);
            return response;
        }
        default:
            return fail(Errc::kInvalidArgument, "a request without a body");
    }
}

AdminService::Answer AdminService::status() {
    sam::AdminResponse response;
    sam::Status& status = *response.mutable_status();
    *status.mutable_health() = parts_.health.report();
    status.set_version(kVersion);
    status.set_started_ms(unix_millis(parts_.started));
    SIGILLO_TRY(parts_.ledger.view([&](ReadTransaction& txn) -> Status {
        SIGILLO_ASSIGN(const auto epoch, parts_.log.epoch(txn));
        if (epoch) {
            status.set_origin(epoch->origin);
            status.set_epoch(epoch->number);
        }
        SIGILLO_ASSIGN(const std::uint64_t size, parts_.ledger.log().size(txn));
        status.set_log_size(size);
        return {};
    }));
    SIGILLO_ASSIGN(const auto clients, parts_.clients.list());
    std::uint64_t registered = 0;
    for (const auto& client : clients) registered += client.removed ? 0 : 1;
    status.set_clients(registered);
    return response;
}

AdminService::Answer AdminService::list_clients() {
    SIGILLO_ASSIGN(const auto clients, parts_.clients.list());
    sam::AdminResponse response;
    response.mutable_clients();
    for (const auto& client : clients) *response.mutable_clients()->add_clients() = to_message(client);
    return response;
}

AdminService::Answer AdminService::list_signers(const sam::AdminListSigners& body) {
    SIGILLO_ASSIGN(const std::size_t limit, page_limit(body.page().limit()));
    SIGILLO_ASSIGN(const auto signers, parts_.signers.list(body.tenant(), body.page().after(), limit));
    sam::AdminResponse response;
    response.mutable_signers();
    for (const auto& signer : signers) *response.mutable_signers()->add_signers() = to_message(signer);
    return response;
}

AdminService::Answer AdminService::list_credentials(const sam::AdminListCredentials& body) {
    SIGILLO_ASSIGN(const std::size_t limit, page_limit(body.page().limit()));
    SIGILLO_ASSIGN(const auto credentials, parts_.credentials.list(body.tenant(), body.signer_id(),
                                                                   body.page().after(), limit, false));
    sam::AdminResponse response;
    response.mutable_credentials();
    for (const auto& credential : credentials) {
        SIGILLO_ASSIGN(const bool locked,
                       parts_.lockout.is_locked(parts_.ledger, credential.id, credential.record));
        SIGILLO_ASSIGN(*response.mutable_credentials()->add_credentials(),
                       to_message(credential, locked, parts_.ledger.clock().now()));
    }
    return response;
}

AdminService::Answer AdminService::show_credential(const sam::GetCredential& body) {
    SIGILLO_ASSIGN(const CredentialId id, CredentialId::parse(body.credential_id()));
    SIGILLO_ASSIGN(const auto credential, parts_.credentials.get("", id));
    sam::AdminResponse response;
    SIGILLO_ASSIGN(const bool locked,
                   parts_.lockout.is_locked(parts_.ledger, credential.id, credential.record));
    SIGILLO_ASSIGN(*response.mutable_credential(),
                   to_message(credential, locked, parts_.ledger.clock().now()));
    return response;
}

AdminService::Answer AdminService::unlock_factors(const sam::UnlockFactors& body, const OfficerOrder& order) {
    if (body.credential_id().empty() == body.factor_id().empty())
        return fail(Errc::kInvalidArgument, "name either a credential or a factor", "credentialID");
    const auto unlock = [&](const auto& id) {
        return parts_.ledger.update([&](audit::Recorder& recorder) {
            return parts_.lockout.unlock(recorder, id, order.officer, order.reason);
        });
    };
    if (body.factor_id().empty()) {
        SIGILLO_ASSIGN(const CredentialId credential, CredentialId::parse(body.credential_id()));
        SIGILLO_TRY(unlock(credential));
    } else {
        SIGILLO_ASSIGN(const FactorId factor, FactorId::parse(body.factor_id()));
        SIGILLO_TRY(unlock(factor));
    }
    return done();
}

AdminService::Answer AdminService::show_evidence(const std::string& officer,
                                                 const sam::AdminRequest& request) {
    const auto& body = request.get_evidence();
    SIGILLO_ASSIGN(const auto evidence, parts_.ledger.update([&](audit::Recorder& recorder) {
        return parts_.evidence.show(recorder,
                                    {body.epoch(), body.index(), officer, request.officer().reason()});
    }));
    sam::AdminResponse response;
    sam::Evidence& out = *response.mutable_evidence();
    out.set_index(body.index());
    out.set_epoch(body.epoch() != 0 ? body.epoch() : parts_.ledger.epoch());
    out.set_salt(evidence.salt.data(), evidence.salt.size());
    out.set_body(evidence.body);
    out.set_sha256(evidence.digest.data(), evidence.digest.size());
    return response;
}

AdminService::Answer AdminService::erase_evidence(const std::string& officer,
                                                  const sam::AdminRequest& request) {
    const auto& body = request.erase_evidence();
    SIGILLO_TRY(parts_.ledger.update([&](audit::Recorder& recorder) {
        return activation::EvidenceKeeper::erase(
            recorder, {body.epoch(), body.index(), officer, request.officer().reason()});
    }));
    return done();
}

AdminService::Answer AdminService::checkpoint() {
    // What is committed now, and not what was a moment ago: an officer who asks wants to see his own order in
    // it.
    SIGILLO_TRY(parts_.publisher.publish());
    sam::AdminResponse response;
    response.mutable_checkpoint()->set_text(parts_.publisher.checkpoint());
    response.mutable_checkpoint()->set_vkey(parts_.verifier_key);
    return response;
}

}  // namespace sigillo
