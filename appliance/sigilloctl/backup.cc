#include <CLI/CLI.hpp>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>

#include "appliance/sigilloctl/arguments.h"
#include "appliance/sigilloctl/backup_manifest.h"
#include "appliance/sigilloctl/commands.h"
#include "appliance/sigilloctl/epoch_order.h"
#include "appliance/sigilloctl/output.h"
#include "appliance/sigilloctl/progress_line.h"
#include "appliance/sigilloctl/restore.h"

namespace sigillo::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kBackupTimeout{3600};  // gigabytes on a slow disk

// What sigillod has written so far, as far as this user may look.
std::uint64_t bytes_below(const fs::path& directory) {
    std::uint64_t bytes = 0;
    std::error_code code;
    for (auto entry =
             fs::recursive_directory_iterator(directory, fs::directory_options::skip_permission_denied, code);
         !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
        std::error_code gone;
        const auto size = entry->is_regular_file(gone) ? entry->file_size(gone) : 0;
        if (!gone) bytes += size;
    }
    return bytes;
}

Status create(const Context& context, const std::string& directory, const std::string& reason,
              bool timeout_given) {
    const fs::path target = fs::absolute(directory).lexically_normal();
    sam::AdminRequest request;
    request.mutable_officer()->set_reason(reason);
    request.mutable_create_backup()->set_directory(target.string());
    auto asked = std::async(std::launch::async, [&] {
        return ask(context, std::move(request), timeout_given ? context.timeout : kBackupTimeout);
    });
    {
        ProgressLine line("backing up");
        while (asked.wait_for(std::chrono::milliseconds(250)) != std::future_status::ready)
            line.show(bytes_below(target), 0);
    }
    SIGILLO_ASSIGN(const sam::AdminResponse response, asked.get());
    const sam::Backup& backup = response.backup();
    if (context.json) {
        print_json({{"directory", backup.directory()},
                    {"checkpoint", backup.checkpoint()},
                    {"tsa_checkpoint", backup.tsa_checkpoint()},
                    {"bytes", backup.bytes()}});
        return {};
    }
    print(fields({{"Backup", backup.directory()}, {"Size", size_text(backup.bytes())}}));
    print("Next: sigilloctl backup verify " + backup.directory() +
          "\nKeep it off this machine, and with it the HSM's own backup: without the HSM its keys are "
          "worthless.");
    return {};
}

Result<BackupManifest> verified(const fs::path& backup) {
    SIGILLO_ASSIGN(BackupManifest manifest, read_manifest(backup));
    ProgressLine line("verifying");
    SIGILLO_TRY(verify_files(backup, manifest,
                             [&line](std::uint64_t done, std::uint64_t of) { line.show(done, of); }));
    return manifest;
}

Status verify(const Context& context, const std::string& directory) {
    SIGILLO_ASSIGN(const BackupManifest manifest, verified(directory));
    if (context.json) {
        print_json({{"directory", directory},
                    {"created", manifest.created},
                    {"officer", manifest.officer},
                    {"files", manifest.files.size()},
                    {"bytes", manifest.bytes},
                    {"checkpoint", manifest.checkpoint},
                    {"tsa_checkpoint", manifest.tsa_checkpoint}});
        return {};
    }
    print(fields({{"Backup", directory},
                  {"Created", manifest.created},
                  {"By", manifest.officer},
                  {"Files", std::to_string(manifest.files.size())},
                  {"Size", size_text(manifest.bytes)}}));
    print(
        "Every file is as it was written. That the log in it is genuine, its signature tells:\n"
        "  sigillo-audit verify --log " +
        (fs::path(directory) / "log").string() + " --key FILE" +
        (manifest.tsa_checkpoint.empty() ? ""
                                         : "\n  sigillo-audit verify --log " +
                                               (fs::path(directory) / "tsa-log").string() + " --key FILE"));
    return {};
}

struct RestoreArguments {
    std::string directory;
    std::string reason = "restored from backup";
    std::string log;      // newer than the backup's, or empty
    std::string tsa_log;  // the same of the TSA's
    std::string only;     // "signing", "tsa", or empty: all that the backup has
};

fs::path absolute_or_empty(const std::string& text) {
    return text.empty() ? fs::path() : fs::absolute(text).lexically_normal();
}

