#include "api/json/reader.h"

namespace sigillo::api::json {

const std::optional<Fault>& ObjectReader::finish() {
    for (const auto& member : object_)
        if (!asked_.contains(member.key)) blame({Fault::Kind::kUnknown, {}, prefix_ + member.key});
    return fault_;
}

}  // namespace sigillo::api::json
