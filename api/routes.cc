#include "api/routes.h"

#include <array>

#include "api/csc/handlers.h"
#include "api/ops/handlers.h"
#include "api/public/handlers.h"
#include "api/v1/handlers.h"

namespace sigillo::api {
namespace {

using enum Method;
using enum Words;
using enum Caller;
using enum Retry;
using enum Media;

constexpr std::array kApiRoutes = {
    // CSC API v2.0.0.2 §11
    Route{kPost, "/csc/v2/info", csc::info, kCsc, kAnybody, kPlain},
    Route{kGet, "/csc/v2/info", csc::info, kCsc, kAnybody, kPlain},
    Route{kPost, "/csc/v2/credentials/list", csc::credentials_list, kCsc, kClient, kPlain},
    Route{kPost, "/csc/v2/credentials/info", csc::credentials_info, kCsc, kClient, kPlain},
    Route{kPost, "/csc/v2/credentials/authorize", csc::credentials_authorize, kCsc, kClient, kPlain},
    Route{kPost, "/csc/v2/credentials/extendTransaction", csc::credentials_extend_transaction, kCsc, kClient,
          kPlain},
    Route{kPost, "/csc/v2/signatures/signHash", csc::signatures_sign_hash, kCsc, kClient, kPlain},
    Route{kPost, "/csc/v2/signatures/signDoc", csc::signatures_sign_doc, kCsc, kClient, kPlain},
    Route{kPost, "/csc/v2/signatures/signPolling", csc::signatures_sign_polling, kCsc, kClient, kPlain},
    Route{kPost, "/csc/v2/signatures/timestamp", csc::signatures_timestamp, kCsc, kClient, kPlain},
    // Enrolment
    Route{kPost, "/v1/signers", v1::create_signer, kProblem, kClient, kIdempotencyKey},
    Route{kGet, "/v1/signers", v1::list_signers, kProblem, kClient, kPlain},
    Route{kGet, "/v1/signers/{signerID}", v1::get_signer, kProblem, kClient, kPlain},
    Route{kPost, "/v1/signers/{signerID}/factors", v1::enrol_factor, kProblem, kClient, kIdempotencyKey},
    Route{kGet, "/v1/signers/{signerID}/factors", v1::list_factors, kProblem, kClient, kPlain},
    Route{kDelete, "/v1/signers/{signerID}/factors/{factorID}", v1::delete_factor, kProblem, kClient, kPlain},
    Route{kPost, "/v1/signers/{signerID}/factors/{factorID}/pin", v1::change_pin, kProblem, kClient,
          kIdempotencyKey},
    Route{kPost, "/v1/credentials", v1::create_credential, kProblem, kClient, kIdempotencyKey},
    Route{kPut, "/v1/credentials/{credentialID}/certificate", v1::set_certificate, kProblem, kClient, kPlain},
    Route{kPost, "/v1/credentials/{credentialID}/status", v1::set_status, kProblem, kClient, kIdempotencyKey},
    Route{kDelete, "/v1/credentials/{credentialID}", v1::delete_credential, kProblem, kClient, kPlain},
    Route{kGet, "/v1/credentials/{credentialID}/uses", v1::list_uses, kProblem, kClient, kPlain},
    // Documents
    Route{kPost, "/v1/documents/prepare", v1::prepare_document, kProblem, kClient, kPlain},
    Route{kPost, "/v1/documents/complete", v1::complete_document, kProblem, kClient, kPlain},
    Route{kPost, "/v1/documents/extend", v1::extend_document, kProblem, kClient, kPlain},
    // Operation
    Route{kGet, "/healthz", ops::health, kProblem, kAnybody, kPlain},
    Route{kGet, "/metrics", ops::metrics, kProblem, kAnybody, kPlain},
    Route{kGet, "/openapi.yaml", ops::openapi, kProblem, kAnybody, kPlain},
};

constexpr std::array kPublicRoutes = {
    Route{kPost, "/tsa", pki::time_stamp, kProblem, kAnybody, kPlain, kTimeStampQuery},
    Route{kGet, "/pki/ca.crt", pki::ca_certificate, kProblem, kAnybody, kPlain},
    Route{kGet, "/pki/ca.crl", pki::crl, kProblem, kAnybody, kPlain},
    Route{kPost, "/pki/ocsp", pki::ocsp_post, kProblem, kAnybody, kPlain, kOcspRequest},
    Route{kGet, "/pki/ocsp/{request*}", pki::ocsp_get, kProblem, kAnybody, kPlain},
    Route{kGet, "/healthz", pki::liveness, kProblem, kAnybody, kPlain},
};

}  // namespace

std::span<const std::string_view> large_body_paths() {
    static constexpr std::array<std::string_view, 2> kPaths = {"/csc/v2/signatures/signDoc",
                                                               "/v1/documents/"};
    return kPaths;
}

std::span<const Route> api_routes() {
    return kApiRoutes;
}
std::span<const Route> public_routes() {
    return kPublicRoutes;
}

}  // namespace sigillo::api