RestorePart signing_part(const Settings& settings, const RestoreArguments& arguments) {
    return {"store",
            "log",
            "store.directory",
            "log.directory",
            settings.store_directory,
            settings.log_directory,
            {},
            absolute_or_empty(arguments.log)};
}
RestorePart tsa_part(const Settings& settings, const RestoreArguments& arguments) {
    return {"tsa-store",
            "tsa-log",
            "tsa.store_directory",
            "tsa.log_directory",
            settings.tsa_store_directory,
            settings.tsa_log_directory,
            {},
            absolute_or_empty(arguments.tsa_log)};
}

// What is to be restored of this backup, as far as the arguments leave it open.
Result<std::vector<RestorePart>> parts_of(const Settings& settings, const RestoreArguments& arguments,
                                          const BackupManifest& manifest) {
    const bool signing = arguments.only != "tsa";
    const bool tsa = arguments.only != "signing";
    const bool has_tsa = !manifest.tsa_checkpoint.empty();
    if (arguments.only == "tsa" && !has_tsa) return fail(Errc::kConflict, "this backup has no TSA");
    if (tsa && has_tsa && settings.tsa_store_directory.empty())
        return fail(
            Errc::kConflict,
            "the backup has a TSA, the configuration has not (tsa.store_directory)\n  restore with the "
            "configuration that it was made with, or the rest alone: --only signing");
    std::vector<RestorePart> parts;
    if (signing) parts.push_back(signing_part(settings, arguments));
    if (signing) parts.back().checkpoint = manifest.checkpoint;
    if (tsa && has_tsa) parts.push_back(tsa_part(settings, arguments));
    if (tsa && has_tsa) parts.back().checkpoint = manifest.tsa_checkpoint;
    for (const RestorePart& part : parts) SIGILLO_TRY(check_newer_log(part));
    return parts;
}

// Before gigabytes are read: what the configuration alone can tell.
Status require_room(const Settings& settings, const RestoreArguments& arguments) {
    if (arguments.only != "tsa") SIGILLO_TRY(require_empty(signing_part(settings, arguments)));
    if (arguments.only == "signing" || settings.tsa_store_directory.empty()) return {};
    Status room = require_empty(tsa_part(settings, arguments));
    if (!room && arguments.only.empty())
        return std::unexpected(
            with_advice(room.error(), "if the time-stamping authority's store was not lost: --only signing"));
    return room;
}

void print_restored(const std::vector<RestorePart>& parts, const BackupManifest& manifest,
                    const std::string& made) {
    std::vector<std::pair<std::string, std::string>> lines;
    std::string steps;
    int number = 3;  // of the step that each part adds
    for (const RestorePart& part : parts) {
        lines.emplace_back(part.store_key, part.store_directory.string());
        lines.emplace_back(part.log_key, part.log_directory.string());
        const bool tsa = part.store == "tsa-store";
        const std::string what = tsa ? "retirements, revocations and destructions of time-stamping units"
                                     : "revocations, suspensions, deletions and removed clients";
        steps.append("\n  ").append(std::to_string(number++));
        if (part.newer_log.empty()) {
            steps.append(". WITHOUT A NEWER LOG: ").append(what).append(" since ").append(made);
            steps += " are\n     not known to this store: do them again before you let clients in";
        } else {
            steps.append(". what ").append(part.newer_log.string()).append(" tells of ").append(what);
            steps.append(" since\n     ")
                .append(made)
                .append(" is done again at that start; `journalctl -u ");
            steps.append("sigillod` has ").append(tsa ? "tsa_epoch_incomplete" : "epoch_incomplete");
            steps += " if a part of it could not";
        }
    }
    lines.emplace_back("Backup",
                       std::to_string(manifest.files.size()) + " files, " + size_text(manifest.bytes));
    print(fields(lines));
    print(
        "sigillod opens a new epoch of the log at its next start; its first entry names you and the reason.\n"
        "Next:\n"
        "  1. the HSM must hold the keys of then: restore its own backup if it was lost, too\n"
        "  2. systemctl start sigillod, then sigilloctl status" +
        steps);
}

