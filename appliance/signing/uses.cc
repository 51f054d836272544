#include "appliance/signing/uses.h"

#include <map>

#include "appliance/ades/signed_properties.h"

namespace sigillo::signing {
namespace {

std::string_view outcome_name(record::CallState state) {
    switch (state) {
        case record::CALL_SIGNED:
            return "signed";
        case record::CALL_FAILED:
            return "failed";
        case record::CALL_UNKNOWN:
            return "unknown";
        default:
            return "in_flight";
    }
}

void append_hashes(std::vector<SingleUse>& uses, UsePlace place, const record::Use& use) {
    for (int i = 0; i < use.hashes_size(); ++i) {
        SingleUse single;
        single.epoch = place.epoch;
        single.index = place.index;
        single.time = from_unix_millis(use.time_ms());
        single.hash = to_bytes(use.hashes(i));
        single.hash_algorithm = static_cast<HashAlgorithm>(use.hash_algorithm());
        if (i < use.signature_digests_size()) single.signature_sha256 = to_bytes(use.signature_digests(i));
        if (i < use.document_digests_size() && i < use.message_digests_size() && i < use.formats_size()) {
            single.document_digest = to_bytes(use.document_digests(i));
            single.message_digest = to_bytes(use.message_digests(i));
            single.format = ades::format_name(static_cast<ades::Format>(use.formats(i)));
        }
        single.outcome = outcome_name(use.outcome());
        uses.push_back(std::move(single));
    }
}

}  // namespace

Result<std::vector<SingleUse>> list_uses(audit::Ledger& ledger, const std::string& tenant,
                                         const CredentialId& credential, std::optional<UsePlace> after,
                                         std::size_t limit) {
    return ledger.view([&](ReadTransaction& txn) -> Result<std::vector<SingleUse>> {
        SIGILLO_ASSIGN(const auto owner, require(txn, ledger.codec(), tables::kCredentials,
                                                 key_of(credential.str()), "credentialID"));
        if (owner.value.tenant() != tenant)
            return fail(Errc::kNotFound, "no such credential of this tenant", "credentialID");
        const Bytes prefix = key_of(credential.str());
        const Bytes from = after ? key_of(credential.str(), after->epoch, after->index) : prefix;
        // Uses in flight stand with their Intents, settled ones in a space of their own; by place they mix.
        std::map<UsePlace, record::Use> found;
        const auto place_of = [](ByteView key) {
            return UsePlace{read_u64(key.last(16)), read_u64(key.last(8))};
        };
        SIGILLO_TRY(txn.scan(tables::kUses.space, prefix, from, [&](ByteView key, ByteView) -> Result<bool> {
            if (after && place_of(key) == *after) return true;
            SIGILLO_ASSIGN(auto use, require(txn, ledger.codec(), tables::kUses, key, "use"));
            found.emplace(place_of(key), std::move(use.value));
            return found.size() < limit;
        }));
        SIGILLO_TRY(
            txn.scan(tables::kOpenIntents.space, prefix, from, [&](ByteView key, ByteView) -> Result<bool> {
                if (after && place_of(key) == *after) return true;
                SIGILLO_ASSIGN(auto open,
                               require(txn, ledger.codec(), tables::kOpenIntents, key, "open intent"));
                found.emplace(place_of(key), std::move(*open.value.mutable_use()));
                return true;  // bounded by the calls that can be in flight
            }));
        std::vector<SingleUse> uses;
        std::size_t calls = 0;
        constexpr std::size_t kHashesLimit = 10'000;  // a page ends early there: it must fit into one frame
        for (const auto& [place, use] : found) {
            append_hashes(uses, place, use);
            if (++calls == limit || uses.size() >= kHashesLimit) break;
        }
        return uses;
    });
}

}  // namespace sigillo::signing
