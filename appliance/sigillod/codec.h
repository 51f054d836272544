// Between the store's records and the contract's messages. Pure functions.
#pragma once

#include "appliance/activation/enrolment.h"
#include "appliance/base/result.h"
#include "appliance/ipc/sam.pb.h"
#include "appliance/issuance/credentials.h"
#include "appliance/issuance/signers.h"
#include "appliance/sigillod/clients.h"

namespace sigillo {

sam::Error to_message(const Error& error);
sam::Signer to_message(const issuance::SignerInfo& signer);
sam::Factor to_message(const activation::FactorInfo& factor);
sam::Client to_message(const RegisteredClient& client);
// `locked`: by the lockout's rules; `now` decides certificate_expired. kCorrupt when a stored certificate
// cannot be read.
Result<sam::Credential> to_message(const issuance::CredentialInfo& credential, bool locked, WallTime now);

record::Person to_record(const sam::Person& person);

// Digests of one algorithm, lengths checked. kInvalidArgument "hashAlgorithmOID" or "hash".
Result<std::vector<Digest>> to_digests(std::uint32_t algorithm,
                                       const google::protobuf::RepeatedPtrField<std::string>& hashes);

// A page's limit, 1 to 1000; 0 is the default 100. kInvalidArgument "limit".
Result<std::size_t> page_limit(std::uint32_t limit);

}  // namespace sigillo
