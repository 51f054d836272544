#include "tests/sigillod/hostile_peer.h"

namespace sigillo::testing {
namespace {

constexpr const char* kPin = "918273";  // none that the attacker tries

}  // namespace

Victim Victim::make(ClientUnderTest& client, const std::string& policy) {
    Victim victim;
    victim.policy = policy;
    victim.signer = client.create_signer();
    if (policy.find("totp") != std::string::npos) victim.seed = client.enrol_totp(victim.signer);
    if (policy.find("pin") != std::string::npos) {
        sam::SigningRequest enrol;
        enrol.mutable_enrol_factor()->set_signer_id(victim.signer);
        enrol.mutable_enrol_factor()->set_type("pin");
        enrol.mutable_enrol_factor()->set_pin(kPin);
        EXPECT_TRUE(client.ask(enrol).has_enrolled_factor());
    }
    sam::SigningRequest list;
    list.mutable_list_factors()->set_signer_id(victim.signer);
    const auto factors = client.ask(list);
    for (const auto& factor : factors.factors().factors()) victim.factors.insert(factor.factor_id());
    victim.credential = client.create_credential(victim.signer, policy, "EC-P256", "advanced");
    return victim;
}

sam::SigningResponse Victim::sign(const ClientUnderTest& client, const Bytes& hash) const {
    auto order = client.authorize(credential, {hash}, "", "");
    order.mutable_authorize()->clear_auth_data();
    const auto show = [&](const char* id, const std::string& value) {
        auto& datum = *order.mutable_authorize()->add_auth_data();
        datum.set_id(id);
        datum.set_value(value);
    };
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    if (seed.size() > 0) show("totp", totp_code(seed, now.count()));
    if (policy.find("pin") != std::string::npos) show("pin", kPin);
    const auto granted = client.ask(order);
    if (!granted.has_authorized()) return granted;
    return client.ask(client.sign_hash(credential, granted.authorized().sad(), {hash}));
}

}  // namespace sigillo::testing
