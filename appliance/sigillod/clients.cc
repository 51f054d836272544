#include "appliance/sigillod/clients.h"

#include <algorithm>
#include <mutex>

#include "appliance/base/digest.h"

namespace sigillo {

Result<RegisteredClient> Clients::add(const OfficerOrder& order, const std::string& tenant,
                                      const std::string& name, ByteView spki_sha256) {
    constexpr std::size_t kNameLimit = 100;  // characters: it is shown in tables
    if (!is_tenant_name(tenant))
        return fail(Errc::kInvalidArgument, "a tenant's name is 1 to 63 of a-z, 0-9 and '-', a letter first",
                    "tenant");
    if (name.empty() || name.size() > kNameLimit ||
        std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
        return fail(Errc::kInvalidArgument, "1 to 100 characters, no control characters", "name");
    if (spki_sha256.size() != sizeof(Sha256Value))
        return fail(Errc::kInvalidArgument, "a SHA-256 digest has 32 bytes", "spki");
    RegisteredClient client{ClientId::generate(random_), tenant, name, to_bytes(spki_sha256),
                            ledger_.clock().now(),       false};
    record::Client record;
    record.set_tenant(tenant);
    record.set_name(name);
    record.set_spki_sha256(spki_sha256.data(), spki_sha256.size());
    record.set_created_ms(unix_millis(client.created));
    record::ClientRef reference;
    reference.set_client_id(client.id.str());
    SIGILLO_TRY(ledger_.update([&](audit::Recorder& recorder) -> Status {
        if (auto status = recorder.create(tables::kClientsBySpki, spki_sha256, reference); !status) {
            if (status.error().code == Errc::kAlreadyExists)
                return fail(Errc::kAlreadyExists,
                            "a client with this certificate's key is registered already", "spki");
            return status;
        }
        SIGILLO_TRY(recorder.create(tables::kClients, key_of(client.id.str()), record));
        audit::Event event = recorder.event("client.added");
        event.set("client", client.id.str()).set("tenant", tenant);
        set_order(event, order);
        event.set_base64("spki_sha256", spki_sha256);
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    }));
    forget();
    return client;
}

Status Clients::remove(const OfficerOrder& order, const ClientId& client) {
    const Status removed = ledger_.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(auto record, recorder.require(tables::kClients, key_of(client.str()), "clientID"));
        if (record.value.removed())
            return fail(Errc::kNotFound, "the client was removed already", "clientID");
        record.value.set_removed(true);
        SIGILLO_TRY(recorder.save(tables::kClients, key_of(client.str()), record));
        SIGILLO_TRY(recorder.erase(tables::kClientsBySpki, as_bytes(record.value.spki_sha256())));
        audit::Event event = recorder.event("client.removed");
        event.set("client", client.str()).set("tenant", record.value.tenant());
        set_order(event, order);
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    });
    forget();  // also when it is open whether the change became durable
    return removed;
}

void Clients::forget() {
    const std::unique_lock lock(mutex_);
    known_.clear();
    ++changes_;
}

Result<RegisteredClient> Clients::read(ReadTransaction& txn, std::string_view id) {
    SIGILLO_ASSIGN(const auto record,
                   require(txn, ledger_.codec(), tables::kClients, key_of(id), "clientID"));
    RegisteredClient client;
    SIGILLO_ASSIGN(client.id, ClientId::parse(id));
    client.tenant = record.value.tenant();
    client.name = record.value.name();
    client.spki_sha256 = to_bytes(record.value.spki_sha256());
    client.created = from_unix_millis(record.value.created_ms());
    client.removed = record.value.removed();
    return client;
}

Result<std::vector<RegisteredClient>> Clients::list() {
    return ledger_.view([&](ReadTransaction& txn) -> Result<std::vector<RegisteredClient>> {
        std::vector<RegisteredClient> clients;
        SIGILLO_TRY(txn.scan(tables::kClients.space, {}, {}, [&](ByteView key, ByteView) -> Result<bool> {
            SIGILLO_ASSIGN(RegisteredClient client, read(txn, as_text(key)));
            clients.push_back(std::move(client));
            return true;
        }));
        return clients;
    });
}

Result<RegisteredClient> Clients::identify(ByteView spki_sha256) {
    const Bytes key = to_bytes(spki_sha256);
    std::uint64_t changes = 0;
    {
        const std::shared_lock lock(mutex_);
        if (const auto found = known_.find(key); found != known_.end()) return found->second;
        changes = changes_;
    }
    SIGILLO_ASSIGN(RegisteredClient client, look_up(spki_sha256));
    const std::unique_lock lock(mutex_);
    if (changes == changes_) known_.emplace(key, client);
    return client;
}

Result<RegisteredClient> Clients::look_up(ByteView spki_sha256) {
    return ledger_.view([&](ReadTransaction& txn) -> Result<RegisteredClient> {
        if (spki_sha256.size() != sizeof(Sha256Value))
            return fail(Errc::kForbidden, "no client certificate", "client");
        SIGILLO_ASSIGN(const auto reference, load(txn, ledger_.codec(), tables::kClientsBySpki, spki_sha256));
        if (!reference)
            return fail(Errc::kForbidden, "no client is registered with this certificate's key", "client");
        SIGILLO_ASSIGN(RegisteredClient client, read(txn, reference->value.client_id()));
        if (client.removed || !equal(client.spki_sha256, spki_sha256))
            return fail(Errc::kForbidden, "the client was removed", "client");
        return client;
    });
}

}  // namespace sigillo
