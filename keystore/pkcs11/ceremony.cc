#include "keystore/pkcs11/ceremony.h"

#include <algorithm>

#include "appliance/base/file.h"
#include "keystore/pkcs11/ceremony_objects.h"
#include "keystore/pkcs11/ck_rv.h"
#include "keystore/pkcs11/role_objects.h"
#include "keystore/pkcs11/token.h"

namespace sigillo {
namespace {

using namespace pkcs11;

// Closed at the end of the ceremony, and with the last session the login.
class CeremonySession {
 public:
    static Result<std::unique_ptr<CeremonySession>> open(const Module& module, const Token& token,
                                                         const SecretBytes& pin) {
        SIGILLO_ASSIGN(const CK_SESSION_HANDLE handle, open_session(module, token.slot, Access::kReadWrite));
        std::unique_ptr<CeremonySession> session(new CeremonySession(module, handle));
        SIGILLO_TRY(login(module, token, handle, CKU_USER, pin));
        return session;
    }
    ~CeremonySession() { module_->C_CloseSession(handle_); }
    CeremonySession(const CeremonySession&) = delete;
    CeremonySession& operator=(const CeremonySession&) = delete;
    CK_SESSION_HANDLE get() const { return handle_; }

 private:
    CeremonySession(const Module& module, CK_SESSION_HANDLE handle) : module_(module), handle_(handle) {}
    const Module& module_;
    const CK_SESSION_HANDLE handle_;
};

Status check(const CeremonyConfig& config) {
    if (!is_ec(config.ca_algorithm))
        return fail(Errc::kInvalidArgument, "the CA key is on P-256 or P-384", "ca_algorithm");
    if (config.pin.empty()) return fail(Errc::kInvalidArgument, "the token's PIN is missing", "pin");
    std::vector<std::string> labels;
    for (const ObjectTemplate& wanted : object_templates()) labels.push_back(config.labels.*wanted.label);
    for (const std::string& label : labels)
        if (label.empty() || label.size() > 32 || std::ranges::count(labels, label) != 1)
            return fail(Errc::kInvalidArgument, "labels are 1 to 32 bytes, each different", "labels");
    return {};
}

// What stands on the token already.
struct Inventory {
    std::vector<std::string> present;
    std::vector<std::string> missing;
};

Result<Inventory> take_inventory(const Module& module, CK_SESSION_HANDLE session, const KeyLabels& labels) {
    SIGILLO_ASSIGN(const auto handles, find_role_handles(module, session, labels));
    Inventory inventory;
    for (const ObjectTemplate& wanted : object_templates()) {
        const std::string& label = labels.*wanted.label;
        bool there = handles[static_cast<std::size_t>(wanted.object)] != CK_INVALID_HANDLE;
        if (!there && wanted.object_class == CKO_PRIVATE_KEY) {
            SIGILLO_ASSIGN(const auto halves, find_objects(module, session, CKO_PUBLIC_KEY, label, 1));
            there = !halves.empty();  // half a pair is something that is there
        }
        (there ? inventory.present : inventory.missing).push_back(label);
    }
    return inventory;
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
}

Status create_all(const Module& module, CK_SESSION_HANDLE session, const CeremonyConfig& config,
                  const WrappingScheme& scheme) {
    std::vector<CK_OBJECT_HANDLE> made;
    for (const ObjectTemplate& wanted : object_templates()) {
        Status status = create_object(module, session, wanted.object, Lifetime::kToken, config, scheme, made);
        if (status) continue;
        bool all_gone = true;
        for (const CK_OBJECT_HANDLE handle : made)
            all_gone = module->C_DestroyObject(session, handle) == CKR_OK && all_gone;
        if (!all_gone)
            status.error().detail += "; what had been made could not be destroyed: initialise the token anew";
        return status;
    }
    return {};
}

}  // namespace

Result<CeremonyReport> run_ceremony(const CeremonyConfig& config, Random& random) {
    SIGILLO_TRY(check(config));
    SIGILLO_ASSIGN(const TokenUri uri, TokenUri::parse(config.token_uri));
    SIGILLO_ASSIGN(const auto module, Module::load(uri.module_path()));
    SIGILLO_ASSIGN(const Token token, find_token(*module, uri));
    SIGILLO_ASSIGN(const auto mechanisms, mechanisms_of(*module, token.slot));
    SIGILLO_TRY(check_mechanisms(mechanisms));
    SIGILLO_ASSIGN(const WrappingScheme scheme, choose_wrapping_scheme(mechanisms));
    SIGILLO_ASSIGN(const auto session, CeremonySession::open(*module, token, config.pin));

    CeremonyReport report;
    SIGILLO_ASSIGN(const Inventory inventory, take_inventory(*module, session->get(), config.labels));
    if (!inventory.present.empty() && !inventory.missing.empty())
        return fail(Errc::kConflict,
                    "token " + token.label + " has " + joined(inventory.present) + " but not " +
                        joined(inventory.missing) +
                        "; nothing was changed. If an earlier ceremony broke off and nothing was "
                        "enrolled, initialise the token anew");

    SIGILLO_ASSIGN(report.known_answer, try_known_answer(*module, session->get(), scheme, random));
    if (inventory.present.empty()) {
        SIGILLO_TRY(rehearse_wrapping(*module, session->get(), config, scheme, random));
        SIGILLO_TRY(create_all(*module, session->get(), config, scheme));
        report.created = true;
    }
    // Read back from the token, by the same eyes that look at every start.
    SIGILLO_ASSIGN(const RoleObjects objects,
                   find_role_objects(*module, session->get(), config.labels, mechanisms, random));
    // Synced also when nothing was made: an earlier run may have been cut short after the last object.
    if (!config.token_directory.empty()) SIGILLO_TRY(sync_tree(config.token_directory));

    report.token_label = token.label;
    report.token_serial = token.serial;
    report.wrapping_scheme = objects.scheme.name;
    report.not_known = objects.not_known;
    report.log_key = objects.log_key;
    report.ca_key = objects.ca_key;
    for (const ObjectTemplate& wanted : object_templates())
        report.objects.push_back(config.labels.*wanted.label + ": " + std::string(wanted.description));
    return report;
}

}  // namespace sigillo
