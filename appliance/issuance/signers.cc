#include "appliance/issuance/signers.h"

#include <algorithm>
#include <array>

#include "appliance/base/country.h"
#include "appliance/base/text.h"

namespace sigillo::issuance {
namespace {

constexpr std::uint64_t kFirstPersonVersion = 1;

// Personal data sealed for one signer does not open for another, nor for an older version of the same.
Bytes person_binding(std::string_view signer, std::uint64_t version) {
    Bytes binding = to_bytes("signers");
    binding.push_back(0);
    append(binding, signer);
    append_u64(binding, version);
    return binding;
}

constexpr std::array<std::string_view, 6> kIdentifierTypes = {
    "tax_code", "passport", "identity_card", "personal_number", "vat", "trade_register"};

}  // namespace

Status Signers::check(const std::string& country, const record::Person& person) const {
    const bool legal = person.given().empty() && person.family().empty();
    if (legal && person.organization().empty())
        return fail(Errc::kMissingArgument, "a name or an organization is required", "name");
    if (!legal && person.given().empty()) return fail(Errc::kMissingArgument, "required", "name.given");
    if (!legal && person.family().empty()) return fail(Errc::kMissingArgument, "required", "name.family");
    if (country.empty()) return fail(Errc::kMissingArgument, "required", "country");
    if (!is_country(country)) return std::unexpected(no_country(country));
    const auto bounded = [&](const std::string& text, const char* field) -> Status {
        if (text.size() > limits_.text_bytes)
            return fail(Errc::kLimitExceeded, "longer than " + std::to_string(limits_.text_bytes) + " bytes",
                        field);
        if (has_deceptive_characters(text))
            return fail(Errc::kInvalidArgument, "control characters, or others that are not seen", field);
        // A certificate would not take it.
        if (!text.empty() && (text.front() == ' ' || text.back() == ' '))
            return fail(Errc::kInvalidArgument, "begins or ends with a space", field);
        return {};
    };
    SIGILLO_TRY(bounded(person.given(), "name.given"));
    SIGILLO_TRY(bounded(person.family(), "name.family"));
    SIGILLO_TRY(bounded(person.organization(), "organization"));
    SIGILLO_TRY(bounded(person.email(), "email"));
    SIGILLO_TRY(bounded(person.phone(), "phone"));
    SIGILLO_TRY(bounded(person.language(), "language"));
    SIGILLO_TRY(bounded(person.external_reference(), "externalReference"));
    if (!person.email().empty() && std::ranges::count(person.email(), '@') != 1)
        return fail(Errc::kInvalidArgument, "not an e-mail address", "email");
    if (static_cast<std::size_t>(person.identifiers_size()) > limits_.identifiers)
        return fail(Errc::kLimitExceeded, "at most " + std::to_string(limits_.identifiers), "identifiers");
    for (const auto& identifier : person.identifiers()) {
        if (std::ranges::find(kIdentifierTypes, identifier.type()) == kIdentifierTypes.end())
            return fail(Errc::kInvalidArgument,
                        "tax_code, passport, identity_card, personal_number, vat or trade_register",
                        "identifiers.type");
        if (identifier.value().empty()) return fail(Errc::kMissingArgument, "required", "identifiers.value");
        SIGILLO_TRY(bounded(identifier.value(), "identifiers.value"));
    }
    SIGILLO_TRY(bounded(person.identification().method(), "identification.method"));
    SIGILLO_TRY(bounded(person.identification().reference(), "identification.reference"));
    return bounded(person.identification().time(), "identification.time");
}

Result<SignerId> Signers::create(const std::string& tenant, const ClientId& client,
                                 const std::string& country, const record::Person& person,
                                 const OnSignerCreated& in_transaction) {
    SIGILLO_TRY(check(country, person));
    SignerId id = SignerId::generate(random_);
    record::Signer signer;
    signer.set_tenant(tenant);
    signer.set_country(country);
    signer.set_created_ms(unix_millis(ledger_.clock().now()));
    signer.set_person_version(kFirstPersonVersion);
    std::string plain = person.SerializeAsString();
    auto sealed = keys_.seal(as_bytes(plain), person_binding(id.str(), kFirstPersonVersion));
    cleanse(plain);
    if (!sealed) return std::unexpected(sealed.error());
    signer.set_sealed_person(sealed->data(), sealed->size());
    if (!person.external_reference().empty()) {
        const Bytes digest =
            ledger_.codec().keyed_digest("externalReference", as_bytes(person.external_reference()));
        signer.set_reference_digest(digest.data(), digest.size());
    }
    SIGILLO_TRY(ledger_.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_TRY(recorder.create(tables::kSigners, key_of(id.str()), signer));
        SIGILLO_TRY(recorder.create(tables::kSignersByTenant, tenant_key(tenant, id.str()), record::Empty()));
        if (!signer.reference_digest().empty())
            SIGILLO_TRY(recorder.create(tables::kSignersByReference,
                                        tenant_key(tenant, signer.reference_digest() + id.str()),
                                        record::Empty()));
        audit::Event event = recorder.event("signer.created");
        event.set("signer", id.str()).set("tenant", tenant).set("client", client.str());
        SIGILLO_TRY(recorder.log(std::move(event)));
        if (in_transaction) SIGILLO_TRY(in_transaction(recorder, id));
        return {};
    }));
    return id;
}

