// The signature dictionary (ISO 32000-1 §12.8.1) with its gap.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "api/documents/pdf/fields.h"
#include "api/documents/pdf/prepare.h"
#include "api/documents/pdf/revision.h"

namespace sigillo::pdf {

// Texts are UTF-8, not longer than Limits::text_bytes; the gap is not larger than Limits::contents_bytes;
// locks and levels fit the kind of signature. kInvalidArgument, kLimitExceeded, `field` as in SignatureSpec.
Status check_spec(const SignatureSpec& spec, const Limits& limits);

class SignatureDictionary {
 public:
    // `lock` and `lock_mdp` are the field's; `catalog` is what a FieldMDP refers to.
    SignatureDictionary(const SignatureSpec& spec, const std::optional<FieldLock>& lock,
                        std::optional<Certification> lock_mdp, Reference catalog);

    void put(Reference reference, Revision& revision);
    // Once the revision is complete: writes /ByteRange. Answers the four numbers.
    std::array<std::uint64_t, 4> close(Revision& revision) const;
    SignatureGap gap() const { return {contents_ + 1, contents_size_}; }

 private:
    std::string source_;
    std::size_t contents_size_;
    std::size_t contents_in_source_;  // of "<"
    std::size_t range_in_source_;     // of the first placeholder digit
    std::uint64_t contents_ = 0;      // the same in the whole file
    std::uint64_t range_ = 0;
};

// A /Lock's or FieldMDP's /Action and /Fields.
std::string lock_entries(const FieldLock& lock);

}  // namespace sigillo::pdf
