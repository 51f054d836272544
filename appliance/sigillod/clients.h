// Registered signature applications: who may speak through sigillo-api, and for which tenant. Officers add
// and remove them; a TLS certificate's SPKI digest names one, so that a renewed certificate of the same key
// goes on working.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "appliance/audit/recorder.h"
#include "appliance/base/ids.h"
#include "appliance/base/random.h"

namespace sigillo {

struct RegisteredClient {
    ClientId id;
    std::string tenant;
    std::string name;
    Bytes spki_sha256;
    WallTime created{};
    bool removed = false;
};

// Thread-safe.
class Clients {
 public:
    Clients(audit::Ledger& ledger, Random& random) : ledger_(ledger), random_(random) {}

    // kInvalidArgument (tenant, name, spki), kAlreadyExists (the key is registered, whoever's it is).
    Result<RegisteredClient> add(std::string_view officer, const std::string& tenant, const std::string& name,
                                 ByteView spki_sha256);
    // Its SADs are void from now on. kNotFound.
    Status remove(std::string_view officer, const ClientId& client);
    Result<std::vector<RegisteredClient>> list();
    // kForbidden with `field` "client" when no registered client has this key.
    Result<RegisteredClient> identify(ByteView spki_sha256);

 private:
    Result<RegisteredClient> read(ReadTransaction& txn, std::string_view id);
    audit::Ledger& ledger_;
    Random& random_;
};

}  // namespace sigillo
