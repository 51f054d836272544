// What sigillo-api may ask on behalf of a client: the one place where the signing socket's messages meet the
// layers below. Decoding, naming the client, idempotency; no decision of its own.
#pragma once

#include "appliance/activation/activator.h"
#include "appliance/activation/enrolment.h"
#include "appliance/ipc/sam.pb.h"
#include "appliance/issuance/credentials.h"
#include "appliance/issuance/ocsp_responder.h"
#include "appliance/issuance/signers.h"
#include "appliance/sigillod/clients.h"
#include "appliance/sigillod/documents.h"
#include "appliance/sigillod/health.h"
#include "appliance/sigillod/idempotency.h"
#include "appliance/sigillod/tsa.h"
#include "appliance/signing/signing_path.h"
#include "appliance/signing/uses.h"

namespace sigillo {

// Thread-safe. A request outlives its Task.
class SigningService {
 public:
    struct Parts {
        audit::Ledger& ledger;
        Random& random;
        Clients& clients;
        issuance::Signers& signers;
        issuance::Credentials& credentials;
        activation::Enrolment& enrolment;
        activation::Activator& activator;
        activation::Lockout lockout;
        signing::SigningPath& signing;
        Health& health;
        Tsa* tsa;  // null where there is none
        Deposits& deposits;
        DocumentLimits documents{};
        std::size_t documents_per_call = signing::SigningLimits{}.documents_per_call;
        issuance::Authority& authority;
        issuance::OcspResponder& ocsp;
        ocsp::RequestLimits ocsp_limits;
    };
    explicit SigningService(const Parts& parts) : parts_(parts) {}

    Task<sam::SigningResponse> handle(const sam::SigningRequest& request);

 private:
    using Answer = Result<sam::SigningResponse>;
    struct Call;  // client and idempotency of one request

    Task<Answer> answer_to(const sam::SigningRequest& request);
    Answer dispatch(const sam::SigningRequest& request, const RegisteredClient& client);
    Answer change(const sam::SigningRequest& request, Call& call);

    Answer create_signer(const sam::CreateSigner& body, Call& call);
    Answer enrol_factor(const sam::EnrolFactor& body, Call& call);
    Answer create_credential(const sam::CreateCredential& body, Call& call);
    Answer set_status(const sam::SetStatus& body, Call& call);
    Answer change_pin(const sam::ChangePin& body, Call& call);

    Answer get_signer(const sam::GetSigner& body, const RegisteredClient& client);
    Answer list_signers(const sam::ListSigners& body, const RegisteredClient& client);
    Answer list_factors(const sam::ListFactors& body, const RegisteredClient& client);
    Answer delete_factor(const sam::DeleteFactor& body, const RegisteredClient& client);
    Answer get_credential(const sam::GetCredential& body, const RegisteredClient& client);
    Answer list_credentials(const sam::ListCredentials& body, const RegisteredClient& client);
    Answer set_certificate(const sam::SetCertificate& body, const RegisteredClient& client);
    Answer delete_credential(const sam::DeleteCredential& body, const RegisteredClient& client);
    Answer list_uses(const sam::ListUses& body, const RegisteredClient& client);

    Task<Answer> authorize(const sam::Authorize& body, const RegisteredClient& client);
    Task<Answer> extend(const sam::ExtendTransaction& body, const RegisteredClient& client);
    Task<Answer> time_stamp(const sam::TimeStamp& body);
    Answer validation_data(const sam::SigningRequest& request);
    Task<Answer> sign_hash(const sam::SignHash& body, const RegisteredClient& client);
    Task<Answer> sign_documents(const sam::SignDocuments& body, const RegisteredClient& client);

    Parts parts_;
};

}  // namespace sigillo
