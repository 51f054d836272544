// What security officers may order, through sigilloctl. The officer is the peer's user on this machine, which
// the socket tells and not the message; every order is in the log under that name.
#pragma once

#include <string>

#include "appliance/activation/evidence.h"
#include "appliance/activation/lockout.h"
#include "appliance/audit/publisher.h"
#include "appliance/ipc/sam.pb.h"
#include "appliance/ipc/server.h"
#include "appliance/issuance/credentials.h"
#include "appliance/issuance/signers.h"
#include "appliance/sigillod/backup.h"
#include "appliance/sigillod/clients.h"
#include "appliance/sigillod/health.h"
#include "appliance/sigillod/tsa_orders.h"

namespace sigillo {

// Thread-safe; handle() blocks its thread.
class AdminService {
 public:
    struct Parts {
        audit::Ledger& ledger;
        Clients& clients;
        issuance::Signers& signers;
        issuance::Credentials& credentials;
        activation::Lockout lockout;
        activation::EvidenceKeeper evidence;
        audit::Publisher& publisher;
        const audit::StoreLog& log;
        std::string verifier_key;
        Backup& backup;
        Health& health;
        WallTime started;
        TsaOrders tsa;
    };
    explicit AdminService(Parts parts) : parts_(std::move(parts)) {}

    sam::AdminResponse handle(const ipc::Peer& peer, const sam::AdminRequest& request);

 private:
    using Answer = Result<sam::AdminResponse>;
    Answer dispatch(const std::string& officer, const sam::AdminRequest& request);
    Answer status();
    Answer list_clients();
    Answer list_signers(const sam::AdminListSigners& body);
    Answer list_credentials(const sam::AdminListCredentials& body);
    Answer show_credential(const sam::GetCredential& body);
    Answer unlock_factors(const sam::UnlockFactors& body, const OfficerOrder& order);
    Answer show_evidence(const std::string& officer, const sam::AdminRequest& request);
    Answer erase_evidence(const std::string& officer, const sam::AdminRequest& request);
    Answer checkpoint();

    Parts parts_;
};

// "officer:alice" by the user's name, or "officer:uid-1001" when the user has none.
std::string officer_name(uid_t uid);

}  // namespace sigillo