Result<SignerInfo> Signers::open(const std::string& id, const record::Signer& signer) {
    SignerInfo info;
    SIGILLO_ASSIGN(info.id, SignerId::parse(id));
    info.tenant = signer.tenant();
    info.country = signer.country();
    info.created = from_unix_millis(signer.created_ms());
    SIGILLO_ASSIGN(const SecretBytes plain,
                   keys_.open(as_bytes(signer.sealed_person()), person_binding(id, signer.person_version())));
    if (!info.person.ParseFromArray(plain.expose().data(), static_cast<int>(plain.size())))
        return fail(Errc::kCorrupt, "signers: sealed person cannot be parsed");
    return info;
}

Result<SignerInfo> Signers::get(const std::string& tenant, const SignerId& signer) {
    SIGILLO_ASSIGN(const auto record, ledger_.view([&](ReadTransaction& txn) {
        return require(txn, ledger_.codec(), tables::kSigners, key_of(signer.str()), "signerID");
    }));
    if (!tenant.empty() && record.value.tenant() != tenant)
        return fail(Errc::kNotFound, "no such signer of this tenant", "signerID");
    return open(signer.str(), record.value);
}

Result<std::vector<SignerInfo>> Signers::list(const std::string& tenant, const std::string& after,
                                              std::size_t limit, const std::string& external_reference) {
    struct Found {
        std::string id;
        record::Signer signer;
    };
    SIGILLO_ASSIGN(const auto found, ledger_.view([&](ReadTransaction& txn) -> Result<std::vector<Found>> {
        std::vector<std::string> ids;
        constexpr std::size_t kIdLength = 32;
        // Every index ends with the signer's id.
        const auto collect = [&](ByteView key, ByteView) -> Result<bool> {
            std::string id(as_text(key.last(kIdLength)));
            if (id > after) ids.push_back(std::move(id));
            return ids.size() < limit;
        };
        if (!external_reference.empty()) {
            const Bytes digest =
                ledger_.codec().keyed_digest("externalReference", as_bytes(external_reference));
            const Bytes prefix = tenant_key(tenant, as_text(digest));
            SIGILLO_TRY(txn.scan(tables::kSignersByReference.space, prefix, concat(prefix, as_bytes(after)),
                                 collect));
        } else if (tenant.empty()) {
            SIGILLO_TRY(txn.scan(tables::kSigners.space, {}, as_bytes(after), collect));
        } else {
            const Bytes prefix = tenant_key(tenant, "");
            SIGILLO_TRY(
                txn.scan(tables::kSignersByTenant.space, prefix, concat(prefix, as_bytes(after)), collect));
        }
        std::vector<Found> signers;
        for (std::string& id : ids) {
            SIGILLO_ASSIGN(auto record,
                           require(txn, ledger_.codec(), tables::kSigners, key_of(id), "signerID"));
            signers.push_back({std::move(id), std::move(record.value)});
        }
        return signers;
    }));
    std::vector<SignerInfo> signers;
    for (const Found& one : found) {
        SIGILLO_ASSIGN(SignerInfo info, open(one.id, one.signer));
        signers.push_back(std::move(info));
    }
    return signers;
}

}  // namespace sigillo::issuance
