#include "appliance/activation/sad.h"

#include <algorithm>
#include <unordered_map>

#include "appliance/activation/deadline.h"
#include "appliance/activation/pin.h"
#include "appliance/base/encoding.h"

namespace sigillo::activation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kTimeBytes = 6;     // milliseconds: until the year 10889
constexpr std::size_t kTimeText = 8;      // of them in base64url
constexpr std::size_t kRandomBytes = 32;  // 256 bits
// An opening key goes at once after its SAD's expiry: housekeeping is no more exact than this.
constexpr seconds kOpeningKeyGrace{60};

std::unexpected<Error> invalid(const char* why) {
    return fail(Errc::kSadInvalid, why, "SAD");
}

std::unexpected<Error> of_another_type() {
    return fail(Errc::kHashNotAuthorized, "the SAD is for another type of hash", "SAD");
}

using Index = std::unordered_map<std::string_view, record::Sad::Hash*>;

Index index_of(record::Sad& sad) {
    Index index;
    index.reserve(static_cast<std::size_t>(sad.hashes_size()));
    for (record::Sad::Hash& hash : *sad.mutable_hashes()) index.emplace(hash.value(), &hash);
    return index;
}

// Marks all of `hashes` spent; on error `sad` is not to be saved.
Status spend(record::Sad& sad, std::span<const Digest> hashes) {
    const Index index = index_of(sad);
    for (const Digest& digest : hashes) {
        const auto found = index.find(as_text(digest.bytes()));
        if (found == index.end()) return fail(Errc::kHashNotAuthorized, "a hash is not in the SAD's list");
        if (found->second->spent())
            return fail(Errc::kHashNotAuthorized, "a hash of the SAD was used before");
        found->second->set_spent(true);
    }
    return {};
}

// Serves until the SAD's expiry, and is erased then; the SAD's row stays, so that its expiry can be told.
Status keep_opening_key(audit::Recorder& recorder, ByteView row, ByteView sealed, milliseconds lifetime) {
    if (sealed.empty()) return {};
    Record<record::SadKey> key;
    key.value.set_sealed_opening_key(sealed.data(), sealed.size());
    SIGILLO_TRY(recorder.save(tables::kSadKeys, row, key));
    return recorder.expire_at(recorder.clock().now() + lifetime + kOpeningKeyGrace, tables::kSadKeys, row);
}

Result<Bytes> opening_key(audit::Recorder& recorder, ByteView row) {
    SIGILLO_ASSIGN(const auto key, recorder.load(tables::kSadKeys, row));
    return key ? to_bytes(key->value.sealed_opening_key()) : Bytes();
}

void set_hashes(record::Sad& sad, std::span<const Digest> hashes) {
    sad.mutable_hashes()->Reserve(static_cast<int>(hashes.size()));
    for (const Digest& digest : hashes)
        sad.add_hashes()->set_value(digest.bytes().data(), digest.bytes().size());
}

}  // namespace

Sha256Value sad_digest(const SecretBytes& sad) {
    return sha256(sad.expose());
}

Sha256Value sad_key(const SecretBytes& sad) {
    const Sha256Value digest = sad_digest(sad);
    Sha256Value key{};
    if (sad.size() >= kTimeText)
        if (const auto time = base64url_decode(as_text(sad.expose().first(kTimeText))))
            std::ranges::copy(*time, key.begin());
    std::copy_n(digest.begin(), key.size() - kTimeBytes, key.begin() + kTimeBytes);
    return key;
}

NewSad Sads::generate() const {
    Bytes time;
    append_u64(time, static_cast<std::uint64_t>(unix_millis(clock_.now())));
    const SecretBytes bits = random_.secret(kRandomBytes);
    std::string text = base64url_encode(ByteView(time).last(kTimeBytes)) + base64url_encode(bits.expose());
    NewSad made{SecretBytes::copy_of(text), {}, {}};
    cleanse(text);
    made.digest = to_bytes(ByteView(sad_digest(made.text)));
    made.key = to_bytes(ByteView(sad_key(made.text)));
    return made;
}

