// Fills an instance with credentials, each of a signer of its own, while sigillod is stopped: through the
// appliance's own signers, credentials, keys, CA, records and log, so that nothing tells them from what the
// API makes. As many at a time as there are threads: their transactions are committed in groups.
#include <CLI/CLI.hpp>
#include <atomic>
#include <fstream>
#include <iostream>
#include <mutex>
#include <thread>

#include "appliance/audit/publisher.h"
#include "appliance/issuance/authority.h"
#include "appliance/issuance/credentials.h"
#include "appliance/issuance/signers.h"
#include "appliance/sigillod/clients.h"
#include "appliance/sigillod/foundation.h"

namespace sigillo::bench {
namespace {

struct Options {
    std::string config;
    std::string out;
    std::uint64_t count = 100'000;
    unsigned threads = 48;
};

// The crew's shared state: how many have been begun, the ids made, the first error.
class Seeding {
 public:
    Seeding(issuance::Signers& signers, issuance::Credentials& credentials, RegisteredClient client,
            std::uint64_t count)
        : signers_(signers), credentials_(credentials), client_(std::move(client)), count_(count) {}

    void work() {
        while (begun_.fetch_add(1) < count_) {
            const auto made = make_one();
            const std::lock_guard lock(mutex_);
            if (!made) {
                begun_ = count_;
                if (!error_) error_ = made.error();
                return;
            }
            ids_.push_back(made->str());
            tell_progress();
        }
    }

    const std::optional<Error>& error() const { return error_; }
    const std::vector<std::string>& ids() const { return ids_; }

 private:
    Result<CredentialId> make_one() {
        record::Person person;
        person.set_given("Giulia");
        person.set_family("Esempio");
        SIGILLO_ASSIGN(const SignerId signer, signers_.create(client_.tenant, client_.id, "IT", person));
        issuance::CreateCredentialRequest request;
        request.tenant = client_.tenant;
        request.client = client_.id;
        request.signer = signer;
        request.credential_class = "simple";
        request.key_algorithm = "EC-P256";
        request.policy = "click";
        request.certificate_source = "embedded";
        SIGILLO_ASSIGN(const auto created, credentials_.create(request));
        return created.id;
    }

    void tell_progress() {
        const auto now = std::chrono::steady_clock::now();
        if (ids_.size() < count_ && now - told_ < std::chrono::seconds(5)) return;
        told_ = now;
        const double seconds = std::chrono::duration<double>(now - start_).count();
        std::cerr << "  seeded " << ids_.size() << " of " << count_ << " credentials, "
                  << static_cast<int>(static_cast<double>(ids_.size()) / seconds) << "/s\n";
    }

    issuance::Signers& signers_;
    issuance::Credentials& credentials_;
    const RegisteredClient client_;
    const std::uint64_t count_;
    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::atomic<std::uint64_t> begun_{0};
    std::mutex mutex_;  // guards the rest
    std::chrono::steady_clock::time_point told_ = start_;
    std::vector<std::string> ids_;
    std::optional<Error> error_;
};

Result<RegisteredClient> first_client(audit::Ledger& ledger, Random& random) {
    Clients clients(ledger, random);
    SIGILLO_ASSIGN(auto registered, clients.list());
    for (RegisteredClient& client : registered)
        if (!client.removed) return std::move(client);
    return fail(Errc::kNotFound, "no client is registered");
}

Status run(const Options& options) {
    Logger logger("seeder", 2, Severity::kWarning);
    SystemClock clock;
    SystemRandom random;
    SIGILLO_ASSIGN(const DaemonConfig config, load_daemon_config(options.config));
    SIGILLO_ASSIGN(const auto base, lay_foundation(config, clock, random, logger));
    SIGILLO_ASSIGN(const auto publisher, audit::Publisher::create(*base->store, *base->log, *base->identity,
                                                                  base->places, clock, logger, config.log));
    publisher->start();
    SIGILLO_ASSIGN(
        const auto authority,
        issuance::Authority::open({*base->ledger, *base->keys, *base->provider, random}, config.authority));
    issuance::Signers signers(*base->ledger, *base->keys, random, config.signers);
    issuance::Credentials credentials({*base->ledger, *base->keys, *authority, signers, *base->provider,
                                       random, [](const CredentialId&, std::uint64_t) {},
                                       config.credentials});
    SIGILLO_ASSIGN(RegisteredClient client, first_client(*base->ledger, random));

    Seeding seeding(signers, credentials, std::move(client), options.count);
    {
        std::vector<std::jthread> crew;
        for (unsigned i = 0; i < options.threads; ++i) crew.emplace_back([&] { seeding.work(); });
    }
    publisher->stop();
    if (seeding.error()) return std::unexpected(*seeding.error());
    if (const auto health = publisher->health(); !health.publishing)
        return fail(Errc::kUnavailable, health.reason);
    std::ofstream out(options.out);
    for (const std::string& id : seeding.ids()) out << id << '\n';
    out.close();
    if (!out) return fail(Errc::kStorageFull, "cannot write " + options.out);
    return {};
}

}  // namespace
}  // namespace sigillo::bench

int main(int argc, char** argv) {
    sigillo::bench::Options options;
    CLI::App app("Fills a stopped instance of Sigillo with credentials.");
    app.add_option("--config", options.config, "The instance's sigillo.toml")->required();
    app.add_option("--out", options.out, "File for the credentials' ids, one a line")->required();
    app.add_option("--count", options.count, "How many");
    app.add_option("--threads", options.threads, "How many at a time")->check(CLI::Range(1, 500));
    CLI11_PARSE(app, argc, argv);
    const auto status = sigillo::bench::run(options);
    if (!status) std::cerr << "seeder: " << to_string(status.error()) << "\n";
    return status ? 0 : 1;
}
