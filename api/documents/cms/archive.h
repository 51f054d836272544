// archive-time-stamp-v3 (EN 319 122-1 §5.5): what it covers, as bytes. Not for others than this folder.
#pragma once

#include "api/documents/cms/extend.h"
#include "api/documents/cms/signed_data.h"

namespace sigillo::cms {

// kUnsupported with `field` "document" as extend.h says.
Status refuse_old_archives(const SignedData& document);
bool has_old_archive(const SignerInfo& signer);

// ATSHashIndexV3 (§5.5.2) over what is in the document now.
Bytes hash_index(const SignedData& document, const SignerInfo& signer, HashAlgorithm hash);

// §5.5.3: the message imprint, with the index that the token carries.
Digest archive_message_imprint(const SignedData& document, const SignerInfo& signer,
                               const Digest& content_digest, ByteView hash_index);

// The value of ats-hash-index-v3 in a token's unsigned attributes. kInvalidArgument with `field` "token" when
// there is not exactly one.
Result<Bytes> index_of_token(ByteView token, const Limits& limits);

// Whether each entry of the index stands for something in the document, and its algorithm is `hash` (§5.5.2:
// "The ats-hash-index-v3 shall be treated as invalid if it contains a reference for which the original value
// is not found"). kInvalidArgument with `field` "token" when not.
Status check_index(const SignedData& document, const SignerInfo& signer, ByteView index, HashAlgorithm hash,
                   const Limits& limits);

}  // namespace sigillo::cms
