// sigillo-doc's table of the configuration: [doc].
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "appliance/base/result.h"
#include "hardening/hardening.h"

namespace sigillo::doc {

// What one worker may take. A worker is one process for one document.
struct WorkerConfig {
    // Address space: base + factor x what it is given. A PDF of 100 KiB needs about 12 MiB beside the program
    // itself, which is not counted; 100 MiB need less than twice their size, images being decoded one by one.
    std::uint64_t memory_base_mib = 64;
    std::uint64_t memory_factor = 4;
    // What it may write into one file: base + factor x what it is given. An increment holds fonts, images and
    // validation data beside the document.
    std::uint64_t output_base_mib = 64;
    std::uint64_t output_factor = 2;
    std::chrono::seconds cpu{20};        // 100 MiB take 2 s; deep nesting would take minutes
    std::chrono::seconds deadline{60};   // wall clock
    unsigned descriptors = 64;           // numbers; a request carries at most 16
    std::size_t message_bytes = 60'000;  // of one message; what is longer goes by file
};

struct DocConfig {
    std::string socket;
    unsigned socket_mode = 0660;
    std::vector<std::string> users;  // who may connect: names or numbers; empty: only our own user
    // Workers at once. More than cores, so that small documents do not wait behind large ones.
    std::size_t workers = std::size_t{4} * std::max(2u, std::thread::hardware_concurrency());
    std::size_t queue_limit = 512;  // connections that wait for a worker; beyond it they are closed at once
    // TrueType fonts of visible signatures, by their file names without the ending; the first is the default.
    // A character that one lacks is taken from the next that has it.
    std::vector<std::string> fonts = {"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
                                      "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"};
    WorkerConfig worker;
    HardeningConfig hardening;
};

// kNotFound, kUnavailable, kInvalidArgument: every complaint about the table, one a line.
Result<DocConfig> load_config(const std::filesystem::path& path);

}  // namespace sigillo::doc
