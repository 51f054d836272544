#include "api/documents/pdf/security_store.h"

#include <algorithm>

namespace sigillo::pdf {

const char* store_key(Kind kind) {
    switch (kind) {
        case Kind::kCertificate:
            return "Certs";
        case Kind::kCrl:
            return "CRLs";
        default:
            return "OCSPs";
    }
}

const char* vri_key(Kind kind) {
    switch (kind) {
        case Kind::kCertificate:
            return "Cert";
        case Kind::kCrl:
            return "CRL";
        default:
            return "OCSP";
    }
}

const std::vector<Bytes>& of_kind(const ValidationData& data, Kind kind) {
    switch (kind) {
        case Kind::kCertificate:
            return data.certificates;
        case Kind::kCrl:
            return data.crls;
        default:
            return data.ocsps;
    }
}

Result<SecurityStore> SecurityStore::read(const Document& document) {
    SecurityStore store;
    store.dictionary_ = document.get_dictionary(&document.catalog(), "DSS");
    store.vri_ = document.get_dictionary(store.dictionary_, "VRI");
    // All of it together is bounded as one stream is.
    std::size_t octets = 0;
    for (const Kind kind : kKinds) {
        const Object* const array = document.get_array(store.dictionary_, store_key(kind));
        if (array == nullptr) continue;
        for (const Object& element : array->GetArray()) {
            const Object* const object = document.resolve(&element);
            if (object == nullptr || !object->IsDictionary() || !object->HasStream()) continue;
            SIGILLO_ASSIGN(Bytes bytes, document.stream(*object));
            octets += bytes.size();
            if (octets > document.limits().stream_bytes)
                return fail(Errc::kLimitExceeded,
                            "the document's security store has more than " +
                                std::to_string(document.limits().stream_bytes) + " octets",
                            "document");
            const Sha256Value digest = sha256(bytes);
            store.entries_[kind].push_back({Document::reference_of(*object), std::move(bytes), digest});
        }
    }
    return store;
}

ValidationData SecurityStore::contents() const {
    ValidationData data;
    const auto copy = [&](Kind kind, std::vector<Bytes>& to) {
        const auto found = entries_.find(kind);
        if (found == entries_.end()) return;
        for (const Entry& entry : found->second) to.push_back(entry.octets);
    };
    copy(Kind::kCertificate, data.certificates);
    copy(Kind::kCrl, data.crls);
    copy(Kind::kOcsp, data.ocsps);
    return data;
}

std::vector<std::string> SecurityStore::vri_keys() const {
    std::vector<std::string> keys;
    if (vri_ == nullptr) return keys;
    for (const auto& [key, value] : vri_->GetDictionary().GetKeys()) keys.push_back(key.GetName());
    return keys;
}

Reference SecurityStore::find(Kind kind, ByteView octets) const {
    const auto found = entries_.find(kind);
    if (found == entries_.end()) return {};
    const Sha256Value digest = sha256(octets);
    const auto entry = std::find_if(found->second.begin(), found->second.end(),
                                    [&](const Entry& candidate) { return candidate.digest == digest; });
    return entry == found->second.end() ? Reference{} : entry->reference;
}

bool SecurityStore::has_vri(const std::string& key) const {
    return vri_ != nullptr && vri_->GetDictionary().HasKey(PoDoFo::PdfName(key));
}

}  // namespace sigillo::pdf
