// SignedData::read: where the parts of a document are.
#include <algorithm>

#include "api/documents/cms/ber.h"
#include "api/documents/cms/der.h"
#include "api/documents/cms/oids.h"
#include "api/documents/cms/signed_data.h"

namespace sigillo::cms {
namespace {

std::unexpected<Error> refuse(std::string detail, Errc code = Errc::kInvalidArgument) {
    return fail(code, std::move(detail), "document");
}

// A document's parts that are held in memory, and what they may come to together.
class Loader {
 public:
    Loader(const ByteSource& source, const Limits& limits)
        : source_(source), left_(limits.max_structure_bytes) {}

    Result<Bytes> load(std::uint64_t begin, std::uint64_t end) {
        if (end - begin > left_)
            return refuse("the signature has more octets than allowed", Errc::kLimitExceeded);
        left_ -= static_cast<std::size_t>(end - begin);
        Bytes out(static_cast<std::size_t>(end - begin));
        SIGILLO_TRY(source_.read_at(begin, out));
        return out;
    }
    Result<Bytes> load(const BerElement& element) { return load(element.begin, element.end); }
    Result<Bytes> contents(const BerElement& element) { return load(element.content, element.content_end); }

 private:
    const ByteSource& source_;
    std::size_t left_;
};

Result<Attribute> parse_attribute(const Bytes& whole, const Limits& limits) {
    Attribute attribute;
    BerReader outer(whole, limits);
    SIGILLO_ASSIGN(const BerPart sequence, outer.next(kDerSequence, "Attribute"));
    BerReader fields(sequence.content, limits);
    SIGILLO_ASSIGN(const BerPart type, fields.next(kDerOid, "attrType"));
    SIGILLO_ASSIGN(const BerPart values, fields.next(kDerSet, "attrValues"));
    SIGILLO_TRY(fields.finish("Attribute"));
    attribute.type = to_bytes(type.whole);
    SIGILLO_ASSIGN(attribute.values,
                   ber_elements(values.content, limits.max_attributes, "values of an attribute", limits));
    attribute.whole = whole;
    return attribute;
}

Result<SignerInfo> parse_signer(const Bytes& whole, const Limits& limits) {
    SignerInfo signer;
    BerReader outer(whole, limits);
    SIGILLO_ASSIGN(const BerPart sequence, outer.next(kDerSequence, "SignerInfo"));
    BerReader fields(sequence.content, limits);
    SIGILLO_ASSIGN(const BerPart version, fields.next(kDerInteger, "version of a SignerInfo"));
    SIGILLO_ASSIGN(const BerPart sid, fields.next());
    if (sid.tag != kDerSequence && sid.tag != 0x80 && sid.tag != der_context(0))
        return refuse("a SignerInfo names its certificate neither by issuer and serial nor by key");
    SIGILLO_ASSIGN(const BerPart digest, fields.next(kDerSequence, "digestAlgorithm"));
    if (fields.next_is(der_context(0))) {
        SIGILLO_ASSIGN(const BerPart attributes, fields.next());
        if (attributes.whole.size() > limits.max_signed_attributes_bytes)
            return refuse("the signed attributes are too long", Errc::kLimitExceeded);
        signer.signed_attributes = to_bytes(attributes.whole);
    }
    SIGILLO_ASSIGN(const BerPart algorithm, fields.next(kDerSequence, "signatureAlgorithm"));
    SIGILLO_ASSIGN(const BerPart signature, fields.next());
    if ((signature.tag & ~0x20U) != kDerOctetString) return refuse("signature of a SignerInfo expected");
    SIGILLO_ASSIGN(signer.signature_value, ber_octets(signature, limits));
    if (fields.next_is(der_context(1))) {
        SIGILLO_ASSIGN(const BerPart attributes, fields.next());
        SIGILLO_ASSIGN(
            const std::vector<Bytes> elements,
            ber_elements(attributes.content, limits.max_attributes, "unsigned attributes", limits));
        for (const Bytes& element : elements) {
            SIGILLO_ASSIGN(Attribute attribute, parse_attribute(element, limits));
            signer.unsigned_attributes.push_back(std::move(attribute));
        }
    }
    SIGILLO_TRY(fields.finish("SignerInfo"));
    signer.version = to_bytes(version.whole);
    signer.sid = to_bytes(sid.whole);
    signer.digest_algorithm = to_bytes(digest.whole);
    signer.signature_algorithm = to_bytes(algorithm.whole);
    signer.signature = to_bytes(signature.whole);
    signer.whole = whole;
    return signer;
}

Status check_trailing(const ByteSource& source, std::uint64_t from, Trailing trailing, const Limits& limits) {
    if (from == source.size()) return {};
    if (trailing == Trailing::kNone) return refuse("there are octets behind the signature");
    if (source.size() - from > limits.max_structure_bytes)
        return refuse("there are too many octets behind the signature", Errc::kLimitExceeded);
    Bytes rest(static_cast<std::size_t>(source.size() - from));
    SIGILLO_TRY(source.read_at(from, rest));
    if (std::ranges::any_of(rest, [](std::uint8_t octet) { return octet != 0; }))
        return refuse("there are octets other than zero behind the signature");
    return {};
}

// Names the field in the errors of BerScanner and BerReader, which do not know it.
Error as_document_error(Error error) {
    if (error.field.empty()) error.field = "document";
    if (error.field == "document" && error.code == Errc::kInvalidArgument &&
        !error.detail.starts_with("not a CMS signature: "))
        error.detail = "not a CMS signature: " + error.detail;
    return error;
}

}  // namespace

class SignedDataReader {
 public:
    SignedDataReader(const ByteSource& source, const Limits& limits)
        : source_(source), limits_(limits), scan_(source, limits), loader_(source, limits) {}

