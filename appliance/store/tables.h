// Every space of the store with the record that lives in it. Formats of keys: records.proto.
//
// A tracked table's records carry versions that the audit log repeats, so that an old record replayed into
// the store is found by the sweep. The others are indexes, or expire too soon for a replay to matter.
#pragma once

#include <array>

#include "appliance/store/records.pb.h"
#include "appliance/store/store.h"

namespace sigillo {

template <class Message>
struct Table {
    Space space;
    bool tracked = false;
};

namespace tables {

inline constexpr Table<record::Client> kClients{{"clients"}, true};
inline constexpr Table<record::ClientRef> kClientsBySpki{{"clients_by_spki"}};
inline constexpr Table<record::Signer> kSigners{{"signers"}, true};
inline constexpr Table<record::Empty> kSignersByTenant{{"signers_by_tenant"}};
inline constexpr Table<record::Empty> kSignersByReference{{"signers_by_reference"}};
inline constexpr Table<record::Factor> kFactors{{"factors"}, true};
inline constexpr Table<record::FactorState> kFactorStates{{"factor_states"}, true};
inline constexpr Table<record::Empty> kFactorsBySigner{{"factors_by_signer"}};
inline constexpr Table<record::Credential> kCredentials{{"credentials"}, true};
inline constexpr Table<record::CredentialState> kCredentialStates{{"credential_states"}, true};
inline constexpr Table<record::Empty> kCredentialsBySigner{{"credentials_by_signer"}};
inline constexpr Table<record::Empty> kCredentialsByTenant{{"credentials_by_tenant"}};
inline constexpr Table<record::ClientBudget> kClientBudgets{{"client_budgets"}};
inline constexpr Table<record::Sad> kSads{{"sads"}};
inline constexpr Table<record::SadKey> kSadKeys{{"sad_keys"}};
inline constexpr Table<record::Empty> kClickNonces{{"click_nonces"}};
inline constexpr Table<record::Call> kCalls{{"calls"}};
inline constexpr Table<record::OpenIntent> kOpenIntents{{"open_intents"}};
inline constexpr Table<record::Use> kUses{{"uses"}};
inline constexpr Table<record::Idempotency> kIdempotency{{"idempotency"}};
inline constexpr Table<record::Evidence> kEvidence{{"evidence"}};
inline constexpr Table<record::Revocation> kRevocations{{"revocations"}, true};
inline constexpr Table<record::Issued> kIssued{{"issued"}};
inline constexpr Table<record::Authority> kAuthority{{"ca"}, true};
inline constexpr Table<record::OcspResponder> kOcspResponder{{"ocsp"}, true};
inline constexpr Table<record::Empty> kExpiries{{"expiries"}};
inline constexpr Table<record::EpochWork> kMeta{{"meta"}};

}  // namespace tables

// Not records: the log's own two spaces (appliance/audit).
inline constexpr Space kLogLeaves{"log_leaves"};
inline constexpr Space kLogState{"log_state"};

// All spaces, for opening the store.
inline constexpr std::array kAllSpaces{tables::kClients.space,
                                       tables::kClientsBySpki.space,
                                       tables::kSigners.space,
                                       tables::kSignersByTenant.space,
                                       tables::kSignersByReference.space,
                                       tables::kFactors.space,
                                       tables::kFactorStates.space,
                                       tables::kFactorsBySigner.space,
                                       tables::kCredentials.space,
                                       tables::kCredentialStates.space,
                                       tables::kCredentialsBySigner.space,
                                       tables::kCredentialsByTenant.space,
                                       tables::kClientBudgets.space,
                                       tables::kSads.space,
                                       tables::kSadKeys.space,
                                       tables::kClickNonces.space,
                                       tables::kCalls.space,
                                       tables::kOpenIntents.space,
                                       tables::kUses.space,
                                       tables::kIdempotency.space,
                                       tables::kEvidence.space,
                                       tables::kRevocations.space,
                                       tables::kIssued.space,
                                       tables::kAuthority.space,
                                       tables::kOcspResponder.space,
                                       tables::kExpiries.space,
                                       tables::kMeta.space,
                                       kLogLeaves,
                                       kLogState};

}  // namespace sigillo