Result<seconds> Sads::create(audit::Recorder& recorder, const NewSad& fresh, const Grant& grant) const {
    record::Sad sad;
    sad.set_client_id(grant.client.str());
    sad.set_credential_id(grant.credential.str());
    sad.set_signer_id(grant.signer_id);
    sad.set_hash_type(grant.hash_type);
    sad.set_hash_algorithm(static_cast<std::uint32_t>(grant.hash_algorithm));
    set_hashes(sad, grant.hashes);
    const seconds lifetime = std::min(config_.lifetime, config_.transaction);
    *sad.mutable_expires() = deadline_after(clock_, lifetime);
    *sad.mutable_activation_ends() = deadline_after(clock_, config_.transaction);
    sad.set_activation_index(grant.activation_index);
    SIGILLO_TRY(recorder.create(tables::kSads, fresh.key, sad));
    SIGILLO_TRY(recorder.expire_at(clock_.now() + config_.keep, tables::kSads, fresh.key));
    SIGILLO_TRY(keep_opening_key(recorder, fresh.key, grant.sealed_opening_key, lifetime));
    return lifetime;
}

Result<Record<record::Sad>> Sads::find(audit::Recorder& recorder, ByteView row, const SadUse& use) const {
    if (use.hashes.empty()) return fail(Errc::kInvalidArgument, "no hashes", "hashes");
    SIGILLO_ASSIGN(auto found, recorder.load(tables::kSads, row));
    if (!found) return invalid("no such SAD");
    const record::Sad& sad = found->value;
    if (sad.client_id() != use.client.str()) return invalid("the SAD was given to another client");
    if (sad.credential_id() != use.credential.str()) return invalid("the SAD is for another credential");
    if (sad.voided()) return invalid("the SAD was replaced by extendTransaction");
    if (sad.activation_index() < use.activations_from)
        return invalid("the credential was suspended after this activation: authorise again");
    if (remaining_this_boot(sad.expires(), clock_) == milliseconds(0))
        return fail(Errc::kSadExpired,
                    of_this_boot(sad.expires(), clock_)
                        ? "the SAD has expired"
                        : "the SAD was issued before a restart of the machine",
                    "SAD");
    if (sad.hash_algorithm() != static_cast<std::uint32_t>(use.hash_algorithm))
        return fail(Errc::kHashNotAuthorized, "the SAD's hashes are of another algorithm");
    return *std::move(found);
}

Result<SpentSad> Sads::check_and_spend(audit::Recorder& recorder, const SadUse& use) const {
    SpentSad spent;
    spent.digest = to_bytes(ByteView(sad_digest(use.sad)));
    spent.key = to_bytes(ByteView(sad_key(use.sad)));
    SIGILLO_ASSIGN(auto found, find(recorder, spent.key, use));
    record::Sad& sad = found.value;
    if (sad.hash_type() != use.hash_type) return of_another_type();
    SIGILLO_TRY(spend(sad, use.hashes));
    spent.activation_index = sad.activation_index();
    SIGILLO_ASSIGN(spent.sealed_opening_key, opening_key(recorder, spent.key));
    if (!spent.sealed_opening_key.empty() &&
        std::ranges::all_of(sad.hashes(), [](const auto& hash) { return hash.spent(); }))
        SIGILLO_TRY(recorder.erase(tables::kSadKeys, spent.key));
    SIGILLO_TRY(recorder.save(tables::kSads, spent.key, found));
    return spent;
}

Status Sads::give_back(audit::Recorder& recorder, const SpentSad& spent,
                       std::span<const Digest> hashes) const {
    SIGILLO_ASSIGN(auto found, recorder.load(tables::kSads, spent.key));
    if (!found) return {};
    record::Sad& sad = found->value;
    const Index index = index_of(sad);
    for (const Digest& digest : hashes)
        if (const auto entry = index.find(as_text(digest.bytes())); entry != index.end())
            entry->second->set_spent(false);
    const milliseconds left = remaining_this_boot(sad.expires(), clock_);
    if (!sad.voided() && left > milliseconds(0))
        SIGILLO_TRY(keep_opening_key(recorder, spent.key, spent.sealed_opening_key, left));
    return recorder.save(tables::kSads, spent.key, *found);
}

