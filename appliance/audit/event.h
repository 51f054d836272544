// One entry of the audit log, as canonical JSON (RFC 8785): what happened, to which ids, and which records
// changed with it. FORMAT.md lists every type of event and its members.
//
// Leaves cannot be erased: an event never holds personal data, and never a secret or the digest of a short
// one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "appliance/base/bytes.h"
#include "appliance/base/clock.h"
#include "appliance/base/result.h"

namespace sigillo::audit {

// Longest leaf that C2SP tlog-tiles can carry in an entry bundle: a 16-bit length.
inline constexpr std::size_t kLeafLimit = 65'535;

class Event {
 public:
    // `type` is dotted lower case: "signing.intent". `time` becomes the member "time" (RFC 3339, ms).
    Event(std::string_view type, WallTime time);

    // Members are ASCII names; a name set twice keeps the last value.
    Event& set(std::string_view name, std::string_view text);
    Event& set(std::string_view name, const char* text) { return set(name, std::string_view(text)); }
    Event& set(std::string_view name, const std::string& text) { return set(name, std::string_view(text)); }
    Event& set(std::string_view name, std::uint64_t number);  // below 2^53
    Event& set_flag(std::string_view name, bool value);
    Event& set_base64(std::string_view name, ByteView bytes);
    Event& set_base64_list(std::string_view name, const std::vector<Bytes>& values);
    Event& set_list(std::string_view name, const std::vector<std::string>& values);
    // Adds [space, key in base64, version] to the member "records"; version 0 says that the record was
    // erased.
    Event& add_record(std::string_view space, ByteView key, std::uint64_t version);

    const std::string& type() const { return type_; }
    // kInvalidArgument when a member cannot be written: text that is not UTF-8, a number from 2^53 on, a name
    // that is not ASCII or one of the reserved "type", "time", "records". kLimitExceeded when the leaf would
    // be longer than kLeafLimit.
    Result<std::string> canonical_json() const;

 private:
    Event& put(std::string_view name, std::string json);
    void place(std::string_view name, std::string json);
    void refuse(std::string_view name, std::string_view why);

    std::string type_;
    std::string defect_;  // the first thing that cannot be written, or empty
    struct Member {
        std::string name;
        std::string json;
    };
    std::vector<Member> members_;  // by name
    std::vector<std::string> records_;
};

}  // namespace sigillo::audit
