// The load generator: 64 clients with one certificate, on one thread, against an instance behind its nginx.
// Prints one line of JSON for a measured run (tests/bench.sh), what it did on standard error.
#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "tests/bench/load_run.h"

namespace sigillo::bench {
namespace {

struct Options {
    RunPlan plan;
    std::string kind;
    std::string subjects_file;
    std::string made_file;
    Workload workload;
    std::string name;
    std::string unit;
    double raw = 0;
    double seconds = 0;
};

Status read_subjects(Options& options) {
    if (options.subjects_file.empty()) return {};
    std::ifstream file(options.subjects_file);
    for (std::string line; std::getline(file, line);) options.workload.subjects.push_back(line);
    if (options.workload.subjects.empty())
        return fail(Errc::kInvalidArgument, "no ids in " + options.subjects_file);
    return {};
}

Status write_made(const Options& options) {
    if (options.made_file.empty()) return {};
    std::ofstream file(options.made_file);
    for (const std::string& id : options.workload.made) file << id << '\n';
    file.close();
    if (!file) return fail(Errc::kStorageFull, "cannot write " + options.made_file);
    return {};
}

std::string number(double value, int decimals = 1) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    return text.data();
}

void tell(const Options& options, const RunReport& report) {
    const double units = report.operations * static_cast<double>(options.workload.batch);
    const double rate = units / report.seconds;
    const auto each = [&](std::chrono::microseconds time) {
        return static_cast<double>(time.count()) / units;
    };
    std::cerr << "  " << (options.name.empty() ? options.kind : options.name) << ": "
              << number(report.operations, 0) << " in " << number(report.seconds, 2)
              << " s = " << number(rate) << " " << options.unit << "/s, p50 " << number(report.p50_ms, 2)
              << " ms, p99 " << number(report.p99_ms, 2) << " ms, server " << number(each(report.server_time))
              << " us, client " << number(each(report.client_time)) << " us of processor each\n";
    if (options.name.empty()) return;
    const bool has_raw = options.raw > 0;
    std::cout << "{\"name\":\"" << options.name << "\",\"rate\":" << number(rate) << ",\"unit\":\""
              << options.unit << "/s\",\"raw\":" << (has_raw ? number(options.raw) : "null")
              << ",\"ratio\":" << (has_raw ? number(rate / options.raw, 3) : "null")
              << ",\"p50_ms\":" << number(report.p50_ms, 2) << ",\"p99_ms\":" << number(report.p99_ms, 2)
              << ",\"cpu_us_per_op\":" << number(each(report.server_time)) << "}" << std::endl;
}

Status run(Options& options) {
    using Factory = std::unique_ptr<Conversation> (*)(Workload&);
    const Factory factory = options.kind == "sign"        ? &signing
                            : options.kind == "documents" ? &document_signing
                            : options.kind == "signers"   ? &signer_creation
                            : options.kind == "stamp"     ? &stamping
                                                          : &credential_creation;
    if (factory != &signer_creation && factory != &stamping && options.subjects_file.empty())
        return fail(Errc::kInvalidArgument, "--subjects is needed");
    SIGILLO_TRY(read_subjects(options));
    options.plan.measured = std::chrono::milliseconds(static_cast<std::int64_t>(options.seconds * 1000));
    if (options.plan.operations == 0) options.plan.warm_up = options.plan.measured / 5;
    SIGILLO_ASSIGN(const RunReport report, run_load(options.plan, [&] { return factory(options.workload); }));
    SIGILLO_TRY(write_made(options));
    tell(options, report);
    return {};
}

}  // namespace
}  // namespace sigillo::bench

int main(int argc, char** argv) {
    sigillo::bench::Options options;
    CLI::App app("Puts load on an instance of Sigillo and measures it.");
    app.add_option("kind", options.kind, "What each operation is")
        ->required()
        ->check(CLI::IsMember({"sign", "documents", "signers", "credentials", "stamp"}));
    app.add_option("--port", options.plan.endpoint.port, "The API's port on 127.0.0.1")->required();
    app.add_option("--cacert", options.plan.endpoint.ca_file, "CA of the server's certificate")->required();
    app.add_option("--cert", options.plan.endpoint.certificate_file, "The client's certificate")->required();
    app.add_option("--key", options.plan.endpoint.key_file, "The client's key")->required();
    app.add_option("--pids", options.plan.pids, "Directory with the pid files of the measured processes")
        ->required();
    app.add_flag("!--plain", options.plan.endpoint.tls, "HTTP without TLS");
    app.add_option("--connections", options.plan.connections, "Clients at the same time")
        ->check(CLI::Range(1, 1000));
    app.add_option("--subjects", options.subjects_file, "File with ids, one a line: credentials, or signers");
    app.add_option("--made", options.made_file, "File for the ids that were made");
    app.add_option("--document-bytes", options.workload.document_bytes, "Of each PDF to be signed");
    app.add_option("--level", options.workload.level, "Of its signature: B-B, B-T, B-LT, B-LTA");
    app.add_option("--batch", options.workload.batch, "Hashes in one document")->check(CLI::Range(1, 256));
    app.add_flag("--rsa", options.workload.rsa, "RSA-2048 keys instead of P-256");
    auto* seconds =
        app.add_option("--seconds", options.seconds, "Measure for so long, after a fifth of it to warm up");
    app.add_option("--operations", options.plan.operations, "Measure so many operations instead")
        ->excludes(seconds);
    app.add_option("--rate", options.plan.rate, "With --seconds: so many operations a second, and no more");
    app.add_option("--name", options.name, "Print a line of JSON under this name");
    app.add_option("--unit", options.unit, "What is counted: documents, signatures, credentials");
    app.add_option("--raw", options.raw, "The rate to compare with");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (options.plan.operations == 0 && options.seconds <= 0) {
        std::cerr << "load_generator: --seconds or --operations is needed\n";
        return 2;
    }
    const auto status = sigillo::bench::run(options);
    if (!status) std::cerr << "load_generator: " << status.error().detail << "\n";
    return status ? 0 : 1;
}
