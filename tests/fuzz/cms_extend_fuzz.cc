// What is added to a stranger's signature leaves what was covered as it was (EN 319 122-1 §5.5).
// The first two octets: whether the hash is SHA-512 (one bit), and how much at the end is material and no
// document.
#include <algorithm>

#include "api/documents/cms/assemble.h"
#include "api/documents/cms/extend.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;
using namespace sigillo::cms;

namespace {

bool same_but_unsigned(const SignerInfo& a, const SignerInfo& b) {
    return a.version == b.version && a.sid == b.sid && a.digest_algorithm == b.digest_algorithm &&
           a.signed_attributes == b.signed_attributes && a.signature_algorithm == b.signature_algorithm &&
           a.signature == b.signature;
}

void check_kept(const SignedData& before, const SignedData& after, const Limits& limits) {
    const Bytes written = after.write_detached();
    const auto again = SignedData::read(written, limits);
    FUZZ_CHECK(again.has_value());
    for (const SignerInfo& signer : before.signers())
        FUZZ_CHECK(std::ranges::any_of(
            again->signers(), [&](const SignerInfo& kept) { return same_but_unsigned(signer, kept); }));
    for (const Bytes& certificate : before.certificates())
        FUZZ_CHECK(std::ranges::find(again->certificates(), certificate) != again->certificates().end());
    for (const Bytes& revocation : before.revocations())
        FUZZ_CHECK(std::ranges::find(again->revocations(), revocation) != again->revocations().end());
}

}  // namespace

FUZZ_TARGET(input) {
    if (input.size() < 2) return;
    const std::uint16_t head = read_u16(input);
    input = input.subspan(2);
    const std::size_t behind = std::min<std::size_t>(input.size(), head & 0x7FFFU);
    const std::size_t cut = input.size() - behind;
    const ByteView rest = input.last(behind);
    const Limits limits;
    auto document = SignedData::read(input.first(cut), limits);
    if (!document) return;
    const SignedData before = *document;
    Material material;
    material.certificates = {to_bytes(rest)};
    (void)add_material(*document, material, limits);
    material = {};
    material.ocsps = {to_bytes(rest)};
    (void)add_material(*document, material, limits);
    material = {};
    material.crls = {to_bytes(rest)};
    (void)add_material(*document, material, limits);
    const HashAlgorithm hash = head < 0x8000U ? HashAlgorithm::kSha256 : HashAlgorithm::kSha512;
    for (std::size_t signer = 0; signer < std::min<std::size_t>(document->signers().size(), 2); ++signer) {
        (void)add_signature_time_stamp(*document, signer, rest, {}, limits);
        const auto imprint = archive_imprint(*document, signer, digest_of(hash, rest));
        if (imprint) FUZZ_CHECK(imprint->imprint.algorithm() == hash);
        (void)add_archive_time_stamp(*document, signer, rest, digest_of(hash, rest), {}, limits);
    }
    check_kept(before, *document, limits);
}
