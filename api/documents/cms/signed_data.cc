#include "api/documents/cms/signed_data.h"

#include <algorithm>

#include "api/documents/cms/ber.h"
#include "api/documents/cms/der.h"
#include "api/documents/cms/oids.h"

namespace sigillo::cms {
namespace {

void add_once(std::vector<Bytes>& to, ByteView element) {
    if (std::ranges::none_of(to, [&](const Bytes& one) { return equal(one, element); }))
        to.push_back(to_bytes(element));
}

// RFC 5652 §10.2.2, §10.2.1: the CHOICEs' tags.
constexpr std::uint8_t kAttributeCertificateV1 = der_context(1);
constexpr std::uint8_t kAttributeCertificateV2 = der_context(2);
constexpr std::uint8_t kOtherCertificate = der_context(3);
constexpr std::uint8_t kOtherRevocation = der_context(1);

bool has_tag(const std::vector<Bytes>& elements, std::uint8_t tag) {
    return std::ranges::any_of(elements, [&](const Bytes& one) { return one.front() == tag; });
}

// The octets before and behind the content's own.
struct Frame {
    Bytes head;
    Bytes tail;
};

Frame frame(const SignedData& data, const std::optional<Content>& content) {
    const std::uint64_t size = content ? content->size() : 0;
    Bytes tail;
    if (!data.certificates().empty()) append(tail, der_set_of(der_context(0), data.certificates()));
    if (!data.revocations().empty()) append(tail, der_set_of(der_context(1), data.revocations()));
    std::vector<Bytes> signers;
    signers.reserve(data.signers().size());
    for (const SignerInfo& signer : data.signers()) signers.push_back(signer.encode());
    append(tail, der_set_of(kDerSet, std::move(signers)));

    // From the inside to the outside: each header needs the length of what it stands before.
    Bytes head;
    std::uint64_t inner = size;
    const auto wrap = [&](std::uint8_t tag) {
        const Bytes header = der_header(tag, inner);
        head.insert(head.begin(), header.begin(), header.end());
        inner += header.size();
    };
    const auto precede = [&](ByteView element) {
        head.insert(head.begin(), element.begin(), element.end());
        inner += element.size();
    };
    if (content) {
        wrap(kDerOctetString);
        wrap(der_context(0));
    }
    precede(data.content_type());
    wrap(kDerSequence);  // encapContentInfo
    inner += tail.size();
    precede(der_set_of(kDerSet, data.digest_algorithms()));
    precede(der_integer(static_cast<std::uint8_t>(data.version())));
    wrap(kDerSequence);  // SignedData
    wrap(der_context(0));
    precede(kIdSignedData);
    wrap(kDerSequence);  // ContentInfo
    return {std::move(head), std::move(tail)};
}

}  // namespace

Attribute Attribute::create(ByteView type, ByteView value) {
    return {
        to_bytes(type), {to_bytes(value)}, der_element(kDerSequence, {type, der_element(kDerSet, {value})})};
}

Bytes SignerInfo::signed_attributes_set() const {
    Bytes set = signed_attributes;
    if (!set.empty()) set.front() = kDerSet;
    return set;
}

void SignerInfo::add_unsigned(Attribute attribute) {
    unsigned_attributes.push_back(std::move(attribute));
    whole.clear();
}

Bytes SignerInfo::encode() const {
    if (!whole.empty()) return whole;
    Bytes attributes;
    if (!unsigned_attributes.empty()) {
        std::vector<Bytes> wholes;
        wholes.reserve(unsigned_attributes.size());
        for (const Attribute& attribute : unsigned_attributes) wholes.push_back(attribute.whole);
        attributes = der_set_of(der_context(1), std::move(wholes));
    }
    return der_element(kDerSequence, {version, sid, digest_algorithm, signed_attributes, signature_algorithm,
                                      signature, attributes});
}

SignedData SignedData::empty(Bytes content_type, std::optional<Content> content) {
    SignedData made;
    made.content_type_ = std::move(content_type);
    made.content_ = std::move(content);
    return made;
}

Result<std::size_t> SignedData::find_signer(const SignerId& id) const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < signers_.size(); ++i) {
        if (signers_[i].id() != id) continue;
        if (found)
            return fail(Errc::kInvalidArgument, "two signers of the document have the same signature",
                        "signer");
        found = i;
    }
    if (!found) return fail(Errc::kNotFound, "the document has no such signer", "signer");
    return *found;
}

void SignedData::add_digest_algorithm(ByteView algorithm) {
    add_once(digest_algorithms_, algorithm);
}

void SignedData::add_certificate(ByteView choice) {
    add_once(certificates_, choice);
}

void SignedData::add_revocation(ByteView choice) {
    add_once(revocations_, choice);
}

unsigned SignedData::version() const {
    if (has_tag(certificates_, kOtherCertificate) || has_tag(revocations_, kOtherRevocation)) return 5;
    if (has_tag(certificates_, kAttributeCertificateV2)) return 4;
    const Bytes kVersion3 = der_integer(3);
    const bool by_key =
        std::ranges::any_of(signers_, [&](const SignerInfo& signer) { return signer.version == kVersion3; });
    if (has_tag(certificates_, kAttributeCertificateV1) || by_key || !equal(content_type_, kIdData)) return 3;
    return 1;
}

Status SignedData::write(ByteSink& sink) const {
    const Frame around = frame(*this, content_);
    SIGILLO_TRY(sink.write(around.head));
    if (content_) SIGILLO_TRY(content_->copy_to(sink));
    return sink.write(around.tail);
}

Result<Bytes> SignedData::write(std::size_t limit) const {
    MemorySink sink(limit);
    SIGILLO_TRY(write(sink));
    return sink.take();
}

Bytes SignedData::write_detached() const {
    Frame around = frame(*this, std::nullopt);
    append(around.head, around.tail);
    return std::move(around.head);
}

}  // namespace sigillo::cms
