// The contract of sigillod as an attacker reads it: sam.proto's text, and messages made from it, field by
// field, on the wire. So whatever is added to the contract is said by the tests too, without their knowing of
// it.
//
// Understands what sam.proto uses of proto3: messages with scalar, message, repeated, map and oneof fields.
// Anything else is an exception (std::runtime_error) that names the line. Not thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace sigillo::testing {

struct ContractField {
    std::string name;
    std::string type;  // string, bytes, uint32 … or a message's name
    std::uint32_t number = 0;
    bool repeated = false;
    bool is_body = false;   // of a oneof
    std::string map_value;  // of map<string, map_value>; empty otherwise
};

class Contract {
 public:
    static Contract read(const std::filesystem::path& proto);

    const std::vector<ContractField>& fields(const std::string& message) const;
    // The members of a request's oneof, ascending by number.
    std::vector<ContractField> bodies(const std::string& request) const;

    // The value of a field of type string or bytes (text), or a number (any integer type, bool): right or
    // wrong looking, as the caller likes.
    struct Values {
        std::function<std::string(const ContractField& field)> text;
        std::function<std::uint64_t(const ContractField& field)> number;
    };
    // A message on the wire, with every field filled in from `values`; each but those in a oneof is left out
    // once in sixteen, and repeated ones have none to three members.
    std::string encode(const std::string& message, const Values& values, std::mt19937& dice) const;
    // A field around a payload that is a message on the wire.
    static std::string wrap(std::uint32_t number, const std::string& payload);

 private:
    void encode_field(const ContractField& field, const Values& values, std::mt19937& dice,
                      std::string& out) const;
    std::map<std::string, std::vector<ContractField>> messages_;
};

// A number below `bound`: the same on every library, unlike std::uniform_int_distribution's.
inline std::size_t below(std::mt19937& dice, std::size_t bound) {
    return dice() % bound;
}

}  // namespace sigillo::testing
