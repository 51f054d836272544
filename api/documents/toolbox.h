// What every orchestration of documents needs, and what several of them do.
//
// Thread-safe: all of it is shared by requests. Coroutines go on on `executor`, in their client's name.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "api/documents/doc_client.h"
#include "api/documents/order.h"
#include "api/documents/validation_data.h"
#include "api/http/spool.h"
#include "api/sam.h"
#include "appliance/base/clock.h"
#include "appliance/base/logger.h"
#include "appliance/base/task.h"

namespace sigillo::api::documents {

// sigillod's deposit socket.
struct DepositConfig {
    std::string socket;
    std::chrono::milliseconds deadline{10'000};  // sigillod looks at seals and length alone
};

// Everything outlives every task.
struct Toolbox {
    SigningSam& sam;
    Executor& executor;
    DocClientConfig doc;
    DepositConfig deposit;
    ValidationGatherer& gatherer;
    const Clock& clock;
    Logger& logger;
};

// In whose name: the client's own context for sigillod, and its name for queues.
struct Caller {
    sam::ClientContext client;
    const std::string& name() const { return client.spki_sha256(); }
};

// One question to sigillod. Parameters by value: a Task may outlive the statement that made it.
Task<Result<sam::SigningResponse>> ask_sam(const Toolbox& tools, Caller caller, sam::SigningRequest request,
                                           sam::SigningResponse::BodyCase expected);

// A TimeStampToken of our own authority, its certificates inside. kClockUntrusted, kUnavailable,
// kUnsupported.
Task<Result<Bytes>> time_stamp(const Toolbox& tools, Caller caller, Digest digest);

// kForbidden: the caller is no registered client. For what sigillod is not asked about otherwise.
Task<Status> registered(const Toolbox& tools, Caller caller);

// The credential, which must be the caller's.
Task<Result<sam::Credential>> credential(const Toolbox& tools, Caller caller, std::string id);
// The one that this SAD is for. kSadInvalid: none of the caller's.
Task<Result<sam::Credential>> credential_of_sad(const Toolbox& tools, Caller caller, std::string sad);

// "Ada Rossi" of "CN=Ada Rossi,C=IT" (RFC 4514); the whole name where it has no common name.
std::string common_name(std::string_view subject_dn);

std::vector<NeededProof> proofs_of(const google::protobuf::RepeatedPtrField<doc::NeededProof>& needed);
void put_material(const ValidationData& data, doc::ValidationMaterial& out);

// The two files of a request; GCC 12 makes no initializer lists in coroutines.
std::vector<std::shared_ptr<MemoryFile>> both(std::shared_ptr<MemoryFile> first,
                                              std::shared_ptr<MemoryFile> second);

// Puts a CMS into the gap of a prepared revision: a new file, the sealed one stays. kLimitExceeded: it does
// not fit.
struct Gap {
    std::uint64_t offset = 0;  // of the first hexadecimal digit
    std::uint64_t size = 0;    // octets
};
Result<std::shared_ptr<MemoryFile>> with_contents(const MemoryFile& prepared, Gap gap, ByteView cms);

}  // namespace sigillo::api::documents
