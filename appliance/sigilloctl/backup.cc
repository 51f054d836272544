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
                    {"checkpoint", manifest.checkpoint}});
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
        (fs::path(directory) / "log").string() + " --key FILE");
    return {};
}

Status restore(const Context& context, const std::string& directory, const std::string& reason,
               const fs::path& newer_log) {
    SIGILLO_ASSIGN(const Settings settings, load_settings(context));
    SIGILLO_TRY(require_stopped(settings));
    SIGILLO_TRY(require_empty(settings, newer_log));
    SIGILLO_ASSIGN(const BackupManifest manifest, verified(directory));
    if (!newer_log.empty()) SIGILLO_TRY(check_newer_log(newer_log, manifest));
    const std::string made = manifest.created.empty() ? "the backup" : manifest.created;
    {
        ProgressLine line("restoring");
        SIGILLO_TRY(restore_files(directory, manifest, settings, newer_log,
                                  [&line](std::uint64_t done, std::uint64_t of) { line.show(done, of); }));
    }
    // Last: a store without the order is refused at start, an order without the store would be obeyed.
    SIGILLO_TRY(write_epoch_order(settings, reason, {made, !newer_log.empty()}));
    if (context.json) {
        print_json({{"store", settings.store_directory.string()},
                    {"log", settings.log_directory.string()},
                    {"files", manifest.files.size()},
                    {"bytes", manifest.bytes},
                    {"officer", officer_name()},
                    {"newer_log", !newer_log.empty()}});
        return {};
    }
    print(fields(
        {{"Store", settings.store_directory.string()},
         {"Log", settings.log_directory.string()},
         {"Restored", std::to_string(manifest.files.size()) + " files, " + size_text(manifest.bytes)}}));
    print(
        "sigillod opens a new epoch of the log at its next start; its first entry names you and the reason.\n"
        "Next:\n"
        "  1. the HSM must hold the keys of then: restore its own backup if it was lost, too\n"
        "  2. systemctl start sigillod, then sigilloctl status\n"
        "  3. " +
        (newer_log.empty()
             ? "WITHOUT A NEWER LOG: revocations, suspensions, deletions and removed clients since " + made +
                   " are\n     not known to this store: do them again before you let clients in"
             : "what " + newer_log.string() +
                   " tells of revocations, suspensions, deletions and removed clients since\n     " + made +
                   " is done again at that start; `journalctl -u sigillod` has epoch_incomplete if a part of "
                   "it could not"));
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
    auto source = std::make_shared<std::string>();
    auto reason = std::make_shared<std::string>("restored from backup");
    auto log = std::make_shared<std::string>();
    restoring->add_option("directory", *source, "A backup")->required()->type_name("DIR");
    reason_option(*restoring, *reason)->capture_default_str();
    restoring
        ->add_option(
            "--log", *log,
            "The newest published log at hand (log.directory itself, or where it was moved to): takes the "
            "place of the backup's, and what it tells of revocations since the backup is done again")
        ->type_name("DIR");
    restoring->footer(
        "Verifies the backup, copies it into the empty store.directory and log.directory, and orders a new "
        "epoch\n"
        "of the log. Refuses while sigillod runs, and never overwrites. Run it as the owner of the store or "
        "as\n"
        "root.\n\nExamples:\n"
        "  systemctl stop sigillod\n"
        "  sigilloctl backup restore /var/backups/sigillo/2026-11-23 --reason 'disk lost, ticket 4711'");
    restoring->callback([&context, source, reason, log] {
        context.run = [&context, source, reason, log] {
            const fs::path newer = log->empty() ? fs::path() : fs::absolute(*log).lexically_normal();
            return restore(context, *source, *reason, newer);
        };
    });
}

}  // namespace sigillo::ctl
