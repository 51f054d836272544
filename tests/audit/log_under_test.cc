#include "tests/audit/log_under_test.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>

#include "appliance/base/file.h"

namespace sigillo::audit::testing {
namespace {

namespace fs = std::filesystem;

LogIdentity identity_of(std::shared_ptr<SigningKey> key) {
    auto identity = LogIdentity::create(kOrigin, std::move(key));
    if (!identity) throw std::runtime_error(to_string(identity.error()));
    return *std::move(identity);
}

void replace(const fs::path& from, const fs::path& to) {
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive);
}

}  // namespace

LogUnderTest::LogUnderTest()
    : logger_("test", 2, Severity::kError),
      codec_(SecretBytes(32)),
      key_(sigillo::testing::SoftwareKey::generate(KeyAlgorithm::kEd25519)),
      identity_(identity_of(key_)),
      log_(directory()) {
    fs::create_directory(anchor());
    overwrite(vkey(), identity_.verifier_key() + "\n");
}

Result<GuardReport> LogUnderTest::start() {
    kill();
    LmdbConfig lmdb;
    lmdb.directory = store_directory().string();
    lmdb.map_bytes = std::uint64_t{1} << 30;
    lmdb.linger = std::chrono::microseconds(0);
    SIGILLO_ASSIGN(store_, LmdbStore::open(lmdb, kAllSpaces, clock_, logger_));
    SIGILLO_ASSIGN(GuardReport report, guard_log(*store_, log_, identity_, places(), kOverride));
    SIGILLO_ASSIGN(publisher_,
                   Publisher::create(*store_, log_, identity_, places(), clock_, logger_, config));
    return report;
}

void LogUnderTest::kill() {
    publisher_.reset();
    store_.reset();
}

void LogUnderTest::append(std::uint64_t count, const std::string& text) {
    for (std::uint64_t done = 0; done < count;) {
        const std::uint64_t batch = std::min<std::uint64_t>(100, count - done);
        const auto status = store_->update([&](WriteTransaction& txn) -> Status {
            for (std::uint64_t i = 0; i < batch; ++i) {
                Event event("client.added", clock_.now());
                event.set("client", std::string(32, 'c')).set("text", text).set("n", done + i);
                SIGILLO_ASSIGN([[maybe_unused]] const auto index, log_.append(txn, event));
            }
            return {};
        });
        ASSERT_TRUE(status) << to_string(status.error());
        done += batch;
    }
}

void LogUnderTest::use_key(const std::string& credential) {
    auto& [seq, last] = uses_[credential];
    const auto status = store_->update([&](WriteTransaction& txn) -> Status {
        const auto use = [&](const char* type) {
            Event event(type, clock_.now());
            event.set("credential", credential).set("seq", seq + 1);
            if (seq > 0) event.set("prev", last);
            return event;
        };
        Event activation("activation.granted", clock_.now());
        activation.set("credential", credential);
        SIGILLO_ASSIGN(const std::uint64_t activated, log_.append(txn, activation));
        Event intent = use("signing.intent");
        intent.set("activation", activated)
            .set("client", std::string(32, 'd'))
            .set_base64_list("hashes", {Bytes(32, 1)});
        intent.set("hash_alg", "2.16.840.1.101.3.4.2.1");
        SIGILLO_ASSIGN(const std::uint64_t intended, log_.append(txn, intent));
        ++seq;
        last = intended;
        Event outcome = use("signing.outcome");
        outcome.set("intent", intended).set("result", "signed").set_base64_list("signatures", {Bytes(32, 2)});
        SIGILLO_ASSIGN(last, log_.append(txn, outcome));
        ++seq;
        return {};
    });
    ASSERT_TRUE(status) << to_string(status.error());
}

void LogUnderTest::publish() {
    const auto status = publisher_->publish();
    ASSERT_TRUE(status) << to_string(status.error());
}

void LogUnderTest::anchor_now() {
    overwrite(anchor() / anchor_file_name(snapshot().checkpoint().origin), publisher_->checkpoint());
}

std::uint64_t LogUnderTest::size() {
    return view_returning(*store_, [&](ReadTransaction& txn) { return log_.head(txn); })->size;
}

Published LogUnderTest::published() {
    return *view_returning(*store_, [&](ReadTransaction& txn) { return log_.published(txn); });
}

LogSnapshot LogUnderTest::snapshot() const {
    auto snapshot = LogSnapshot::open(directory(), identity_.keys());
    if (!snapshot) throw std::runtime_error(to_string(snapshot.error()));
    return *std::move(snapshot);
}

void LogUnderTest::back_up_store(const std::string& name) {
    fs::remove_all(scratch_ / name);
    const auto status = store_->copy_to((scratch_ / name).string());
    ASSERT_TRUE(status) << to_string(status.error());
}
void LogUnderTest::restore_store(const std::string& name) {
    replace(scratch_ / name, store_directory());
}
void LogUnderTest::back_up_directory(const std::string& name) {
    replace(directory(), scratch_ / name);
}
void LogUnderTest::restore_directory(const std::string& name) {
    replace(scratch_ / name, directory());
}

void flip_bit(const fs::path& file, std::uint64_t bit) {
    std::string text = contents(file);
    text.at(bit / 8) = static_cast<char>(text.at(bit / 8) ^ (1 << (bit % 8)));
    overwrite(file, text);
}

std::string contents(const fs::path& file) {
    const auto bytes = read_file(file);
    if (!bytes) throw std::runtime_error(to_string(bytes.error()));
    return std::string(as_text(*bytes));
}

void overwrite(const fs::path& file, std::string_view text) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) throw std::runtime_error("write " + file.string());
}

}  // namespace sigillo::audit::testing
