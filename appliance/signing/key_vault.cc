#include "appliance/signing/key_vault.h"

#include <algorithm>
#include <iterator>

#include "appliance/activation/pin.h"

namespace sigillo::signing {

KeyVault::KeyVault(KeyStore& keys, const Clock& clock, KeyVaultConfig config)
    : keys_(keys), clock_(clock), config_(config) {}

KeyVault::Redeemed KeyVault::redeem(SigningGrant grant, SignatureScheme scheme,
                                    const std::vector<Digest>& digests) {
    Redeemed redeemed;
    const auto usable = usable_key(grant);
    if (!usable) return {{}, usable.error()};
    redeemed.signatures.reserve(digests.size());
    for (const Digest& digest : digests) {
        // Step 4: the key signs.
        auto signature = usable->key->sign(scheme, digest);
        if (!signature) {
            redeemed.error = std::move(signature).error();
            return redeemed;
        }
        // Step 5: an HSM that returns rubbish, or a fault induced to leak the key, ends here.
        const auto holds = usable->verifier->verify(scheme, digest, *signature);
        if (!holds || !*holds) {
            redeemed.error =
                holds ? Error{Errc::kHsmFailed, "the HSM returned a signature that does not verify"}
                      : holds.error();
            return redeemed;
        }
        redeemed.signatures.push_back(*std::move(signature));
    }
    return redeemed;
}

Result<KeyVault::Usable> KeyVault::usable_key(const SigningGrant& grant) {
    const std::string& id = grant.credential().str();
    std::list<Entry> stale;  // destroyed after the lock: ~SigningKey speaks to the HSM
    {
        const std::lock_guard lock(mutex_);
        if (outdated(grant))
            return fail(Errc::kConflict, "the credential changed after this use was granted");
        if (const auto found = by_credential_.find(id); found != by_credential_.end()) {
            const auto entry = found->second;
            if (entry->version > grant.credential_version())
                return fail(Errc::kConflict, "the credential changed after this use was granted");
            if (entry->version == grant.credential_version() && entry->generation == keys_.generation()) {
                entry->last_use = clock_.boot_now();
                entries_.splice(entries_.begin(), entries_, entry);
                return entry->usable;
            }
            stale.splice(stale.begin(), entries_, entry);
            by_credential_.erase(found);
        }
    }
    // Outside the lock: the HSM may take its time. Two callers may unwrap the same key at once; both are
    // right.
    const std::uint64_t generation = keys_.generation();
    SIGILLO_ASSIGN(Usable usable, unwrap(grant));
    if (grant.pin_seal_ || config_.cache_limit == 0) return usable;

    std::list<Entry> evicted;
    const std::lock_guard lock(mutex_);
    if (outdated(grant)) return fail(Errc::kConflict, "the credential changed after this use was granted");
    if (by_credential_.contains(id)) return usable;
    entries_.push_front(
        Entry{grant.credential(), grant.credential_version(), generation, clock_.boot_now(), usable});
    by_credential_.emplace(id, entries_.begin());
    if (entries_.size() > config_.cache_limit) {
        by_credential_.erase(entries_.back().credential.str());
        evicted.splice(evicted.begin(), entries_, std::prev(entries_.end()));
    }
    return usable;
}

bool KeyVault::outdated(const SigningGrant& grant) const {
    const auto changed = changed_.find(grant.credential().str());
    return changed != changed_.end() && grant.credential_version() < changed->second.least_version;
}

Result<KeyVault::Usable> KeyVault::unwrap(const SigningGrant& grant) {
    const WrappedKey* wrapped = &grant.wrapped_;
    WrappedKey opened;
    if (grant.pin_seal_) {
        SIGILLO_ASSIGN(const SecretBytes opening_key,
                       activation::open_opening_key(grant.pin_seal_->sad, grant.pin_seal_->sealed_opening_key,
                                                    grant.credential()));
        SIGILLO_ASSIGN(const SecretBytes blob,
                       activation::open_with(opening_key, grant.wrapped_.blob, grant.credential()));
        opened = {grant.wrapped_.scheme, to_bytes(blob.expose())};
        wrapped = &opened;
    }
    SIGILLO_ASSIGN(auto key, keys_.unwrap(*wrapped, grant.public_key_));
    SIGILLO_ASSIGN(Verifier verifier, Verifier::create(grant.public_key_));
    return Usable{std::move(key), std::make_shared<const Verifier>(std::move(verifier))};
}

void KeyVault::forget(const CredentialId& credential, std::uint64_t version) {
    std::list<Entry> forgotten;
    const std::lock_guard lock(mutex_);
    // Callers of two changes may come in the reverse order.
    Changed& change = changed_[credential.str()];
    change = {std::max(change.least_version, version), clock_.boot_now()};
    const auto found = by_credential_.find(credential.str());
    if (found == by_credential_.end() || found->second->version >= version) return;
    forgotten.splice(forgotten.begin(), entries_, found->second);
    by_credential_.erase(found);
}

void KeyVault::forget_idle() {
    std::list<Entry> forgotten;
    const std::lock_guard lock(mutex_);
    const BootTime oldest = clock_.boot_now() - std::chrono::duration_cast<BootTime>(config_.idle_limit);
    while (!entries_.empty() && entries_.back().last_use < oldest) {
        by_credential_.erase(entries_.back().credential.str());
        forgotten.splice(forgotten.begin(), entries_, std::prev(entries_.end()));
    }
    std::erase_if(changed_, [&](const auto& entry) { return entry.second.at < oldest; });
}

std::size_t KeyVault::cached() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

}  // namespace sigillo::signing
