#include "appliance/signing/spend_step.h"

#include "appliance/signing/credential_log.h"

namespace sigillo::signing {
namespace {

// The client and the signer may have gone since the connection was let in.
Status check_people(audit::Recorder& recorder, const SignRequest& request,
                    const record::Credential& credential) {
    ReadTransaction& txn = recorder.transaction();
    SIGILLO_ASSIGN(const auto client,
                   load_shared(txn, recorder.codec(), tables::kClients, key_of(request.client.str())));
    if (!client || client->value.removed() || client->value.tenant() != request.tenant)
        return fail(Errc::kForbidden, "the client is not registered any more", "client");
    SIGILLO_ASSIGN(const auto signer, require_shared(txn, recorder.codec(), tables::kSigners,
                                                     key_of(credential.signer_id()), "signerID"));
    if (signer->value.tenant() != request.tenant)
        return fail(Errc::kCorrupt, "a credential and its signer belong to different tenants");
    return {};
}

// The attributes that are to be signed name the certificate that the credential had in step 2.
Status check_certificate(const SpendStep::Call& what, const record::Credential& credential) {
    if (what.request.documents.empty()) return {};
    if (credential.chain_size() == 0 || !equal(as_bytes(credential.chain(0)), what.signs.certificate))
        return fail(Errc::kConflict, "the credential got another certificate meanwhile: try again",
                    "credentialID");
    return {};
}

std::vector<Bytes> values_of(const std::vector<Digest>& digests) {
    std::vector<Bytes> values;
    values.reserve(digests.size());
    for (const Digest& digest : digests) values.push_back(to_bytes(digest.bytes()));
    return values;
}

// Of documents: what the signer authorised, and what was made of it.
void tell_of_documents(audit::Event& event, const SignRequest& request) {
    std::vector<Bytes> messages;
    std::vector<std::string> formats;
    for (const DocumentToSign& document : request.documents) {
        messages.push_back(to_bytes(document.message.bytes()));
        formats.emplace_back(ades::format_name(document.format));
    }
    event.set_base64_list("documents", values_of(request.hashes))
        .set_base64_list("messages", messages)
        .set_list("formats", formats);
}

audit::Event intent_event(audit::Recorder& recorder, const SpendStep::Call& what,
                          const record::Credential& credential, const activation::SpentSad& spent) {
    const SignRequest& request = what.request;
    audit::Event event = recorder.event("signing.intent");
    event.set("client", request.client.str())
        .set("tenant", request.tenant)
        .set("signer", credential.signer_id())
        .set("activation", spent.activation_index)
        .set("hash_type", request.documents.empty() ? "dtbsr" : "sdr")
        .set("hash_alg", hash_oid(request.scheme.hash))
        .set("scheme", scheme_name(request.scheme))
        .set_base64("sad", spent.digest)
        .set_base64_list("hashes", values_of(what.signs.digests));
    if (!request.documents.empty()) tell_of_documents(event, request);
    return event;
}

// The rows that retries, reconciliation and `uses` read.
Status write_rows(audit::Recorder& recorder, const SpendStep::Call& what, std::uint64_t intent) {
    const SignRequest& request = what.request;
    const ByteView call_key = what.key;
    const Bytes intent_key = key_of(request.credential.str(), recorder.epoch(), intent);

    record::OpenIntent open;
    open.set_sad_digest(call_key.data(), 32);
    open.set_request_digest(call_key.data() + 32, 32);
    record::Use& use = *open.mutable_use();
    use.set_time_ms(unix_millis(recorder.clock().now()));
    use.set_hash_algorithm(static_cast<std::uint32_t>(request.scheme.hash));
    use.set_outcome(record::CALL_IN_FLIGHT);
    for (const Digest& hash : what.signs.digests) use.add_hashes(hash.bytes().data(), hash.bytes().size());
    for (std::size_t i = 0; i < request.documents.size(); ++i) {
        const ByteView authorised = request.hashes[i].bytes();
        const ByteView message = request.documents[i].message.bytes();
        use.add_document_digests(authorised.data(), authorised.size());
        use.add_message_digests(message.data(), message.size());
        use.add_formats(static_cast<std::uint32_t>(request.documents[i].format));
    }
    open.set_use_expires_ms(unix_millis(recorder.clock().now() + what.uses_retention));
    SIGILLO_TRY(recorder.create(tables::kOpenIntents, intent_key, open));

    SIGILLO_ASSIGN(auto call, recorder.load(tables::kCalls, call_key));
    Record<record::Call> row =
        call ? *std::move(call) : Record<record::Call>();  // there is one after a kFailed
    row.value.set_state(record::CALL_IN_FLIGHT);
    row.value.set_intent_index(intent);
    row.value.set_credential_id(request.credential.str());
    return recorder.save(tables::kCalls, call_key, row);
}

}  // namespace

Task<Result<SpendStep::Spent>> SpendStep::run(audit::Ledger& ledger, const activation::Sads& sads,
                                              const Call& call) {
    const SignRequest& request = call.request;
    Spent result;
    SharedRecord<record::Credential> credential;
    std::uint64_t intent = 0;
    const Status spent =
        co_await ledger.commit(request.client.str(), [&](audit::Recorder& recorder) -> Status {
            WriteTransaction& txn = recorder.transaction();
            SIGILLO_ASSIGN(credential, own_credential(txn, recorder.codec(), request));
            SIGILLO_ASSIGN(auto stored, stored_signatures(txn, recorder.codec(), call.key));
            if (stored) {
                result.stored = *std::move(stored);
                credential.reset();
                return {};
            }
            SIGILLO_TRY(activation::check_usable(credential->value, recorder.clock().now()));
            SIGILLO_TRY(check_people(recorder, request, credential->value));
            SIGILLO_TRY(check_certificate(call, credential->value));

            // A SAD for a document's digest is void for hashes, and the reverse: or a document shaped like
            // SignedAttributes would be a forgery.
            const record::HashType type =
                request.documents.empty() ? record::HASH_TYPE_DTBSR : record::HASH_TYPE_SDR;
            const std::uint64_t from = activation::activations_from(credential->value, recorder.epoch());
            SIGILLO_ASSIGN(result.sad,
                           sads.check_and_spend(recorder, {request.sad, request.client, request.credential,
                                                           type, request.scheme.hash, request.hashes, from}));
            SIGILLO_ASSIGN(intent,
                           append_to_credential(recorder, request.credential,
                                                intent_event(recorder, call, credential->value, result.sad)));
            return write_rows(recorder, call, intent);
        });
    SIGILLO_CO_TRY(spent);
    if (!credential) co_return result;

    SigningGrant grant;
    grant.credential_ = request.credential;
    grant.version_ = credential->version;
    grant.intent_ = intent;
    grant.public_key_ = {*key_algorithm_from_name(credential->value.key_algorithm()),
                         to_bytes(credential->value.spki())};
    grant.wrapped_ = {credential->value.wrap_scheme(), to_bytes(credential->value.wrapped_key())};
    if (credential->value.pin_sealed()) {
        SigningGrant::PinSeal seal{request.sad.clone(), result.sad.sealed_opening_key};
        grant.pin_seal_ = std::move(seal);
    }
    result.grant = std::move(grant);
    co_return result;
}

}  // namespace sigillo::signing
