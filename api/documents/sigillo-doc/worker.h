// A worker: the forked child that reads one foreign document, and is gone afterwards.
#pragma once

#include <cstdint>
#include <vector>

#include "api/documents/contract/doc.pb.h"
#include "api/documents/sigillo-doc/config.h"
#include "appliance/base/file.h"
#include "hardening/worker_confinement.h"

namespace sigillo::doc {

// Carries out one request. What goes wrong with the document is in the answer's error. May throw: the worker
// answers for it.
using Jobs = Answer (*)(const Request& request, std::vector<UniqueFd>& fds);

// How a worker says, without words, that it ended before its work did.
enum WorkerExit : int {
    kDone = 0,
    kConfinementFailed = 80,
    kOutOfMemory = 81,
    kBrokenConnection = 82,  // the peer's message was none
};

struct WorkerSetting {
    const WorkerConfig& config;
    const WorkerConfinement& confinement;
    std::uint64_t base_address_space = 0;  // bytes that the process maps before it does anything
    Jobs jobs;
};

// Serves requests on `connection` until the peer closes it; then the number that the process is to end with.
// It confines itself by the size of what came with the first request, before it reads any of it.
int run_worker(const WorkerSetting& setting, UniqueFd connection);

}  // namespace sigillo::doc
