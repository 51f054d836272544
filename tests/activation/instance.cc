#include "tests/activation/instance.h"

#include <fcntl.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "appliance/base/encoding.h"

namespace sigillo::activation::testing {
namespace {

template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(to_string(result.error()));
    return *std::move(result);
}
void must(const Status& status) {
    if (!status) throw std::runtime_error(to_string(status.error()));
}

// RFC 4648 §6, what base32_encode() writes.
SecretBytes base32_decode(std::string_view text) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    Bytes out;
    unsigned bits = 0;
    std::uint32_t buffer = 0;
    for (const char c : text) {
        const auto value = kAlphabet.find(c);
        if (value == std::string_view::npos) throw std::runtime_error("no base32");
        buffer = buffer << 5U | static_cast<std::uint32_t>(value);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<std::uint8_t>(buffer >> bits));
        }
    }
    return SecretBytes::copy_of(ByteView(out));
}

SecretBytes seed_of(const SecretBytes& otpauth) {
    const std::string_view uri = as_text(otpauth.expose());
    if (uri.empty()) return {};
    const auto from = uri.find("?secret=") + 8;
    return base32_decode(uri.substr(from, uri.find('&', from) - from));
}

}  // namespace

Instance::Instance(Settings chosen, KeyStore* given)
    : settings(std::move(chosen)),
      nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC)),
      logger("test", nowhere.get()),
      keys(given != nullptr ? *given : software_keys),
      codec(random.secret(32)) {
    start();
}

Instance::~Instance() = default;

void Instance::start() {
    LmdbConfig config;
    config.directory = (scratch / "store").string();
    config.map_bytes = std::uint64_t{1} << 28;
    store = must(LmdbStore::open(config, kAllSpaces, clock, logger));
    log = std::make_unique<audit::StoreLog>(scratch / "log");
    ledger = std::make_unique<audit::Ledger>(*store, codec, *log, clock);
    pins = std::make_unique<Pins>(settings.pin, keys, random);
    sads = std::make_unique<Sads>(settings.sad, clock, random);
    refusals = std::make_unique<RefusalLog>(settings.refusals, *ledger, logger);
    enrolment = std::make_unique<Enrolment>(settings.enrolment, *ledger, keys, *pins, random);
    activator = std::make_unique<Activator>(
        settings.activator,
        Activator::Parts{*ledger, keys, *pins, *sads, *refusals, random, [this] { return clock_status; }});
}

void Instance::restart() {
    activator.reset();
    enrolment.reset();
    refusals.reset();
    store.reset();
    start();
}

ClientId Instance::add_client(const std::string& tenant) {
    const ClientId id = ClientId::generate(random);
    record::Client client;
    client.set_tenant(tenant);
    client.set_name("orchestration");
    must(ledger->update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_TRY(recorder.create(tables::kClients, key_of(id.str()), client));
        SIGILLO_TRY(recorder.log(recorder.event("client.added")));
        return {};
    }));
    return id;
}

SignerId Instance::add_signer(const std::string& tenant) {
    const SignerId id = SignerId::generate(random);
    record::Signer signer;
    signer.set_tenant(tenant);
    signer.set_country("IT");
    must(ledger->update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_TRY(recorder.create(tables::kSigners, key_of(id.str()), signer));
        SIGILLO_TRY(recorder.log(recorder.event("signer.created")));
        return {};
    }));
    return id;
}

Held Instance::enrol(const SignerId& signer, const std::string& word, const std::string& pin) {
    const std::string tenant = must(ledger->view([&](ReadTransaction& txn) -> Result<std::string> {
        SIGILLO_ASSIGN(const auto record,
                       require(txn, codec, tables::kSigners, key_of(signer.str()), "signerID"));
        return record.value.tenant();
    }));
    const ClientId client = ClientId::generate(random);
    const SecretBytes secret = SecretBytes::copy_of(pin);
    auto enrolled = must(enrolment->enrol({tenant, client, signer, word, secret}));
    return {enrolled.info.id, word, seed_of(enrolled.otpauth)};
}

