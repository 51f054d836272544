// All certificates that one inspection knows, each once, and who issued whom. Not for others than this
// folder.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "api/documents/cms/inspect.h"
#include "api/documents/cms/libcrypto.h"

namespace sigillo::cms {

// Not thread-safe.
class CertificatePool {
 public:
    explicit CertificatePool(const Limits& limits) : limits_(limits) {}

    // Its index. kInvalidArgument or kLimitExceeded.
    Result<std::size_t> add(ByteView der);
    // Leaves out what cannot be parsed: among a stranger's certificates one that nobody can read need not
    // matter.
    Status add_readable(ByteView der);
    Result<std::size_t> add_anchor(ByteView der);

    std::size_t size() const { return entries_.size(); }
    const Certificate& at(std::size_t index) const { return entries_[index].facts; }
    X509* x509(std::size_t index) const { return entries_[index].parsed.get(); }
    std::vector<Bytes> ders() const;
    // Neither an issuer nor revocation data are needed for it.
    bool is_end(std::size_t index) const;

    // Who issued it, by name and signature. kLimitExceeded after too many verifications.
    Result<std::optional<std::size_t>> issuer(std::size_t index);
    Result<Path> path(std::size_t leaf);
    // One more signature verification: kLimitExceeded when there were too many.
    Status spend_check();

    std::vector<Certificate> take() &&;

 private:
    struct Entry {
        Certificate facts;
        X509Ptr parsed;
    };
    const Limits& limits_;
    std::vector<Entry> entries_;
    std::map<Sha256Value, std::size_t> by_digest_;
    std::set<std::size_t> anchors_;
    std::map<std::size_t, std::size_t> issuers_;
    std::set<std::pair<std::size_t, std::size_t>> strangers_;  // (certificate, not its issuer)
    std::size_t checks_ = 0;
};

}  // namespace sigillo::cms