Status restore(const Context& context, const RestoreArguments& arguments) {
    SIGILLO_ASSIGN(const Settings settings, load_settings(context));
    SIGILLO_TRY(require_stopped(settings));
    SIGILLO_TRY(require_room(settings, arguments));
    SIGILLO_ASSIGN(const BackupManifest manifest, verified(arguments.directory));
    SIGILLO_ASSIGN(const auto parts, parts_of(settings, arguments, manifest));
    const std::string made = manifest.created.empty() ? "the backup" : manifest.created;
    {
        ProgressLine line("restoring");
        SIGILLO_TRY(restore_files(arguments.directory, manifest, parts,
                                  [&line](std::uint64_t done, std::uint64_t of) { line.show(done, of); }));
    }
    // Last: a store without the order is refused at start, an order without the store would be obeyed.
    for (const RestorePart& part : parts)
        SIGILLO_TRY(
            write_epoch_order(part.store_directory, arguments.reason, {made, !part.newer_log.empty()}));
    if (!context.json) {
        print_restored(parts, manifest, made);
        return {};
    }
    nlohmann::json json = {
        {"files", manifest.files.size()}, {"bytes", manifest.bytes}, {"officer", officer_name()}};
    for (const RestorePart& part : parts) {
        const bool tsa = part.store == "tsa-store";
        json[tsa ? "tsa_store" : "store"] = part.store_directory.string();
        json[tsa ? "tsa_log" : "log"] = part.log_directory.string();
        json[tsa ? "newer_tsa_log" : "newer_log"] = !part.newer_log.empty();
    }
    print_json(json);
    return {};
}

}  // namespace

void add_backup(CLI::App& app, Context& context) {
    auto* noun = app.add_subcommand("backup", "Copies of store and log that can be put back");
    noun->require_subcommand(1);

    auto* creating =
        noun->add_subcommand("create", "Let sigillod write a consistent copy while it goes on working");
    auto target = std::make_shared<std::string>();
    auto why = std::make_shared<std::string>();
    creating->add_option("directory", *target, "Absent or empty, below a directory that sigillod may write")
        ->required()
        ->type_name("DIR");
    reason_option(*creating, *why);
    creating->footer(
        "sigillod writes DIR itself, and writes only where sigillod.backup_directories lets "
        "it.\n\nExamples:\n"
        "  sigilloctl backup create /var/backups/sigillo/$(date +%F)");
    creating->callback([&context, &app, target, why] {
        context.run = [&context, &app, target, why] {
            return create(context, *target, *why, app.count("--timeout") != 0);
        };
    });

    auto* verifying =
        noun->add_subcommand("verify", "Hold every file of a backup against its manifest; needs no sigillod");
    auto verified_directory = std::make_shared<std::string>();
    verifying->add_option("directory", *verified_directory, "A backup")->required()->type_name("DIR");
    verifying->footer("Examples:\n  sigilloctl backup verify /var/backups/sigillo/2026-11-23");
    verifying->callback([&context, verified_directory] {
        context.run = [&context, verified_directory] { return verify(context, *verified_directory); };
    });

    auto* restoring =
        noun->add_subcommand("restore", "Put a backup in place of a lost store; sigillod must be stopped");
    auto arguments = std::make_shared<RestoreArguments>();
    restoring->add_option("directory", arguments->directory, "A backup")->required()->type_name("DIR");
    reason_option(*restoring, arguments->reason)->capture_default_str();
    restoring
        ->add_option(
            "--log", arguments->log,
            "The newest published log at hand (log.directory itself, or where it was moved to): takes the "
            "place of the backup's, and what it tells of revocations since the backup is done again")
        ->type_name("DIR");
    restoring
        ->add_option("--tsa-log", arguments->tsa_log,
                     "The same of the time-stamping authority's log (tsa.log_directory)")
        ->type_name("DIR");
    restoring
        ->add_option("--only", arguments->only,
                     "signing or tsa: the other store with its log is left as it is")
        ->check(CLI::IsMember({"signing", "tsa"}))
        ->type_name("PART");
    restoring->footer(
        "Verifies the backup, copies it into the empty store.directory and log.directory (and the TSA's), "
        "and orders\n"
        "new epochs of the logs. Refuses while sigillod runs, and never overwrites. Run it as the owner of "
        "the store or "
        "as\n"
        "root.\n\nExamples:\n"
        "  systemctl stop sigillod\n"
        "  sigilloctl backup restore /var/backups/sigillo/2026-11-23 --reason 'disk lost, ticket 4711'");
    restoring->callback([&context, arguments] {
        context.run = [&context, arguments] { return restore(context, *arguments); };
    });
}

}  // namespace sigillo::ctl
