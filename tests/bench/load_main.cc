// sigillo_bench_load: the load generator. One thread, 64 mTLS connections by default; prints one JSON object.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "tests/bench/creation_work.h"
#include "tests/bench/load.h"
#include "tests/bench/signing_work.h"

namespace sigillo::bench {
namespace {

struct Options {
    Endpoint endpoint;
    LoadPlan load;
    std::string credentials_file;
    std::size_t skip = 0;
    std::size_t use = 0;
    std::uint64_t count = 0;
    std::size_t batch = 1;
    std::string algorithm = "EC-P256";
    std::int64_t seconds = 0;
    std::int64_t warm_up_ms = 0;
};

std::vector<std::string> read_lines(const std::string& path, std::size_t skip, std::size_t most) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line) && (most == 0 || lines.size() < most);)
        if (skip > 0) --skip;
        else lines.push_back(line);
    return lines;
}

void print(const LoadResult& result) {
    std::printf(R"({"rate":%.1f,"done":%llu,"p50_ms":%.3f,"p99_ms":%.3f,"cpu_us_per_op":%.1f})"
                "\n",
                result.rate, static_cast<unsigned long long>(result.done), result.p50_ms, result.p99_ms,
                result.cpu_us_per_op);
}

void sign(const Options& options) {
    SigningWork work({read_lines(options.credentials_file, options.skip, options.use), options.batch,
                      options.algorithm.starts_with("RSA"), options.count},
                     options.load.connections);
    print(run_load(options.endpoint, options.load, work));
}

void create(const Options& options) {
    CreationWork work(options.count, options.algorithm);
    const LoadResult result = run_load(options.endpoint, options.load, work);
    std::ofstream file(options.credentials_file, std::ios::app);
    for (const std::string& id : work.credentials()) file << id << '\n';
    if (!file.flush()) throw std::runtime_error("cannot write " + options.credentials_file);
    print(result);
}

void wait(const Options& options) {
    constexpr std::chrono::minutes kPatience{5};
    std::printf("{\"waited_ms\":%lld}\n",
                static_cast<long long>(wait_for_ok(options.endpoint, "/healthz", kPatience).count()));
}

}  // namespace
}  // namespace sigillo::bench

int main(int argc, char** argv) {
    using namespace sigillo::bench;
    CLI::App app("sigillo_bench_load: load on Sigillo's API, measured");
    app.require_subcommand(1);
    Options options;
    const auto with_endpoint = [&](CLI::App* command) {
        command->add_option("--port", options.endpoint.port, "Port of the API on 127.0.0.1")->required();
        command->add_option("--cacert", options.endpoint.ca_file, "CA of the server's certificate")->required();
        command->add_option("--cert", options.endpoint.certificate_file, "The client's certificate")->required();
        command->add_option("--key", options.endpoint.key_file, "The client's key")->required();
        return command;
    };
    const auto with_load = [&](CLI::App* command) {
        with_endpoint(command);
        command->add_option("--connections", options.load.connections, "Connections at work")->check(CLI::Range(1, 10'000));
        command->add_option("--pid", options.load.pids, "A process whose CPU time is counted (repeatable)");
        command->add_option("--seconds", options.seconds, "Measured time; 0: until --count is done")->check(CLI::Range(0, 86'400));
        command->add_option("--warm-up-ms", options.warm_up_ms, "Unmeasured time before")->check(CLI::Range(0, 600'000));
        command->add_option("--count", options.count, "Operations in all; 0: until the time is up");
        command->add_option("--algorithm", options.algorithm, "EC-P256, RSA-2048 ...");
        command->add_option("--credentials", options.credentials_file, "File of credential ids, one a line")->required();
        return command;
    };
    CLI::App* sign_command = with_load(app.add_subcommand("sign", "authorize by click, then signHash"));
    sign_command->add_option("--batch", options.batch, "Hashes for each call")->check(CLI::Range(1, 256));
    sign_command->add_option("--skip", options.skip, "Leave out so many credentials of the file");
    sign_command->add_option("--use", options.use, "Use at most so many credentials of the file");
    CLI::App* create_command =
        with_load(app.add_subcommand("create", "Make signers with credentials; appends their ids to the file"));
    CLI::App* wait_command = with_endpoint(app.add_subcommand("wait", "Until /healthz answers 200"));
    CLI11_PARSE(app, argc, argv);
    options.load.duration = std::chrono::seconds(options.seconds);
    options.load.warm_up = std::chrono::milliseconds(options.warm_up_ms);
    try {
        if (options.seconds == 0 && options.count == 0 && !wait_command->parsed())
            throw std::runtime_error("--seconds or --count is needed");
        if (sign_command->parsed()) sign(options);
        if (create_command->parsed()) create(options);
        if (wait_command->parsed()) wait(options);
    } catch (const std::exception& error) {
        std::cerr << "sigillo_bench_load: " << error.what() << "\n";
        return 1;
    }
    return 0;
}
