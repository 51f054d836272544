// signed_props, with DER as openssl and other people's libraries write it.
#include "api/documents/signed_props.h"

#include <gtest/gtest.h>

#include "appliance/base/der.h"
#include "appliance/base/digest.h"
#include "appliance/base/encoding.h"
#include "appliance/base/oid.h"

namespace sigillo::api::documents {
namespace {

Bytes tlv(std::uint8_t tag, std::initializer_list<Bytes> parts) {
    Bytes content;
    for (const auto& part : parts) append(content, part);
    return DerWriter(content.size() + 8).element(tag, content).finish();
}
Bytes oid(std::string_view dotted) {
    return tlv(kDerOid, {encode_oid(dotted).value()});
}
Bytes utf8(std::string_view text) {
    return tlv(kDerUtf8String, {to_bytes(text)});
}

json::Value prop(std::string name, std::optional<Bytes> value) {
    json::Object object{{"attribute_name", {std::move(name)}}};
    if (value) object.push_back({"attribute_value", {base64_encode(*value)}});
    return {std::move(object)};
}
std::expected<SignedProps, std::vector<std::string>> read(std::vector<json::Value> props,
                                                          Format format = Format::kCades) {
    return read_signed_props(props, format);
}
std::string wrong(std::vector<json::Value> props, Format format = Format::kCades) {
    const auto read = read_signed_props(props, format);
    if (read) return "accepted";
    std::string out;
    for (const auto& name : read.error()) out += (out.empty() ? "" : ",") + name;
    return out;
}

const Bytes kCommitment = tlv(kDerSequence, {oid("1.2.840.113549.1.9.16.6.1")});
const Bytes kHash = Bytes(32, 7);

Bytes policy(std::vector<Bytes> more = {}) {
    const Bytes algorithm = tlv(kDerSequence, {oid("2.16.840.1.101.3.4.2.1")});
    Bytes content = oid("1.3.6.1.4.1.32473.1");
    append(content, tlv(kDerSequence, {algorithm, tlv(kDerOctetString, {kHash})}));
    for (const auto& part : more) append(content, part);
    return tlv(kDerSequence, {content});
}

TEST(SignedProps, each_known_attribute_becomes_a_typed_field) {
    const Bytes location =
        tlv(kDerSequence, {tlv(der_context(0), {utf8("IT")}), tlv(der_context(1), {utf8("Torino")}),
                           tlv(der_context(2), {tlv(kDerSequence, {utf8("Via Po 1"), utf8("10123")})})});
    const Bytes uri = tlv(kDerSequence, {tlv(kDerSequence, {oid("1.2.840.113549.1.9.16.5.1"),
                                                            tlv(0x16, {to_bytes("https://x.example/p")})})});
    const auto props =
        read({prop("commitment-type-indication", kCommitment), prop("1.2.840.113549.1.9.16.2.17", location),
              prop("signature-policy-identifier", policy({uri})),
              prop("content-hints", tlv(kDerSequence, {utf8("a text"), oid("1.2.840.113549.1.7.1")})),
              prop("mime-type", utf8("text/plain")), prop("signing-time", std::nullopt),
              prop("message-digest", std::nullopt)});
    ASSERT_TRUE(props);
    const auto& out = props->properties;
    EXPECT_EQ(out.commitment_types(0), "1.2.840.113549.1.9.16.6.1");
    EXPECT_EQ(out.signer_location().country(), "IT");
    EXPECT_EQ(out.signer_location().locality(), "Torino");
    EXPECT_EQ(out.signer_location().postal_address(1), "10123");
    EXPECT_EQ(out.signature_policy().oid(), "1.3.6.1.4.1.32473.1");
    EXPECT_EQ(out.signature_policy().hash(), as_text(kHash));
    EXPECT_EQ(out.signature_policy().uri(), "https://x.example/p");
    EXPECT_EQ(out.content_hints().description(), "a text");
    EXPECT_EQ(out.mime_type(), "text/plain");
}

TEST(SignedProps, a_pdf_has_texts_of_its_own) {
    const auto props =
        read({prop("Reason", to_bytes("Accordo")), prop("Location", to_bytes("Torino")),
              prop("Name", to_bytes("Zo\xc3\xab")), prop("ContactInfo", to_bytes("x@example.org"))},
             Format::kPades);
    ASSERT_TRUE(props);
    EXPECT_EQ(props->reason, "Accordo");
    EXPECT_EQ(props->name, "Zo\xc3\xab");
    EXPECT_EQ(wrong({prop("Reason", to_bytes("x"))}), "Reason");
    EXPECT_EQ(wrong({prop("signer-location", tlv(kDerSequence, {tlv(der_context(0), {utf8("IT")})})),
                     prop("mime-type", utf8("a/b"))},
                    Format::kPades),
              "signer-location,mime-type");
    EXPECT_EQ(wrong({prop("signing-time", std::nullopt)}, Format::kPades), "signing-time");
}

TEST(SignedProps, whatever_is_wrong_is_named_and_all_of_it) {
    EXPECT_EQ(wrong({prop("nonsense", kCommitment), prop("mime-type", to_bytes("text/plain"))}),
              "nonsense,mime-type");
    EXPECT_EQ(wrong({prop("mime-type", utf8("a/b")), prop("mime-type", utf8("a/c"))}), "mime-type");  // twice
    EXPECT_EQ(wrong({prop("commitment-type-indication", kCommitment),
                     prop("commitment-type-indication", kCommitment)}),
              "accepted");
    EXPECT_EQ(wrong({prop("message-digest", Bytes{1})}), "message-digest");    // ours to compute
    EXPECT_EQ(wrong({prop("content-hints", std::nullopt)}), "content-hints");  // not ours to invent
    EXPECT_EQ(wrong({prop("content-time-stamp", Bytes{1})}), "content-time-stamp");
    EXPECT_EQ(wrong({json::Value{std::string("x")}}), "attribute_name");
    json::Object surplus{{"attribute_name", {std::string("mime-type")}},
                         {"attribute_value", {base64_encode(utf8("a/b"))}},
                         {"x", {true}}};
    EXPECT_EQ(wrong({json::Value{surplus}}), "mime-type");
    json::Object number{{"attribute_name", {std::string("mime-type")}},
                        {"attribute_value", {std::int64_t{7}}}};
    EXPECT_EQ(wrong({json::Value{number}}), "mime-type");
}

TEST(SignedProps, der_that_is_cut_or_followed_by_something_is_refused_at_every_length) {
    for (const auto& [name, der] : {std::pair<std::string, Bytes>("commitment-type-indication", kCommitment),
                                    {"signature-policy-identifier", policy()},
                                    {"mime-type", utf8("text/plain")}}) {
        EXPECT_EQ(wrong({prop(name, der)}), "accepted");
        for (std::size_t size = 0; size < der.size(); ++size)
            EXPECT_EQ(wrong({prop(name, to_bytes(ByteView(der).first(size)))}), name) << size;
        EXPECT_EQ(wrong({prop(name, concat(der, Bytes{5, 0}))}), name);
    }
    EXPECT_EQ(wrong({prop("mime-type", utf8("bad\n"))}), "mime-type");
    EXPECT_EQ(wrong({prop("mime-type", utf8("\xff"))}), "mime-type");
    EXPECT_EQ(wrong({prop("mime-type", utf8(std::string(2'000, 'x')))}), "mime-type");
    EXPECT_EQ(
        wrong({prop("signature-policy-identifier",
                    tlv(kDerSequence, {oid("1.2.3"), tlv(kDerSequence, {tlv(kDerSequence, {oid("1.2.3")}),
                                                                        tlv(kDerOctetString, {kHash})})}))}),
        "signature-policy-identifier");  // SHA-2 alone
}

}  // namespace
}  // namespace sigillo::api::documents
