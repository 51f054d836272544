#include "appliance/sigilloctl/context.h"

#include <cerrno>

#include "appliance/base/config_file.h"
#include "appliance/ipc/client.h"

namespace sigillo::ctl {
namespace {

std::string advice_for_way(const Error& error, const std::string& socket) {
    switch (error.native) {
        case ENOENT:
        case ECONNREFUSED:
            return "sigillod is not running, or not with this configuration: systemctl start sigillod (or "
                   "packaging/quickstart.sh up), or name its file with --config";
        case EACCES:
        case EPERM:
            return "you may not use " + socket + ": it is for members of the group sigillo-officers";
        case ECONNRESET:
        case EPIPE:
            return "sigillod refused you: your user is not in sigillod.admin_users, or sigillod is stopping";
        default:
            return "sigillod runs but does not answer: see its log (journalctl -u sigillod), or wait longer "
                   "with "
                   "--timeout";
    }
}

// What shows the things that a request is about.
const char* listing_for(const sam::AdminRequest& request) {
    switch (request.body_case()) {
        case sam::AdminRequest::kClientAdd:
        case sam::AdminRequest::kClientList:
        case sam::AdminRequest::kClientRemove:
            return "sigilloctl client list";
        case sam::AdminRequest::kListSigners:
        case sam::AdminRequest::kGetSigner:
            return "sigilloctl signer list";
        case sam::AdminRequest::kTsuList:
        case sam::AdminRequest::kTsuCreate:
        case sam::AdminRequest::kTsuImport:
        case sam::AdminRequest::kTsuActivate:
        case sam::AdminRequest::kTsuRotate:
        case sam::AdminRequest::kTsuRetire:
        case sam::AdminRequest::kTsuDestroy:
        case sam::AdminRequest::kTsuRequest:
        case sam::AdminRequest::kTsuRevoke:
            return "sigilloctl tsu list";
        case sam::AdminRequest::kListCredentials:
        case sam::AdminRequest::kGetCredential:
        case sam::AdminRequest::kSetStatus:
        case sam::AdminRequest::kSetQscd:
        case sam::AdminRequest::kUnlockFactors:
            return "sigilloctl credential list";
        case sam::AdminRequest::kGetEvidence:
        case sam::AdminRequest::kEraseEvidence:
            return "sigillo-audit show --log LOG --key FILE | grep activation.granted";
        case sam::AdminRequest::kCreateBackup:
            return "ls -la on that directory, which must be empty or new";
        default:
            return "sigilloctl status";
    }
}

std::string advice_for_answer(Errc code, const char* listing) {
    switch (code) {
        case Errc::kNotFound:
            return std::string("see the ids that exist: ") + listing;
        case Errc::kConflict:
        case Errc::kAlreadyExists:
            return std::string("see what there is, and its present state: ") + listing;
        case Errc::kForbidden:
            return "";  // what is allowed, the refusal says itself
        case Errc::kUnavailable:
        case Errc::kHsmFailed:
            return "see what is out of service: sigilloctl status; then try again";
        case Errc::kStorageFull:
            return "make room on the disk of the store or enlarge store.map_size_mib";
        case Errc::kUnsupported:
            return "this version or this HSM does not offer it";
        case Errc::kCorrupt:
            return "do not go on signing: see sigilloctl status and sigillod's log";
        case Errc::kInvalidArgument:
        case Errc::kMissingArgument:
        case Errc::kLimitExceeded:
            return "correct the argument: --help shows what is expected";
        default:
            return "see sigillod's log: journalctl -u sigillod";
    }
}

Error from_wire(const sam::Error& error) {
    auto code = static_cast<Errc>(error.code());
    if (error.code() == 0 || error.code() > static_cast<std::uint32_t>(Errc::kInternal))
        code = Errc::kInternal;
    return {code, error.detail(), error.field()};
}

}  // namespace

Error with_advice(Error error, const std::string& advice) {
    if (!advice.empty()) error.detail += "\n  " + advice;
    return error;
}

Result<Settings> load_settings(const Context& context) {
    auto file = ConfigFile::load(context.config_path);
    if (!file)
        return std::unexpected(with_advice(
            file.error(), "name the appliance's configuration with --config FILE or SIGILLO_CONFIG"));
    std::string socket;
    std::string store;
    std::string log;
    // Not finish(): these tables are sigillod's, whose other keys are not known here.
    std::string tsa_store;
    std::string tsa_log;
    file->text("sigillod.admin_socket", socket).text("store.directory", store).text("log.directory", log);
    if (file->has_table("tsa"))
        file->text("tsa.store_directory", tsa_store).text("tsa.log_directory", tsa_log);
    if (socket.empty())
        return fail(Errc::kInvalidArgument,
                    context.config_path + ": sigillod.admin_socket is missing or no string");
    return Settings{std::move(socket), std::move(store), std::move(log), std::move(tsa_store),
                    std::move(tsa_log)};
}

Result<sam::AdminResponse> ask(const Context& context, sam::AdminRequest request) {
    return ask(context, std::move(request), context.timeout);
}

Result<sam::AdminResponse> ask(const Context& context, sam::AdminRequest request,
                               std::chrono::seconds timeout) {
    SIGILLO_ASSIGN(const Settings settings, load_settings(context));
    const char* const listing = listing_for(request);
    request.set_id(1);  // the only one on its connection
    const auto answer = ipc::call_once(settings.admin_socket, as_bytes(request.SerializeAsString()), timeout);
    if (!answer)
        return std::unexpected(
            with_advice(answer.error(), advice_for_way(answer.error(), settings.admin_socket)));
    sam::AdminResponse response;
    if (!response.ParseFromArray(answer->data(), static_cast<int>(answer->size())) ||
        response.body_case() == sam::AdminResponse::BODY_NOT_SET)
        return fail(Errc::kCorrupt,
                    "sigillod's answer is not understood: is sigilloctl of the same version?");
    if (!response.has_error()) return response;
    Error error = from_wire(response.error());
    const std::string advice = advice_for_answer(error.code, listing);
    return std::unexpected(with_advice(std::move(error), advice));
}

}  // namespace sigillo::ctl
