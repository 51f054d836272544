// From /v1's JSON and queries to sigillod's messages. Shapes and types are checked here; what the values mean
// (countries, algorithms, policies) is sigillod's to judge. Pure; safe from any thread.
#pragma once

#include <string>

#include "api/http/exchange.h"
#include "api/json/value.h"
#include "api/v1/problem.h"
#include "appliance/ipc/sam.pb.h"

namespace sigillo::api::v1 {

Outcome<json::Object> decode_body(std::string_view body);

Outcome<sam::CreateSigner> decode_create_signer(const json::Object& body);
Outcome<sam::EnrolFactor> decode_enrol_factor(const json::Object& body, const std::string& signer_id);
Outcome<sam::ChangePin> decode_change_pin(const json::Object& body, const std::string& signer_id,
                                          const std::string& factor_id);
Outcome<sam::CreateCredential> decode_create_credential(const json::Object& body);
Outcome<sam::SetCertificate> decode_set_certificate(const json::Object& body,
                                                    const std::string& credential_id);
Outcome<sam::SetStatus> decode_set_status(const json::Object& body, const std::string& credential_id);

// ?after&limit&externalReference, percent-decoded.
Outcome<sam::ListSigners> decode_list_signers(const Request& request);
// ?after&limit, where `after` is a use's index (use_position.h).
Outcome<sam::ListUses> decode_list_uses(const Request& request, const std::string& credential_id);

// An id from the path: a malformed one names nothing that exists.
Outcome<std::string> path_id(const std::string& value, std::string_view parameter);

}  // namespace sigillo::api::v1