CredentialId Instance::add_credential(const SignerId& signer, const std::string& policy,
                                      const std::vector<const Held*>& factors, CredentialOptions options) {
    const CredentialId id = CredentialId::generate(random);
    const Policy parsed = must(Policy::parse(policy));
    const GeneratedKey key = must(keys.generate(KeyAlgorithm::kEcP256));
    record::Credential credential;
    credential.set_tenant("bank");
    credential.set_signer_id(signer.str());
    credential.set_class_(options.credential_class);
    credential.set_status(record::STATUS_ACTIVE);
    credential.set_policy(parsed.text());
    for (const Held* factor : factors) (*credential.mutable_factors())[factor->word] = factor->id.str();
    credential.set_key_algorithm("EC-P256");
    credential.set_spki(key.public_key.spki.data(), key.public_key.spki.size());
    credential.set_wrap_scheme(key.wrapped.scheme);
    credential.set_pin_sealed(parsed.seals_key());
    Bytes stored = key.wrapped.blob;
    if (parsed.seals_key()) {
        const auto pin = must(ledger->view([&](ReadTransaction& txn) {
            return require(txn, codec, tables::kFactors, key_of(credential.factors().at("pin")), "factorID");
        }));
        stored = must(seal_to(as_bytes(pin.value.pin().public_key()), stored, id, random));
    }
    credential.set_wrapped_key(stored.data(), stored.size());
    credential.set_multisign(options.multisign);
    credential.set_not_before_ms(unix_millis(clock.now()) - 86'400'000);
    credential.set_not_after_ms(unix_millis(clock.now()) + 365LL * 86'400'000);
    must(ledger->update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_TRY(recorder.create(tables::kCredentials, key_of(id.str()), credential));
        SIGILLO_TRY(recorder.create(tables::kCredentialStates, key_of(id.str()), record::CredentialState()));
        SIGILLO_TRY(recorder.log(recorder.event("credential.created")));
        return {};
    }));
    return id;
}

void Instance::change_credential(const CredentialId& id,
                                 const std::function<void(record::Credential&)>& change) {
    must(ledger->update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(auto record, recorder.require(tables::kCredentials, key_of(id.str()), "credentialID"));
        change(record.value);
        SIGILLO_TRY(recorder.save(tables::kCredentials, key_of(id.str()), record));
        SIGILLO_TRY(recorder.log(recorder.event("credential.changed")));
        return {};
    }));
}

record::Credential Instance::credential(const CredentialId& id) {
    return must(ledger->view([&](ReadTransaction& txn) {
               return require(txn, codec, tables::kCredentials, key_of(id.str()), "credentialID");
           }))
        .value;
}

record::CredentialState Instance::state(const CredentialId& id) {
    return must(ledger->view([&](ReadTransaction& txn) {
               return require(txn, codec, tables::kCredentialStates, key_of(id.str()), "credentialID");
           }))
        .value;
}

std::string Instance::totp(const Held& factor, int steps) const {
    const std::int64_t step = unix_seconds(clock.now()) / 30 + steps;
    return std::string(as_text(otp_code(factor.seed, static_cast<std::uint64_t>(step), 6).expose()));
}

std::string Instance::hotp(const Held& factor, std::uint64_t counter) const {
    return std::string(as_text(otp_code(factor.seed, counter, 6).expose()));
}

std::string Instance::wrong_code(const Held& factor) const {
    for (int code = 0;; ++code) {
        std::string text = std::to_string(100'000 + code);
        bool right = false;
        for (int steps = -3; steps <= 3; ++steps) right = right || text == totp(factor, steps);
        for (std::uint64_t counter = 0; counter < 30; ++counter)
            right = right || text == hotp(factor, counter);
        if (!right) return text;
    }
}

std::string Instance::click(const std::vector<Digest>& hashes, const std::string& nonce) {
    return nlohmann::json{{"time", unix_seconds(clock.now())},
                          {"nonce", nonce.empty() ? base64_encode(random.bytes(16)) : nonce},
                          {"hashesSHA256", base64_encode(hashes_digest(hashes))},
                          {"address", "192.0.2.1"},
                          {"userAgent", "test"}}
        .dump();
}

AuthorizeRequest Instance::request(const ClientId& client, const CredentialId& credential,
                                   std::vector<Digest> hashes) const {
    AuthorizeRequest made;
    made.client = client;
    made.tenant = "bank";
    made.credential = credential;
    made.hash_type = record::HASH_TYPE_DTBSR;
    made.hash_algorithm = HashAlgorithm::kSha256;
    made.hashes = std::move(hashes);
    return made;
}

std::vector<nlohmann::json> Instance::events(const std::string& type) {
    return must(ledger->view([&](ReadTransaction& txn) -> Result<std::vector<nlohmann::json>> {
        SIGILLO_ASSIGN(const auto head, log->head(txn));
        std::vector<nlohmann::json> found;
        for (std::uint64_t i = 0; i < head.size; ++i) {
            SIGILLO_ASSIGN(const Bytes leaf, log->leaf(txn, i));
            auto event = nlohmann::json::parse(as_text(leaf));
            if (type.empty() || event.at("type") == type) found.push_back(std::move(event));
        }
        return found;
    }));
}

std::size_t Instance::count(const std::string& type) {
    return events(type).size();
}

Digest hash_of(const std::string& text) {
    return digest_of(HashAlgorithm::kSha256, as_bytes(text));
}

std::vector<Digest> hashes_of(std::size_t count) {
    std::vector<Digest> hashes;
    for (std::size_t i = 0; i < count; ++i) hashes.push_back(hash_of("document " + std::to_string(i)));
    return hashes;
}

AuthorizeRequest& show(AuthorizeRequest& request, const std::string& word, const std::string& value) {
    request.auth_data.push_back({word, SecretBytes::copy_of(value)});
    return request;
}

}  // namespace sigillo::activation::testing
