// sigillo-doc, as sigillo-api sees it: a worker process for one document, asked one thing after the other.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "api/documents/contract/doc.pb.h"
#include "api/documents/memory_file.h"
#include "appliance/base/file.h"
#include "appliance/base/result.h"

namespace sigillo::api::documents {

struct DocClientConfig {
    std::string socket;
    // For one answer, the wait for a worker included; longer than doc.deadline_s.
    std::chrono::milliseconds deadline{70'000};
};

// A worker of its own, until it goes out of scope. Calls block; not thread-safe. The worker begins with the
// first request and is confined by the size of its files.
class DocWorker {
 public:
    // kUnavailable: sigillo-doc is away.
    static Result<DocWorker> connect(const DocClientConfig& config);

    // `files` are numbered from 1 in the request. Errors: the worker's own (kInvalidArgument, kUnsupported,
    // kConflict … with `field`, in words for the client; kLimitExceeded "document" where it died of its
    // limits); kUnavailable: sigillo-doc is away or has too much to do; kInternal: an answer to another
    // question.
    Result<doc::Answer> ask(const doc::Request& request, std::vector<std::shared_ptr<MemoryFile>> files,
                            doc::Answer::ResultCase expected);

 private:
    DocWorker(UniqueFd socket, std::chrono::milliseconds deadline)
        : socket_(std::move(socket)), deadline_(deadline) {}
    UniqueFd socket_;
    std::chrono::milliseconds deadline_;
};

// One job by a worker of its own. Blocks. This way nobody holds a worker while waiting for anything else:
// with as many requests as there are workers, each in want of another one, all of them would wait for ever.
// Errors as DocWorker's.
Result<doc::Answer> ask_worker(const DocClientConfig& config, const doc::Request& request,
                               std::vector<std::shared_ptr<MemoryFile>> files,
                               doc::Answer::ResultCase expected);

// Whether something listens there.
bool doc_answers(const DocClientConfig& config);

}  // namespace sigillo::api::documents
