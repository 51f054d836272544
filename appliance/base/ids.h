// Names of things. An id is 128 random bits in 32 lower-case hex digits: opaque, unguessable, safe in
// URLs, logs and file names. Each kind is a type of its own, so that they cannot be mixed up.
#pragma once

#include <string>
#include <string_view>

#include "appliance/base/random.h"
#include "appliance/base/result.h"

namespace sigillo {

// 32 characters of 0-9a-f.
bool is_id(std::string_view text);
std::string random_id(Random& random);

template <class Tag>
class Id {
 public:
    Id() = default;  // empty: "none"
    static Id generate(Random& random) { return Id(random_id(random)); }
    // kInvalidArgument with `field` = Tag::kField unless is_id(text).
    static Result<Id> parse(std::string_view text) {
        if (!is_id(text))
            return fail(Errc::kInvalidArgument, "not an identifier of this appliance",
                        std::string(Tag::kField));
        return Id(std::string(text));
    }
    const std::string& str() const { return text_; }
    bool empty() const { return text_.empty(); }
    friend bool operator==(const Id&, const Id&) = default;
    friend auto operator<=>(const Id&, const Id&) = default;

 private:
    explicit Id(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

struct ClientTag {
    static constexpr std::string_view kField = "clientID";
};
struct SignerTag {
    static constexpr std::string_view kField = "signerID";
};
struct CredentialTag {
    static constexpr std::string_view kField = "credentialID";
};
struct FactorTag {
    static constexpr std::string_view kField = "factorID";
};

using ClientId = Id<ClientTag>;
using SignerId = Id<SignerTag>;
using CredentialId = Id<CredentialTag>;
using FactorId = Id<FactorTag>;

// A tenant is named by the security officer: 1 to 63 of a-z, 0-9, '-', beginning with a letter.
bool is_tenant_name(std::string_view text);

}  // namespace sigillo
