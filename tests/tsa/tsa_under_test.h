// A time-stamping authority as sigillod will have it: LMDB, log and units are real, keys are in memory unless
// a token is given, and the clock is the test's. Restartable.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "appliance/audit/store_log.h"
#include "appliance/base/file.h"
#include "appliance/store/lmdb_store.h"
#include "tests/support/scratch_directory.h"
#include "tests/tsa/software_token_keys.h"
#include "tests/tsa/test_ca.h"
#include "tsa/authority.h"

namespace sigillo::tsa::testing {

inline constexpr const char* kPolicy = "0.4.0.2023.1.1";
inline constexpr const char* kOtherPolicy = "1.2.840.99999.7.2";

// The machine's clock plus an offset; trusted until told otherwise. Thread-safe.
class ManualTime final : public TimeSource {
 public:
    Result<PreciseTime> now() override {
        if (before_each) before_each(++calls);
        if (!good) return fail(Errc::kClockUntrusted, "a test said so");
        return std::chrono::time_point_cast<Microseconds>(std::chrono::system_clock::now()) +
               Microseconds(offset_us.load());
    }
    Microseconds accuracy() const override { return stated; }
    bool checked() const override { return is_checked; }
    TimeStatus status() const override { return {}; }

    std::atomic<bool> good{true};
    std::atomic<std::int64_t> offset_us{0};
    std::atomic<int> calls{0};
    std::function<void(int call)> before_each;  // set before use
    Microseconds stated = std::chrono::seconds(1);
    bool is_checked = true;
};

class TsaUnderTest {
 public:
    explicit TsaUnderTest(TokenKeys* keys = nullptr);
    ~TsaUnderTest();

    // Store, units and authority, with what the members below say. Called by the constructor.
    void start();
    // As a restart of the daemon does it.
    void restart();

    // A unit in service, certified by `ca`. Throws when something is refused.
    UnitId add_unit(KeyAlgorithm algorithm = KeyAlgorithm::kEcP256, const CertificateOptions& options = {},
                    std::vector<std::string> policies = {});
    // … and one that is only certified.
    UnitId ready_unit(KeyAlgorithm algorithm = KeyAlgorithm::kEcP256, const CertificateOptions& options = {},
                      std::vector<std::string> policies = {});
    std::vector<Bytes> chain_for(const UnitId& id, const CertificateOptions& options = {});
    record::Unit record(const UnitId& id);
    std::shared_ptr<sigillo::testing::SoftwareKey> key_of(const UnitId& id) {
        return software_keys.behind(id.str());
    }

    std::vector<nlohmann::json> events(const std::string& type = {});

    sigillo::testing::ScratchDirectory scratch;
    SystemClock clock;
    SystemRandom random;
    UniqueFd nowhere;
    Logger logger;
    SoftwareTokenKeys software_keys;
    TokenKeys& keys;
    TestCa ca;
    ManualTime time;
    UnitsConfig units_config;
    AuthorityConfig config;
    DiskReserveConfig reserve_config;
    RecordCodec codec;
    std::unique_ptr<LmdbStore> store;
    std::unique_ptr<audit::StoreLog> log;
    std::unique_ptr<audit::Ledger> ledger;
    std::unique_ptr<Units> units;
    std::unique_ptr<DiskReserve> reserve;
    std::unique_ptr<Authority> authority;
};

TimeStampRequest request_for(std::string_view document, HashAlgorithm hash = HashAlgorithm::kSha256,
                             bool cert_req = true, std::vector<std::uint8_t> nonce = {0x2A});

// A TimeStampResp of ours as libcrypto reads it.
struct ReadResponse {
    long status = -1;
    std::vector<int> failures;  // bits of failInfo
    std::string text;           // the first of statusString
    std::string serial_hex;     // lower case; empty without a token
    std::string policy;
    std::string gen_time;
    Bytes nonce;  // magnitude
    Bytes imprint;
    std::size_t certificates = 0;
    bool reencodes = false;  // libcrypto's own encoding of it is the same, octet for octet
};
// Throws when libcrypto cannot parse it.
ReadResponse read_response(ByteView der);
// The libcrypto verifier's judgement: empty, or its reason. `certificates`: for tokens without any.
std::string verify_response(ByteView der, ByteView request_der, const Bytes& trusted,
                            const std::vector<Bytes>& certificates = {});

template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(to_string(result.error()));
    return *std::move(result);
}
inline void must(const Status& status) {
    if (!status) throw std::runtime_error(to_string(status.error()));
}

}  // namespace sigillo::tsa::testing
