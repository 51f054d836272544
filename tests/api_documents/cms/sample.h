// A signature of the test PKI, raised from level to level by the code under test.
#pragma once

#include "api/documents/cms/assemble.h"
#include "api/documents/cms/extend.h"
#include "api/documents/cms/inspect.h"
#include "tests/api_documents/cms/pki.h"

namespace sigillo::cms::testing {

// When what happens, before now: each level has its proofs before the next begins.
struct Story {
    explicit Story(WallTime now);
    WallTime signed_at, stamped_at, proofs_at, archived_at, later_proofs_at, renewed_at, next_update;
};

// Throws std::runtime_error with the error's text.
template <class T>
T value_of(Result<T> result);
void must_hold(const Status& status);

SignatureParts sign_content(KeyKind kind, const Digest& content, std::optional<WallTime> signing_time);

SignedData detached(const SignatureParts& parts);  // assembled, written and read

void add_time_stamps(SignedData& document, const Story& story);                  // to T, every signer
void add_proofs(SignedData& document, const Story& story);                       // to LT
void add_archives(SignedData& document, const Content& content, WallTime time);  // to LTA, every signer
void add_later_proofs(SignedData& document, const Story& story);                 // before a renewal

template <class T>
T value_of(Result<T> result) {
    if (!result) must_hold(Status(std::unexpected(result.error())));
    return *std::move(result);
}

}  // namespace sigillo::cms::testing
