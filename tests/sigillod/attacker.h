// Code inside sigillo-api, as sigillod meets it: it knows the contract, every id that went by, and the
// certificate's digest of a registered client. It says whatever the contract can say, with fields that look
// right and fields that do not.
//
// Everything that it does follows from the seed, but for ids and times, which are the daemon's. Not
// thread-safe.
#pragma once

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/sigillod/contract.h"
#include "tests/sigillod/daemon_under_test.h"

namespace sigillo::testing {

// A SAD's shape without its grant: base64url of 48 bits of milliseconds and 256 random ones
// (activation/sad.h).
std::string fake_sad(std::chrono::milliseconds age = std::chrono::milliseconds(0));

class Attacker {
 public:
    Attacker(const Contract& contract, const ClientUnderTest& client, std::uint32_t seed);

    // Ids and digests to be tried in fields of that name; `usual` ones four times as often as all others
    // together.
    void know(const std::string& field, const std::string& value);
    void set_usual(const std::string& field, const std::string& value) { usual_[field] = value; }
    const Bytes& target() const { return target_; }  // the hash that it wants signed

    std::mt19937& dice() { return dice_; }
    // The body on the wire, in its place in a request; different at each call.
    std::string body(const ContractField& body);
    // The same as a message, which must be one: sam.proto as read here and as compiled are the same.
    sam::SigningRequest request(const ContractField& body);

    // Sends it in the client's name, and fails the test unless the answer is one that the request may get: a
    // SAD only for factors that were right, a signature only for a SAD that was granted for these hashes of
    // this credential, and neither ever for a credential in `victims`.
    sam::SigningResponse try_it(const sam::SigningRequest& request);
    std::set<std::string> victims;

    std::size_t granted() const { return granted_total_; }
    std::size_t signatures() const { return signatures_total_; }
    std::string some_sad();  // one that was granted and may be unused, else a fake one

 private:
    struct Grant {
        std::string credential;
        std::uint32_t hash_type = 0;
        std::set<std::string> hashes;
    };
    std::string text(const ContractField& field);
    std::uint64_t number(const ContractField& field);
    std::string one_of(const std::vector<std::string>& values);
    bool shows_a_right_factor(const sam::Authorize& order) const;
    void judge_grant(const sam::SigningRequest& request, const std::string& sad);
    // `hash_type`: 1 for hashes, 2 for documents, whose digests `hashes` are.
    void judge_signatures(const std::string& credential, const std::string& sad, std::uint32_t hash_type,
                          const std::vector<std::string>& hashes, int count);

    const Contract& contract_;
    const ClientUnderTest& client_;
    std::mt19937 dice_;
    const Bytes target_ = hash_of("a contract");
    std::map<std::string, std::string> usual_;
    std::map<std::string, std::vector<std::string>> known_;
    std::map<std::string, Grant> grants_;  // by SAD
    std::set<std::string> own_pins_;       // that it enrolled itself
    std::size_t granted_total_ = 0;
    std::size_t signatures_total_ = 0;
};

}  // namespace sigillo::testing
