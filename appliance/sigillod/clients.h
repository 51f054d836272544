// Registered signature applications: who may speak through sigillo-api, and for which tenant. Officers add
// and remove them; a TLS certificate's SPKI digest names one, so that a renewed certificate of the same key
// goes on working.
#pragma once

#include <cstdint>
#include <map>
#include <shared_mutex>
#include <string>
#include <vector>

#include "appliance/audit/recorder.h"
#include "appliance/base/ids.h"
#include "appliance/base/random.h"
#include "appliance/sigillod/officer_order.h"

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
    Result<RegisteredClient> add(const OfficerOrder& order, const std::string& tenant,
                                 const std::string& name, ByteView spki_sha256);
    // Its SADs are void from now on. kNotFound.
    Status remove(const OfficerOrder& order, const ClientId& client);
    Result<std::vector<RegisteredClient>> list();
    // kForbidden with `field` "client" when no registered client has this key. Asked at every request, so the
    // answer is remembered until add() or remove(); what uses a key reads the client's record again, in the
    // transaction that decides.
    Result<RegisteredClient> identify(ByteView spki_sha256);

 private:
    Result<RegisteredClient> read(ReadTransaction& txn, std::string_view id);
    Result<RegisteredClient> look_up(ByteView spki_sha256);
    void forget();

    audit::Ledger& ledger_;
    Random& random_;
    std::shared_mutex mutex_;
    // Guarded by mutex_:
    std::map<Bytes, RegisteredClient> known_;  // by SPKI digest; as many as are registered
    std::uint64_t changes_ = 0;                // what was read before the last of them is not remembered
};

}  // namespace sigillo
