// Who the client is: nginx's header with the TLS certificate, mapped to the SHA-256 of its
// SubjectPublicKeyInfo.
//
// nginx has verified the certificate (chain, validity, CRL); here it is only named. Parsing X.509 a request
// would cost more than signing, so the last certificates seen are kept. Thread-safe.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "appliance/base/digest.h"
#include "appliance/base/result.h"

namespace sigillo::api {

// `escaped`: $ssl_client_escaped_cert, a PEM certificate URL-encoded. kInvalidArgument when it is not
// exactly one.
Result<Sha256Value> spki_of_escaped_certificate(std::string_view escaped);

class ClientCertificates {
 public:
    // `capacity`: certificates kept, at least 1; about 3 KiB each.
    explicit ClientCertificates(std::size_t capacity) : capacity_(capacity) {}
    // As above; failures are not kept, so that garbage cannot push out good certificates.
    Result<Sha256Value> spki_sha256(const std::string& escaped);
    std::size_t size() const;

 private:
    struct Entry {
        std::string escaped;
        Sha256Value digest;
    };
    const std::size_t capacity_;
    mutable std::mutex mutex_;
    std::list<Entry> recent_;  // most recent first; guarded by mutex_, as is the index
    std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;  // views into recent_
};

}  // namespace sigillo::api
