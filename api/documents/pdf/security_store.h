// The Document Security Store as it stands in a document (EN 319 142-1 §5.4.2, ISO 32000-2 §12.8.4.3).
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "api/documents/pdf/document.h"
#include "api/documents/pdf/dss.h"
#include "appliance/base/digest.h"

namespace sigillo::pdf {

// The three kinds of validation data: the store's array, and the array of a /VRI entry.
enum class Kind : std::uint8_t { kCertificate, kCrl, kOcsp };
inline constexpr std::array<Kind, 3> kKinds{Kind::kCertificate, Kind::kCrl, Kind::kOcsp};
const char* store_key(Kind kind);  // "Certs", "CRLs", "OCSPs"
const char* vri_key(Kind kind);    // "Cert", "CRL", "OCSP"
const std::vector<Bytes>& of_kind(const ValidationData& data, Kind kind);

class SecurityStore {
 public:
    // Empty where the document has none. What is no stream in it is passed over; as Document::stream.
    static Result<SecurityStore> read(const Document& document);

    const Object* dictionary() const { return dictionary_; }
    ValidationData contents() const;
    std::vector<std::string> vri_keys() const;
    // The object that holds these octets; number 0: none.
    Reference find(Kind kind, ByteView octets) const;
    const Object* vri() const { return vri_; }  // nullptr: none
    bool has_vri(const std::string& key) const;

 private:
    SecurityStore() = default;
    struct Entry {
        Reference reference;
        Bytes octets;
        Sha256Value digest;
    };
    const Object* dictionary_ = nullptr;
    const Object* vri_ = nullptr;
    std::map<Kind, std::vector<Entry>> entries_;
};

}  // namespace sigillo::pdf
