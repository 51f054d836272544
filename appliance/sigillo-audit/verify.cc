#include <algorithm>
#include <charconv>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "appliance/audit/verify/uses.h"
#include "appliance/base/encoding.h"
#include "appliance/base/file.h"
#include "appliance/sigillo-audit/opened_log.h"

namespace sigillo::audit_tool {
namespace {

using audit::Checkpoint;
using audit::LogSnapshot;

// One epoch, verified.
struct Verified {
    std::filesystem::path directory;
    LogSnapshot snapshot;
    audit::UseChecker uses;
    bool is_tsa = false;
    std::uint64_t tokens = 0;  // of a TSA's log
    std::optional<audit::Leaf> first;
    std::vector<std::string> strangers;
};

Result<Verified> verify_epoch(const std::filesystem::path& directory, const audit::TrustedKeys& keys) {
    SIGILLO_ASSIGN(LogSnapshot snapshot, LogSnapshot::open(directory, keys));
    Verified verified{
        .directory = directory, .snapshot = std::move(snapshot), .uses = {}, .first = {}, .strangers = {}};
    ProgressLine progress("verifying " + directory.string());
    SIGILLO_TRY(verified.snapshot.verify_tree(
        [&](std::uint64_t index, ByteView bytes) -> Status {
            SIGILLO_ASSIGN(const audit::Leaf leaf, audit::parse_leaf(bytes));
            SIGILLO_TRY(verified.uses.take(index, leaf));
            verified.is_tsa = verified.is_tsa || is_of_tsa(leaf);
            if (leaf.type == "tsa.token") ++verified.tokens;
            if (index == 0) verified.first = leaf;
            return {};
        },
        progress.callback()));
    SIGILLO_ASSIGN(verified.strangers, verified.snapshot.check_other_files());
    return verified;
}

// DIR/epochs/<number>/, oldest first.
std::map<std::uint64_t, std::filesystem::path> earlier_epochs(const std::filesystem::path& directory) {
    std::map<std::uint64_t, std::filesystem::path> found;
    std::error_code code;
    for (auto entry = std::filesystem::directory_iterator(directory / "epochs", code);
         !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
        const std::string name = entry->path().filename().string();
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (error == std::errc() && end == name.data() + name.size() &&
            std::filesystem::exists(entry->path() / audit::kCheckpointName))
            found.emplace(number, entry->path());
    }
    return found;
}

// The checkpoint that an epoch's first leaf hands on must be one of the log set aside.
Status check_succession(const std::vector<Verified>& epochs, const audit::TrustedKeys& keys,
                        std::vector<std::string>& notes) {
    for (const Verified& epoch : epochs) {
        if (!epoch.first || epoch.first->type != "epoch.opened") continue;
        const auto note = epoch.first->text("previous_checkpoint");
        if (!note) continue;
        SIGILLO_ASSIGN(const auto previous, audit::open_checkpoint(*note, keys));
        const auto before = std::ranges::find_if(epochs, [&](const Verified& other) {
            return other.snapshot.checkpoint().origin == previous.checkpoint.origin;
        });
        const std::string name = epoch.snapshot.checkpoint().origin + " succeeds " +
                                 previous.checkpoint.origin + " at size " + grouped(previous.checkpoint.size);
        if (before == epochs.end()) {
            notes.push_back(name + ", which is not below this directory");
        } else if (before->snapshot.checkpoint().size < previous.checkpoint.size) {
            notes.push_back(name + ", of which only " + grouped(before->snapshot.checkpoint().size) +
                            " leaves are here");
        } else {
            SIGILLO_TRY(before->snapshot.extends(previous.checkpoint));
            notes.push_back(name + ": ordered by " + printable(epoch.first->text("officer").value_or("?")) +
                            ", because " + printable(epoch.first->text("reason").value_or("?")));
        }
    }
    return {};
}

Status check_old(const std::vector<Verified>& epochs, const audit::TrustedKeys& keys,
                 const std::filesystem::path& file, std::vector<std::string>& notes) {
    const auto bytes = read_file(file, audit::kNoteLimit);
    if (!bytes) return fail(Errc::kInvalidArgument, "--old: " + bytes.error().detail, "old");
    auto old = audit::open_checkpoint(as_text(*bytes), keys);
    if (!old) return fail(Errc::kCorrupt, "--old " + file.string() + ": " + old.error().detail);
    const auto same = std::ranges::find_if(epochs, [&](const Verified& epoch) {
        return epoch.snapshot.checkpoint().origin == old->checkpoint.origin;
    });
    if (same == epochs.end())
        return fail(Errc::kCorrupt, "--old " + file.string() + " is a checkpoint of " +
                                        old->checkpoint.origin + ", and no such log is here");
    if (auto status = same->snapshot.extends(old->checkpoint); !status)
        return fail(Errc::kCorrupt, "--old " + file.string() + ": " + status.error().detail);
    notes.push_back("extends " + file.string() + ", signed at size " + grouped(old->checkpoint.size) +
                    ": nothing of it was changed or removed");
    return {};
}

nlohmann::json to_json(const Verified& epoch) {
    const Checkpoint& checkpoint = epoch.snapshot.checkpoint();
    return {{"directory", epoch.directory.string()},
            {"origin", checkpoint.origin},
            {"size", checkpoint.size},
            {"root", base64_encode(checkpoint.root)},
            {"credentials", epoch.uses.credentials().size()},
            {"intents", epoch.uses.intents()},
            {"open_intents", epoch.uses.open_intents()},
            {"tokens", epoch.tokens},
            {"unexpected_files", epoch.strangers}};
}

void print(const Verified& epoch) {
    const Checkpoint& checkpoint = epoch.snapshot.checkpoint();
    std::cout << "log         " << checkpoint.origin << "  (" << epoch.directory.string() << ")\n"
              << "checkpoint  size " << grouped(checkpoint.size) << ", root "
              << base64_encode(checkpoint.root) << ", signature holds\n"
              << "leaves      " << grouped(checkpoint.size)
              << " hash to the root through every tile; each is canonical JSON\n";
    if (epoch.is_tsa)
        std::cout << "tokens      " << grouped(epoch.tokens)
                  << " time stamps, each with its serial and imprint";
    else
        std::cout << "uses        " << grouped(epoch.uses.intents()) << " uses of "
                  << grouped(epoch.uses.credentials().size()) << " keys, no gap in their numbers";
    if (epoch.uses.open_intents() > 0)
        std::cout << "; " << grouped(epoch.uses.open_intents()) << " without an outcome yet";
    std::cout << '\n';
    for (const std::string& name : epoch.strangers)
        std::cout << "note        " << printable(name) << " is no file of a log\n";
    std::cout << '\n';
}

Result<std::vector<Verified>> verify_all(const LogArguments& log, const audit::TrustedKeys& keys) {
    std::vector<Verified> epochs;
    for (const auto& [number, directory] : earlier_epochs(log.log)) {
        SIGILLO_ASSIGN(Verified verified, verify_epoch(directory, keys));
        epochs.push_back(std::move(verified));
    }
    SIGILLO_ASSIGN(Verified current, verify_epoch(log.log, keys));
    epochs.push_back(std::move(current));
    return epochs;
}

}  // namespace

int verify_log(const LogArguments& log, const std::filesystem::path& old_checkpoint) {
    const auto keys = read_keys(log.key);
    if (!keys) return report(keys.error());
    std::error_code code;
    if (!std::filesystem::is_directory(log.log, code))
        return report_usage({Errc::kInvalidArgument, "--log " + log.log.string() + ": no such directory"});
    std::vector<std::string> notes;
    const auto failed = [&](const Error& error) {
        if (log.json)
            std::cout << nlohmann::json{{"holds", false}, {"reason", printable(error.detail)}}.dump()
                      << std::endl;
        return error.field == "old" ? report_usage(error) : report_failure(error);
    };
    const auto epochs = verify_all(log, *keys);
    if (!epochs) return failed(epochs.error());
    if (auto status = check_succession(*epochs, *keys, notes); !status) return failed(status.error());
    if (!old_checkpoint.empty()) {
        if (auto status = check_old(*epochs, *keys, old_checkpoint, notes); !status)
            return failed(status.error());
    }
    if (log.json) {
        nlohmann::json out{{"holds", true}, {"notes", notes}, {"epochs", nlohmann::json::array()}};
        for (const Verified& epoch : *epochs) out["epochs"].push_back(to_json(epoch));
        std::cout << out.dump() << std::endl;
        return kHolds;
    }
    for (const Verified& epoch : *epochs) print(epoch);
    for (const std::string& note : notes) std::cout << "note        " << note << '\n';
    std::cout << "The log holds." << std::endl;
    return kHolds;
}

}  // namespace sigillo::audit_tool