Result<Sads::Extension> Sads::extend(audit::Recorder& recorder, const SadUse& use,
                                     const NewSad& fresh) const {
    const Bytes old_row = to_bytes(ByteView(sad_key(use.sad)));
    SIGILLO_ASSIGN(auto found, find(recorder, old_row, use));
    record::Sad& old = found.value;
    if (use.hash_type != record::HASH_TYPE_UNSPECIFIED && old.hash_type() != use.hash_type)
        return of_another_type();
    SIGILLO_TRY(spend(old, use.hashes));  // must be unspent; the old SAD ends here in any case

    const milliseconds left =
        std::min(milliseconds(config_.lifetime), remaining_this_boot(old.activation_ends(), clock_));
    const auto lifetime = std::chrono::floor<seconds>(left);
    if (lifetime == seconds(0))
        return fail(Errc::kSadExpired, "the transaction cannot be extended any further: authorise again",
                    "SAD");

    record::Sad next;
    next.set_client_id(old.client_id());
    next.set_credential_id(old.credential_id());
    next.set_signer_id(old.signer_id());
    next.set_hash_type(old.hash_type());
    next.set_hash_algorithm(old.hash_algorithm());
    set_hashes(next, use.hashes);
    *next.mutable_expires() = deadline_after(clock_, lifetime);
    *next.mutable_activation_ends() = old.activation_ends();
    next.set_activation_index(old.activation_index());
    SIGILLO_TRY(recorder.create(tables::kSads, fresh.key, next));
    SIGILLO_TRY(recorder.expire_at(clock_.now() + config_.keep, tables::kSads, fresh.key));
    SIGILLO_ASSIGN(const Bytes old_key, opening_key(recorder, old_row));
    if (!old_key.empty()) {
        SIGILLO_ASSIGN(const SecretBytes key, open_opening_key(use.sad, old_key, use.credential));
        SIGILLO_ASSIGN(const Bytes sealed, seal_opening_key(fresh.text, key, use.credential));
        SIGILLO_TRY(keep_opening_key(recorder, fresh.key, sealed, lifetime));
        SIGILLO_TRY(recorder.erase(tables::kSadKeys, old_row));
    }

    old.set_voided(true);
    SIGILLO_TRY(recorder.save(tables::kSads, old_row, found));
    return Extension{lifetime, next.signer_id(), next.activation_index(), next.hash_type()};
}

Result<CredentialId> Sads::credential_of(audit::Ledger& ledger, const SecretBytes& sad,
                                         const ClientId& client) {
    SIGILLO_ASSIGN(const auto found, ledger.view([&](ReadTransaction& txn) {
        return load(txn, ledger.codec(), tables::kSads, ByteView(sad_key(sad)));
    }));
    if (!found) return invalid("no such SAD");
    if (found->value.client_id() != client.str()) return invalid("the SAD was given to another client");
    return CredentialId::parse(found->value.credential_id());
}

Result<std::size_t> Sads::erase_some(audit::Recorder& recorder, std::size_t limit) {
    std::size_t erased = 0;
    const auto erase_rows = [&](auto table) -> Status {
        if (erased == limit) return {};
        std::vector<Bytes> keys;
        SIGILLO_TRY(
            recorder.transaction().scan(table.space, {}, {}, [&](ByteView key, ByteView) -> Result<bool> {
                keys.push_back(to_bytes(key));
                return erased + keys.size() < limit;
            }));
        for (const Bytes& key : keys) SIGILLO_TRY(recorder.erase(table, key));
        erased += keys.size();
        return {};
    };
    SIGILLO_TRY(erase_rows(tables::kSadKeys));
    SIGILLO_TRY(erase_rows(tables::kSads));
    return erased;
}

}  // namespace sigillo::activation
