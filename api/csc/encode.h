// sigillod's answers as CSC's JSON. Pure; safe from any thread.
#pragma once

#include <string>
#include <vector>

#include "api/csc/requests.h"
#include "api/service.h"

namespace sigillo::api::csc {

// `lang` of the answers; there is one language today.
// `documents`: whether signDoc is offered.
std::string encode_service_info(const ServiceInfo& info, bool documents);
// credentials/info (§11.5).
std::string encode_credential(const sam::Credential& credential, const CredentialView& view);
// credentials/list (§11.4).
std::string encode_list(const std::vector<sam::Credential>& credentials, const ListRequest& request);
std::string encode_authorized(const sam::Authorized& authorized);
std::string encode_signatures(const sam::Signatures& signatures);

}  // namespace sigillo::api::csc