    Result<SignedData> read(Trailing trailing) {
        SIGILLO_ASSIGN(const BerElement info, scan_.expect(kDerSequence, 0, source_.size(), "ContentInfo"));
        SIGILLO_TRY(check_trailing(source_, info.end, trailing, limits_));
        SIGILLO_ASSIGN(const BerElement type, child(info, info.content, kDerOid, "contentType"));
        SIGILLO_ASSIGN(const Bytes type_oid, loader_.load(type));
        if (!equal(type_oid, kIdSignedData)) return refuse("a CMS object, but no SignedData");
        SIGILLO_ASSIGN(const BerElement wrap,
                       child(info, type.end, der_context(0), "content of ContentInfo"));
        SIGILLO_ASSIGN(const BerElement data, child(wrap, wrap.content, kDerSequence, "SignedData"));
        if (data.end != wrap.content_end || wrap.end != info.content_end)
            return refuse("ContentInfo has more than it should");
        SIGILLO_TRY(read_fields(data));
        return std::move(made_);
    }

 private:
    Result<BerElement> child(const BerElement& of, std::uint64_t at, std::uint8_t tag,
                             std::string_view what) {
        return scan_.expect(tag, at, of.content_end, what);
    }

    Result<std::vector<Bytes>> elements(const BerElement& set, std::size_t most, std::string_view what) {
        SIGILLO_ASSIGN(const Bytes contents, loader_.contents(set));
        return ber_elements(contents, most, what, limits_);
    }

    Status read_content(const BerElement& encap) {
        SIGILLO_ASSIGN(const BerElement type, child(encap, encap.content, kDerOid, "eContentType"));
        SIGILLO_ASSIGN(made_.content_type_, loader_.load(type));
        if (type.end == encap.content_end) return {};
        SIGILLO_ASSIGN(const BerElement wrap, child(encap, type.end, der_context(0), "eContent"));
        SIGILLO_ASSIGN(const BerElement string, scan_.at(wrap.content, wrap.content_end));
        if ((string.tag & ~0x20U) != kDerOctetString) return refuse("eContent is no OCTET STRING");
        if (string.end != wrap.content_end || wrap.end != encap.content_end)
            return refuse("encapContentInfo has more than it should");
        SIGILLO_ASSIGN(std::vector<Range> ranges, scan_.octets(string));
        made_.content_ = Content{&source_, std::move(ranges)};
        if (made_.content_->size() > limits_.max_content_bytes)
            return refuse("the content has more octets than allowed", Errc::kLimitExceeded);
        return {};
    }

    Status read_fields(const BerElement& data) {
        SIGILLO_ASSIGN(const BerElement version,
                       child(data, data.content, kDerInteger, "version of SignedData"));
        SIGILLO_ASSIGN(const BerElement digests, child(data, version.end, kDerSet, "digestAlgorithms"));
        SIGILLO_ASSIGN(const BerElement encap, child(data, digests.end, kDerSequence, "encapContentInfo"));
        SIGILLO_TRY(read_content(encap));
        SIGILLO_ASSIGN(made_.digest_algorithms_, elements(digests, limits_.max_signers, "digest algorithms"));
        SIGILLO_ASSIGN(BerElement next, scan_.at(encap.end, data.content_end));
        if (next.tag == der_context(0)) {
            SIGILLO_ASSIGN(made_.certificates_, elements(next, limits_.max_certificates, "certificates"));
            SIGILLO_ASSIGN(next, scan_.at(next.end, data.content_end));
        }
        if (next.tag == der_context(1)) {
            SIGILLO_ASSIGN(made_.revocations_,
                           elements(next, limits_.max_revocations, "CRLs and OCSP responses"));
            SIGILLO_ASSIGN(next, scan_.at(next.end, data.content_end));
        }
        if (next.tag != kDerSet) return refuse("signerInfos expected");
        if (next.end != data.content_end) return refuse("SignedData has more than it should");
        SIGILLO_ASSIGN(const std::vector<Bytes> signers, elements(next, limits_.max_signers, "signers"));
        for (const Bytes& signer : signers) {
            SIGILLO_ASSIGN(SignerInfo parsed, parse_signer(signer, limits_));
            made_.signers_.push_back(std::move(parsed));
        }
        return {};
    }

    const ByteSource& source_;
    const Limits& limits_;
    BerScanner scan_;
    Loader loader_;
    SignedData made_;
};

Result<SignedData> SignedData::read(const ByteSource& source, const Limits& limits, Trailing trailing) {
    auto made = SignedDataReader(source, limits).read(trailing);
    if (!made) return std::unexpected(as_document_error(std::move(made).error()));
    return made;
}

Result<SignedData> SignedData::read(ByteView der, const Limits& limits, Trailing trailing) {
    auto memory = std::make_shared<const MemorySource>(der);
    SIGILLO_ASSIGN(SignedData made, read(*memory, limits, trailing));
    made.memory_ = std::move(memory);
    return made;
}

}  // namespace sigillo::cms
