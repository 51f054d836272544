#include "tests/ades/cms_under_test.h"

#include <regex>
#include <sstream>
#include <stdexcept>

#include "appliance/base/der.h"
#include "appliance/base/file.h"
#include "keystore/algorithm_identifiers.h"

namespace sigillo::ades::testing {
namespace {

using sigillo::testing::openssl;

// 1.2.840.113549.1.7.{2, 1}
constexpr std::uint8_t kSignedData[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02};
constexpr std::uint8_t kData[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01};

void must(const std::vector<std::string>& arguments) {
    const auto result = openssl(arguments);
    if (result.exit_code != 0) throw std::runtime_error(arguments.front() + ": " + result.output);
}

struct IssuerAndSerial {
    ByteView issuer;
    ByteView serial;
};

IssuerAndSerial names_of(ByteView certificate) {
    DerReader outer(certificate);
    DerReader parts(outer.next(kDerSequence).value().content);
    DerReader fields(parts.next(kDerSequence).value().content);
    (void)fields.next(der_context(0));  // version
    const ByteView serial = fields.next(kDerInteger).value().whole;
    (void)fields.next(kDerSequence);  // signature
    return {fields.next(kDerSequence).value().whole, serial};
}

}  // namespace

ForeignSigner::ForeignSigner(const std::string& name, const std::vector<std::string>& key) {
    std::vector<std::string> arguments{"req", "-x509", "-nodes", "-days", "30", "-subj", "/C=IT/CN=" + name};
    arguments.insert(arguments.end(), key.begin(), key.end());
    for (const std::string& more :
         {std::string("-addext"), std::string("keyUsage=critical,digitalSignature,keyCertSign"),
          std::string("-keyout"), key_file(), std::string("-out"), certificate_file()})
        arguments.push_back(more);
    must(arguments);
    const std::string der = (scratch_ / "certificate.der").string();
    must({"x509", "-in", certificate_file(), "-outform", "DER", "-out", der});
    certificate_ = read_file(der).value();
}

Bytes ForeignSigner::sign(SignatureScheme scheme, ByteView message) const {
    const std::string digest = (scratch_ / "digest").string();
    const std::string signature = (scratch_ / "signature").string();
    if (!write_file_durably(digest, digest_of(scheme.hash, message).bytes()))
        throw std::runtime_error("cannot write " + digest);
    std::vector<std::string> arguments{
        "pkeyutl", "-sign", "-inkey",  key_file(), "-in",
        digest,    "-out",  signature, "-pkeyopt", "digest:" + std::string(hash_name(scheme.hash))};
    if (scheme.padding == SignaturePadding::kPss)
        for (const char* option : {"-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest"})
            arguments.emplace_back(option);
    must(arguments);
    return read_file(signature).value();
}

Bytes detached_cms(ByteView certificate, SignatureScheme scheme, ByteView signed_attributes,
                   ByteView signature) {
    const IssuerAndSerial sid = names_of(certificate);
    DerWriter der(8'192);
    der.element(kDerOctetString, signature).raw(signature_algorithm(scheme));
    der.raw(signed_attributes.subspan(1)).byte(der_context(0)).raw(digest_algorithm(scheme.hash));
    const std::size_t mark = der.written();
    der.raw(sid.serial).raw(sid.issuer).close(kDerSequence, mark).integer(1);
    der.close(kDerSequence, 0).close(kDerSet, 0);
    const auto wrapped = [&der](ByteView content, std::uint8_t tag) {
        const std::size_t before = der.written();
        der.raw(content).close(tag, before);
    };
    wrapped(certificate, der_context(0));
    wrapped(kData, kDerSequence);
    wrapped(digest_algorithm(scheme.hash), kDerSet);
    der.integer(1).close(kDerSequence, 0).close(der_context(0), 0).raw(kSignedData).close(kDerSequence, 0);
    return der.finish();
}

std::string asn1parse(ByteView der) {
    const sigillo::testing::ScratchDirectory scratch;
    const std::string file = (scratch / "der").string();
    if (!write_file_durably(file, der)) throw std::runtime_error("cannot write " + file);
    const auto result = openssl({"asn1parse", "-inform", "DER", "-i", "-in", file});
    if (result.exit_code != 0) throw std::runtime_error(result.output);
    static const std::regex kLine(R"( *\d+:d=\d+ +hl=\d+ l= *\d+ (?:prim|cons): (.*))");
    std::istringstream lines(result.output);
    std::string text;
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (!std::regex_match(line, match, kLine)) throw std::runtime_error("not understood: " + line);
        std::string element = match[1].str();
        element.erase(element.find_last_not_of(' ') + 1);
        const std::size_t indented = element.find_first_not_of(' ');
        // What stands in columns is told apart by one space.
        element =
            element.substr(0, indented) + std::regex_replace(element.substr(indented), std::regex(" +"), " ");
        text += element + "\n";
    }
    return text;
}

}  // namespace sigillo::ades::testing
