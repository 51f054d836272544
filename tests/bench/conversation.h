// What one connection of the load generator says and hears, over and over: the operations that are measured.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/base/result.h"

namespace sigillo::bench {

// Shared by all conversations of a run, which is one thread's.
struct Workload {
    std::vector<std::string> subjects;  // ids that the operations are about, taken in turns
    std::size_t next_subject = 0;
    std::size_t batch = 1;           // hashes in one document
    bool rsa = false;                // the subjects' keys, or the key to be made
    std::size_t document_bytes = 0;  // of a PDF
    std::string level = "B-T";
    std::vector<std::string> made;  // ids that were created

    const std::string& take_subject() {
        const std::string& subject = subjects[next_subject];
        if (++next_subject == subjects.size()) next_subject = 0;
        return subject;
    }
};

// One operation after the other, each of one request or several. Not thread-safe.
class Conversation {
 public:
    explicit Conversation(Workload& workload) : workload_(workload) {}
    virtual ~Conversation() = default;
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    // The first request of the next operation is in path() and body() afterwards.
    virtual void begin() = 0;
    // True: the operation is done. False: the next request is in path() and body(). kCorrupt: not the answer
    // of a server that works, with the answer.
    virtual Result<bool> hear(int status, std::string_view body) = 0;

    std::string_view path() const { return path_; }
    const std::string& body() const { return body_; }
    std::string_view content_type() const { return content_type_; }

 protected:
    std::string_view path_;
    std::string body_;
    std::string_view content_type_ = "application/json";
    Workload& workload_;
};

// credentials/authorize with click evidence, then signatures/signHash, of `batch` new hashes.
std::unique_ptr<Conversation> signing(Workload& workload);
// credentials/authorize with click evidence for a new PDF of `document_bytes`, then signatures/signDoc: PAdES
// at `level`.
std::unique_ptr<Conversation> document_signing(Workload& workload);
// POST /v1/signers; ids into `made`.
std::unique_ptr<Conversation> signer_creation(Workload& workload);
// POST /v1/credentials, class simple, click, embedded certificate, for the signers of `subjects`; ids into
// `made`.
std::unique_ptr<Conversation> credential_creation(Workload& workload);

// POST /tsa of a new SHA-256 digest with a nonce, the unit's certificates asked for.
std::unique_ptr<Conversation> stamping(Workload& workload);

}  // namespace sigillo::bench
