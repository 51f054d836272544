// What certificates of a signature still want proved, as the contract says it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "api/documents/cms/inspect.h"
#include "api/documents/contract/doc.pb.h"
#include "appliance/base/result.h"

namespace sigillo::doc {

struct Needs {
    std::vector<NeededProof> proofs;
    std::vector<std::string> certificates;  // DER, of all paths
};

// Of the signers with these ids and of their tokens; of all, where none is named.
Result<Needs> needs_of(const cms::Inspection& inspection, const std::vector<std::string>& signers);
inline Result<Needs> needs_of_all(const cms::Inspection& inspection) {
    return needs_of(inspection, {});
}

// `issuer` may be nullptr: then there is no OCSP request yet.
Result<NeededProof> needed_proof(const cms::Certificate& certificate, const cms::Certificate* issuer);

// kInvalidArgument, field "document": a signature or document time-stamp of it does not hold, so that nothing
// that is added would make it last. One whose certificate is unknown, or that has no signed attributes, is
// not judged. `signers`: of these alone (SHA-256 of each one's signature value; empty: all), since one's own
// is lifted beside others, whatever they are worth.
Status refuse_broken(const cms::Inspection& inspection, const std::vector<std::string>& signers = {});

}  // namespace sigillo::doc
