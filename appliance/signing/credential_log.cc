#include "appliance/signing/credential_log.h"

namespace sigillo::signing {

Result<std::uint64_t> append_to_credential(audit::Recorder& recorder, const CredentialId& credential,
                                           audit::Event event) {
    const Bytes key = key_of(credential.str());
    SIGILLO_ASSIGN(auto state, recorder.require(tables::kCredentialStates, key, "credentialID"));
    SIGILLO_ASSIGN(const std::uint64_t expected, recorder.next_index());
    event.set("credential", credential.str());
    event.set("seq", state.value.seq() + 1);
    if (state.value.seq() > 0) event.set("prev", state.value.last_index());
    state.value.set_seq(state.value.seq() + 1);
    state.value.set_last_index(expected);  // where this very entry will stand
    SIGILLO_TRY(recorder.save(tables::kCredentialStates, key, state));
    SIGILLO_ASSIGN(const std::uint64_t index, recorder.log(std::move(event)));
    if (index != expected) return fail(Errc::kInternal, "the log moved inside a transaction");
    return index;
}

}  // namespace sigillo::signing
