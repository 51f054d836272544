// A JSON answer with documents in it: small ones as a string, large ones into a file of the spool, so that no
// answer takes memory by its size.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/documents/memory_file.h"
#include "api/http/exchange.h"
#include "api/http/spool.h"

namespace sigillo::api::documents {

// Not thread-safe.
class AnswerBody {
 public:
    // `in_memory`: bytes up to which the answer stays a string. The spool outlives the answer's making.
    AnswerBody(Spool& spool, std::size_t in_memory) : spool_(spool), in_memory_(in_memory) {}

    Status text(std::string_view part);
    // A JSON string with the file's bytes in base64.
    Status base64(const MemoryFile& file);
    // What was written, as a response. Once.
    Result<Response> finish(int status);

 private:
    Status flush();
    Spool& spool_;
    const std::size_t in_memory_;
    std::string text_;
    std::shared_ptr<SpoolFile> file_;
};

}  // namespace sigillo::api::documents
