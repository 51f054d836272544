#include "appliance/sigillod/signing_service.h"

#include <algorithm>

#include "appliance/ipc/deterministic.h"

#include "appliance/sigillod/codec.h"
#include "appliance/sigillod/ocsp_service.h"

namespace sigillo {

namespace {

// Where a page of signers ends early: a frame (4 MiB), less its own framing and one signer of the greatest
// length.
constexpr std::size_t kPageBytes = std::size_t{3} << 20;

}  // namespace

struct SigningService::Call {
    const RegisteredClient& client;
    Idempotency idempotency;

    // Inside the transaction that makes the change.
    Status remember(audit::Recorder& recorder, const sam::SigningResponse& answer) {
        std::string bytes = answer.SerializeAsString();
        const Status status = idempotency.remember(recorder, as_bytes(bytes));
        cleanse(bytes);
        return status;
    }
};

Task<sam::SigningResponse> SigningService::handle(const sam::SigningRequest& request) {
    Answer answer = co_await answer_to(request);
    sam::SigningResponse response;
    if (answer)
        response = *std::move(answer);
    else
        *response.mutable_error() = to_message(answer.error());
    response.set_id(request.id());
    co_return response;
}

Task<SigningService::Answer> SigningService::answer_to(const sam::SigningRequest& request) {
    if (request.body_case() == sam::SigningRequest::kGetHealth) {
        sam::SigningResponse response;
        *response.mutable_health() = parts_.health.report();
        // Whoever holds some certificate may learn whether it works, not how much others sign.
        if (!parts_.clients.identify(as_bytes(request.client().spki_sha256())))
            response.mutable_health()->clear_metrics();
        co_return response;
    }
    // Step 1 of the signing path ends here: who asks is known, for whatever is asked.
    SIGILLO_CO_ASSIGN(const RegisteredClient client,
                      parts_.clients.identify(as_bytes(request.client().spki_sha256())));
    switch (request.body_case()) {
        case sam::SigningRequest::kAuthorize:
            co_return co_await authorize(request.authorize(), client);
        case sam::SigningRequest::kExtendTransaction:
            co_return co_await extend(request.extend_transaction(), client);
        case sam::SigningRequest::kSignHash:
            co_return co_await sign_hash(request.sign_hash(), client);
        case sam::SigningRequest::kSignDocuments:
            co_return co_await sign_documents(request.sign_documents(), client);
        case sam::SigningRequest::kTimeStamp:
            co_return co_await time_stamp(request.time_stamp());
        default:
            co_return dispatch(request, client);
    }
}

SigningService::Answer SigningService::dispatch(const sam::SigningRequest& request,
                                                const RegisteredClient& client) {
    using Body = sam::SigningRequest;
    switch (request.body_case()) {
        case Body::kGetSigner:
            return get_signer(request.get_signer(), client);
        case Body::kListSigners:
            return list_signers(request.list_signers(), client);
        case Body::kListFactors:
            return list_factors(request.list_factors(), client);
        case Body::kDeleteFactor:
            return delete_factor(request.delete_factor(), client);
        case Body::kGetCredential:
            return get_credential(request.get_credential(), client);
        case Body::kListCredentials:
            return list_credentials(request.list_credentials(), client);
        case Body::kSetCertificate:
            return set_certificate(request.set_certificate(), client);
        case Body::kDeleteCredential:
            return delete_credential(request.delete_credential(), client);
        case Body::kListUses:
            return list_uses(request.list_uses(), client);
        case Body::kGetCaCertificate:
        case Body::kGetCrl:
        case Body::kOcsp:
            return validation_data(request);
        case Body::kCreateSigner:
        case Body::kEnrolFactor:
        case Body::kCreateCredential:
        case Body::kSetStatus:
        case Body::kChangePin:
            break;
        default:
            return fail(Errc::kInvalidArgument, "a request without a body");
    }
    // The POSTs of /v1: the same Idempotency-Key gets the same answer.
    sam::SigningRequest identity = request;
    identity.clear_id();
    identity.clear_client();
    std::string identity_bytes = ipc::deterministic_bytes(identity);
    Call call{client, Idempotency(parts_.ledger, parts_.random, client.id, request.client().idempotency_key(),
                                  as_bytes(identity_bytes))};
    cleanse(identity_bytes);  // may hold a PIN
    const auto earlier = [&]() -> Result<std::optional<sam::SigningResponse>> {
        SIGILLO_ASSIGN(const auto stored, call.idempotency.earlier_answer());
        if (!stored) return std::optional<sam::SigningResponse>();
        sam::SigningResponse response;
        if (!response.ParseFromArray(stored->expose().data(), static_cast<int>(stored->size())))
            return fail(Errc::kCorrupt, "idempotency: stored answer cannot be parsed");
        return std::optional(std::move(response));
    };
    SIGILLO_ASSIGN(auto answered, earlier());
    if (answered) return *std::move(answered);
    auto answer = change(request, call);
    if (!answer && answer.error().code == Errc::kAlreadyExists) {
        // A repetition at the same time was faster: its answer is ours.
        SIGILLO_ASSIGN(answered, earlier());
        if (answered) return *std::move(answered);
    }
    return answer;
}

SigningService::Answer SigningService::change(const sam::SigningRequest& request, Call& call) {
    switch (request.body_case()) {
        case sam::SigningRequest::kCreateSigner:
            return create_signer(request.create_signer(), call);
        case sam::SigningRequest::kEnrolFactor:
            return enrol_factor(request.enrol_factor(), call);
        case sam::SigningRequest::kCreateCredential:
            return create_credential(request.create_credential(), call);
        case sam::SigningRequest::kChangePin:
            return change_pin(request.change_pin(), call);
        default:
            return set_status(request.set_status(), call);
    }
}

// ---- signers and factors
// --------------------------------------------------------------------------------------

SigningService::Answer SigningService::create_signer(const sam::CreateSigner& body, Call& call) {
    sam::SigningResponse response;
    SIGILLO_ASSIGN(
        const SignerId id,
        parts_.signers.create(call.client.tenant, call.client.id, body.person().country(),
                              to_record(body.person()), [&](audit::Recorder& recorder, const SignerId& made) {
                                  response.mutable_signer()->set_signer_id(made.str());
                                  return call.remember(recorder, response);
                              }));
    response.mutable_signer()->set_signer_id(id.str());
    return response;
}

SigningService::Answer SigningService::get_signer(const sam::GetSigner& body,
                                                  const RegisteredClient& client) {
    SIGILLO_ASSIGN(const SignerId id, SignerId::parse(body.signer_id()));
    SIGILLO_ASSIGN(const auto signer, parts_.signers.get(client.tenant, id));
    sam::SigningResponse response;
    *response.mutable_signer() = to_message(signer);
    return response;
}

SigningService::Answer SigningService::list_signers(const sam::ListSigners& body,
                                                    const RegisteredClient& client) {
    SIGILLO_ASSIGN(const std::size_t limit, page_limit(body.page().limit()));
    SIGILLO_ASSIGN(const auto signers,
                   parts_.signers.list(client.tenant, body.page().after(), limit, body.external_reference()));
    sam::SigningResponse response;
    response.mutable_signers();
    std::size_t bytes = 0;
    for (const auto& signer : signers) {
        sam::Signer message = to_message(signer);
        bytes += message.ByteSizeLong();
        if (bytes > kPageBytes) {
            response.mutable_signers()->set_more(true);
            break;
        }
        *response.mutable_signers()->add_signers() = std::move(message);
    }
    return response;
}

SigningService::Answer SigningService::enrol_factor(const sam::EnrolFactor& body, Call& call) {
    SIGILLO_ASSIGN(const SignerId signer, SignerId::parse(body.signer_id()));
    const SecretBytes pin = SecretBytes::copy_of(body.pin());
    const auto respond = [](const activation::EnrolledFactor& factor) {
        sam::SigningResponse response;
        *response.mutable_enrolled_factor()->mutable_factor() = to_message(factor.info);
        response.mutable_enrolled_factor()->set_otpauth(std::string(as_text(factor.otpauth.expose())));
        return response;
    };
    SIGILLO_ASSIGN(
        const auto factor,
        parts_.enrolment.enrol({call.client.tenant, call.client.id, signer, body.type(), pin},
                               [&](audit::Recorder& recorder, const activation::EnrolledFactor& made) {
                                   return call.remember(recorder, respond(made));
                               }));
    return respond(factor);
}

SigningService::Answer SigningService::list_factors(const sam::ListFactors& body,
                                                    const RegisteredClient& client) {
    SIGILLO_ASSIGN(const SignerId signer, SignerId::parse(body.signer_id()));
    SIGILLO_ASSIGN(const auto factors, parts_.enrolment.list(client.tenant, signer));
    sam::SigningResponse response;
    response.mutable_factors();
    for (const auto& factor : factors) *response.mutable_factors()->add_factors() = to_message(factor);
    return response;
}

SigningService::Answer SigningService::delete_factor(const sam::DeleteFactor& body,
                                                     const RegisteredClient& client) {
    SIGILLO_ASSIGN(const SignerId signer, SignerId::parse(body.signer_id()));
    SIGILLO_ASSIGN(const FactorId factor, FactorId::parse(body.factor_id()));
    SIGILLO_TRY(parts_.enrolment.remove(client.id, client.tenant, signer, factor));
    sam::SigningResponse response;
    response.mutable_done();
    return response;
}

SigningService::Answer SigningService::change_pin(const sam::ChangePin& body, Call& call) {
    activation::ChangePinRequest request;
    request.client = call.client.id;
    request.tenant = call.client.tenant;
    SIGILLO_ASSIGN(request.signer, SignerId::parse(body.signer_id()));
    SIGILLO_ASSIGN(request.factor, FactorId::parse(body.factor_id()));
    request.old_pin = SecretBytes::copy_of(body.old_pin());
    request.new_pin = SecretBytes::copy_of(body.new_pin());
    sam::SigningResponse response;
    response.mutable_done();
    SIGILLO_TRY(parts_.activator.change_pin(
        request, {.before = [&]() -> Status {
                      // A repetition that waited for the first must not be taken for a wrong PIN.
                      SIGILLO_ASSIGN(const auto stored, call.idempotency.earlier_answer());
                      if (stored) return fail(Errc::kAlreadyExists, "answered meanwhile");
                      return {};
                  },
                  .inside = [&](audit::Recorder& recorder) { return call.remember(recorder, response); }}));
    return response;
}

// ---- credentials
// ----------------------------------------------------------------------------------------------

SigningService::Answer SigningService::create_credential(const sam::CreateCredential& body, Call& call) {
    issuance::CreateCredentialRequest request;
    request.tenant = call.client.tenant;
    request.client = call.client.id;
    SIGILLO_ASSIGN(request.signer, SignerId::parse(body.signer_id()));
    request.credential_class = body.class_();
    request.key_algorithm = body.key_algorithm();
    request.policy = body.policy();
    request.factors = {body.factors().begin(), body.factors().end()};
    request.multisign = body.multisign();
    request.certificate_source = body.certificate_source();
    const auto respond = [](const issuance::CreatedCredential& credential) {
        sam::SigningResponse response;
        response.mutable_created_credential()->set_credential_id(credential.id.str());
        response.mutable_created_credential()->set_csr(credential.csr.data(), credential.csr.size());
        return response;
    };
    SIGILLO_ASSIGN(const auto credential,
                   parts_.credentials.create(
                       request, [&](audit::Recorder& recorder, const issuance::CreatedCredential& made) {
                           return call.remember(recorder, respond(made));
                       }));
    return respond(credential);
}

SigningService::Answer SigningService::set_status(const sam::SetStatus& body, Call& call) {
    SIGILLO_ASSIGN(const CredentialId credential, CredentialId::parse(body.credential_id()));
    sam::SigningResponse response;
    response.mutable_done();
    SIGILLO_TRY(parts_.credentials.set_status(
        call.client.tenant, "client:" + call.client.id.str(), credential, body.status(), body.reason(),
        [&](audit::Recorder& recorder) { return call.remember(recorder, response); }));
    return response;
}

SigningService::Answer SigningService::get_credential(const sam::GetCredential& body,
                                                      const RegisteredClient& client) {
    const bool by_sad = body.credential_id().empty() && !body.sad().empty();
    SIGILLO_ASSIGN(
        const CredentialId id,
        by_sad ? activation::Sads::credential_of(parts_.ledger, SecretBytes::copy_of(body.sad()), client.id)
               : CredentialId::parse(body.credential_id()));
    SIGILLO_ASSIGN(const auto credential, parts_.credentials.get(client.tenant, id));
    sam::SigningResponse response;
    SIGILLO_ASSIGN(const bool locked,
                   parts_.lockout.is_locked(parts_.ledger, credential.id, credential.record));
    SIGILLO_ASSIGN(*response.mutable_credential(),
                   to_message(credential, locked, parts_.ledger.clock().now()));
    return response;
}

SigningService::Answer SigningService::list_credentials(const sam::ListCredentials& body,
                                                        const RegisteredClient& client) {
    SIGILLO_ASSIGN(const std::size_t limit, page_limit(body.page().limit()));
    SIGILLO_ASSIGN(const auto credentials,
                   parts_.credentials.list(client.tenant, body.signer_id(), body.page().after(), limit,
                                           body.only_valid()));
    sam::SigningResponse response;
    response.mutable_credentials();
    for (const auto& credential : credentials) {
        SIGILLO_ASSIGN(const bool locked,
                       parts_.lockout.is_locked(parts_.ledger, credential.id, credential.record));
        SIGILLO_ASSIGN(*response.mutable_credentials()->add_credentials(),
                       to_message(credential, locked, parts_.ledger.clock().now()));
    }
    return response;
}

SigningService::Answer SigningService::set_certificate(const sam::SetCertificate& body,
                                                       const RegisteredClient& client) {
    SIGILLO_ASSIGN(const CredentialId credential, CredentialId::parse(body.credential_id()));
    std::vector<Bytes> chain;
    for (const std::string& der : body.chain()) chain.push_back(to_bytes(der));
    SIGILLO_TRY(parts_.credentials.set_certificate(client.tenant, client.id, credential, chain));
    sam::SigningResponse response;
    response.mutable_done();
    return response;
}

SigningService::Answer SigningService::delete_credential(const sam::DeleteCredential& body,
                                                         const RegisteredClient& client) {
    SIGILLO_ASSIGN(const CredentialId credential, CredentialId::parse(body.credential_id()));
    SIGILLO_TRY(parts_.credentials.remove(client.tenant, client.id, credential));
    sam::SigningResponse response;
    response.mutable_done();
    return response;
}

SigningService::Answer SigningService::list_uses(const sam::ListUses& body, const RegisteredClient& client) {
    SIGILLO_ASSIGN(const CredentialId credential, CredentialId::parse(body.credential_id()));
    SIGILLO_ASSIGN(const std::size_t limit, page_limit(body.limit()));
    std::optional<signing::UsePlace> after;
    if (body.has_after())
        after = signing::UsePlace{std::max<std::uint64_t>(1, body.after_epoch()), body.after()};
    SIGILLO_ASSIGN(const auto uses,
                   signing::list_uses(parts_.ledger, client.tenant, credential, after, limit));
    sam::SigningResponse response;
    response.mutable_uses();
    for (const signing::SingleUse& use : uses) {
        sam::Use& out = *response.mutable_uses()->add_uses();
        out.set_epoch(use.epoch);
        out.set_index(use.index);
        out.set_time_ms(unix_millis(use.time));
        out.set_hash(use.hash.data(), use.hash.size());
        out.set_hash_algorithm(static_cast<std::uint32_t>(use.hash_algorithm));
        out.set_signature_sha256(use.signature_sha256.data(), use.signature_sha256.size());
        out.set_outcome(std::string(use.outcome));
        out.set_document_digest(use.document_digest.data(), use.document_digest.size());
        out.set_message_digest(use.message_digest.data(), use.message_digest.size());
        out.set_format(std::string(use.format));
    }
    return response;
}

// ---- activation and signing
// -----------------------------------------------------------------------------------

Task<SigningService::Answer> SigningService::authorize(const sam::Authorize& body,
                                                       const RegisteredClient& client) {
    activation::AuthorizeRequest request;
    request.client = client.id;
    request.tenant = client.tenant;
    SIGILLO_CO_ASSIGN(request.credential, CredentialId::parse(body.credential_id()));
    request.hash_type = static_cast<record::HashType>(body.hash_type());
    SIGILLO_CO_ASSIGN(request.hashes, to_digests(body.hash_algorithm(), body.hashes()));
    request.hash_algorithm = static_cast<HashAlgorithm>(body.hash_algorithm());
    for (const auto& datum : body.auth_data())
        request.auth_data.push_back({datum.id(), SecretBytes::copy_of(datum.value())});
    request.description = body.description();
    request.client_data = body.client_data();
    SIGILLO_CO_ASSIGN(const auto granted, co_await parts_.activator.authorize(request));
    sam::SigningResponse response;
    response.mutable_authorized()->set_sad(std::string(as_text(granted.sad.expose())));
    response.mutable_authorized()->set_expires_in_s(static_cast<std::uint32_t>(granted.expires_in.count()));
    co_return response;
}

Task<SigningService::Answer> SigningService::extend(const sam::ExtendTransaction& body,
                                                    const RegisteredClient& client) {
    activation::ExtendRequest request;
    request.client = client.id;
    request.tenant = client.tenant;
    SIGILLO_CO_ASSIGN(request.credential, CredentialId::parse(body.credential_id()));
    request.sad = SecretBytes::copy_of(body.sad());
    request.hash_type = static_cast<record::HashType>(body.hash_type());
    SIGILLO_CO_ASSIGN(request.hashes, to_digests(body.hash_algorithm(), body.hashes()));
    request.hash_algorithm = static_cast<HashAlgorithm>(body.hash_algorithm());
    SIGILLO_CO_ASSIGN(const auto granted, co_await parts_.activator.extend(request));
    sam::SigningResponse response;
    response.mutable_authorized()->set_sad(std::string(as_text(granted.sad.expose())));
    response.mutable_authorized()->set_expires_in_s(static_cast<std::uint32_t>(granted.expires_in.count()));
    co_return response;
}

Task<SigningService::Answer> SigningService::sign_hash(const sam::SignHash& body,
                                                       const RegisteredClient& client) {
    signing::SignRequest request;
    request.client = client.id;
    request.tenant = client.tenant;
    SIGILLO_CO_ASSIGN(request.credential, CredentialId::parse(body.credential_id()));
    request.sad = SecretBytes::copy_of(body.sad());
    SIGILLO_CO_ASSIGN(request.hashes, to_digests(body.hash_algorithm(), body.hashes()));
    if (body.padding() > static_cast<std::uint32_t>(SignaturePadding::kPss))
        co_return fail(Errc::kInvalidArgument, "unknown signature padding", "signAlgo");
    request.scheme = {static_cast<SignaturePadding>(body.padding()),
                      static_cast<HashAlgorithm>(body.hash_algorithm())};
    SIGILLO_CO_ASSIGN(const auto made, co_await parts_.signing.sign(request));
    sam::SigningResponse response;
    response.mutable_signatures();
    for (const Bytes& signature : made.signatures)
        response.mutable_signatures()->add_signatures(signature.data(), signature.size());
    co_return response;
}

Task<SigningService::Answer> SigningService::sign_documents(const sam::SignDocuments& body,
                                                            const RegisteredClient& client) {
    SIGILLO_CO_ASSIGN(
        const signing::SignRequest request,
        to_sign_request(body, client, parts_.deposits, parts_.documents, parts_.documents_per_call));
    SIGILLO_CO_ASSIGN(const auto made, co_await parts_.signing.sign(request));
    sam::SigningResponse response;
    *response.mutable_signed_documents() = to_message(made);
    co_return response;
}

// What anybody gets from the public face: for documents that are to stay valid.
SigningService::Answer SigningService::validation_data(const sam::SigningRequest& request) {
    sam::SigningResponse response;
    if (request.has_ocsp()) {
        *response.mutable_ocsp_answer() = answer_ocsp(parts_.ocsp, parts_.ocsp_limits, request.ocsp(), true);
        return response;
    }
    Bytes der = parts_.authority.certificate();
    if (request.has_get_crl()) {
        SIGILLO_ASSIGN(der, parts_.authority.crl());
    }
    response.mutable_document()->set_der(der.data(), der.size());
    return response;
}

// CSC API v2.0.0.2 §11.13: for registered clients what anybody gets from the public face.
Task<SigningService::Answer> SigningService::time_stamp(const sam::TimeStamp& body) {
    if (parts_.tsa == nullptr)
        co_return fail(Errc::kUnsupported, "this appliance has no time-stamping authority");
    SIGILLO_CO_ASSIGN(const auto place, parts_.tsa->admit());
    sam::SigningResponse response;
    *response.mutable_time_stamped() = co_await parts_.tsa->stamp(body);
    co_return response;
}

}  // namespace sigillo
