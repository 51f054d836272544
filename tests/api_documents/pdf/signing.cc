#include "tests/api_documents/pdf/signing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace sigillo::testing {
namespace {

Bytes der_of(CMS_ContentInfo* cms) {
    unsigned char* der = nullptr;
    const int size = i2d_CMS_ContentInfo(cms, &der);
    Bytes bytes(der, der + size);
    OPENSSL_free(der);
    return bytes;
}

void set_extension(X509* certificate, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

UniqueFd open_file(const std::filesystem::path& path, int flags) {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, 0644));
    if (!fd) throw std::runtime_error("cannot open " + path.string());
    return fd;
}

Bytes signed_octets(ByteView file, const std::array<std::uint64_t, 4>& range) {
    return concat(file.subspan(range[0], range[1]), file.subspan(range[2], range[3]));
}

}  // namespace

const CmsSigner& CmsSigner::instance() {
    static const CmsSigner signer;
    return signer;
}

CmsSigner::CmsSigner() {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4711);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
    X509_NAME* const name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("Mario Rossi"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    set_extension(certificate, NID_key_usage, "critical,digitalSignature,nonRepudiation");
    X509_sign(certificate, key, EVP_sha256());
    key_.reset(key, [](void* p) { EVP_PKEY_free(static_cast<EVP_PKEY*>(p)); });
    certificate_.reset(certificate, [](void* p) { X509_free(static_cast<X509*>(p)); });
    BIO* const out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, certificate);
    char* text = nullptr;
    const long size = BIO_get_mem_data(out, &text);
    pem_.assign(text, static_cast<std::size_t>(size));
    BIO_free(out);
}

Bytes CmsSigner::sign(ByteView content) const {
    BIO* const in = BIO_new_mem_buf(content.data(), static_cast<int>(content.size()));
    CMS_ContentInfo* const cms =
        CMS_sign(static_cast<X509*>(certificate_.get()), static_cast<EVP_PKEY*>(key_.get()), nullptr, in,
                 CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP | CMS_CADES);
    BIO_free(in);
    if (cms == nullptr) throw std::runtime_error("CMS_sign failed");
    Bytes der = der_of(cms);
    CMS_ContentInfo_free(cms);
    return der;
}

bool CmsSigner::verifies(ByteView cms, ByteView content) const {
    const unsigned char* at = cms.data();
    CMS_ContentInfo* const info = d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(cms.size()));
    if (info == nullptr) return false;
    BIO* const in = BIO_new_mem_buf(content.data(), static_cast<int>(content.size()));
    STACK_OF(X509)* const certificates = sk_X509_new_null();
    sk_X509_push(certificates, static_cast<X509*>(certificate_.get()));
    const int good = CMS_verify(info, certificates, nullptr, in, nullptr,
                                CMS_DETACHED | CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY);
    sk_X509_free(certificates);
    BIO_free(in);
    CMS_ContentInfo_free(info);
    ERR_clear_error();
    return good == 1;
}

std::filesystem::path Workbench::write(const std::string& name, std::string_view bytes) const {
    std::ofstream out(path(name), std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + name);
    return path(name);
}

Bytes Workbench::read(const std::filesystem::path& path) {
    return read_file(path, std::size_t{1} << 30).value();
}

Result<pdf::Prepared> Workbench::prepare(const std::filesystem::path& in, const pdf::SignatureSpec& spec,
                                         const std::filesystem::path& out, const pdf::Limits& limits) const {
    const UniqueFd from = open_file(in, O_RDONLY);
    const UniqueFd to = open_file(out, O_RDWR | O_CREAT);
    return pdf::prepare_signature(from.get(), spec, test_fonts(), limits, to.get());
}

pdf::Prepared Workbench::sign(const std::filesystem::path& in, const pdf::SignatureSpec& spec,
                              const std::filesystem::path& out) const {
    auto prepared = prepare(in, spec, out);
    if (!prepared) {
        ADD_FAILURE() << to_string(prepared.error());
        return {};
    }
    const Bytes file = read(out);
    EXPECT_EQ(prepared->byte_range[2] + prepared->byte_range[3], file.size());
    const Bytes cms = CmsSigner::instance().sign(signed_octets(file, prepared->byte_range));
    const UniqueFd to = open_file(out, O_RDWR);
    const Status embedded = pdf::embed_signature(to.get(), prepared->gap, cms);
    if (!embedded) ADD_FAILURE() << to_string(embedded.error());
    return *prepared;
}

Result<pdf::DocumentInfo> Workbench::inspect(const std::filesystem::path& in) const {
    return pdf::inspect(open_file(in, O_RDONLY).get(), pdf::Limits());
}

Result<pdf::Extended> Workbench::extend(const std::filesystem::path& in, const pdf::ValidationData& data,
                                        const std::vector<pdf::SignatureValidationData>& signatures,
                                        const std::filesystem::path& out) const {
    const UniqueFd from = open_file(in, O_RDONLY);
    const UniqueFd to = open_file(out, O_RDWR | O_CREAT);
    return pdf::add_validation_data(from.get(), data, signatures, pdf::Limits(), to.get());
}

void Workbench::expect_valid(const std::filesystem::path& file, std::size_t count) const {
    const auto info = inspect(file);
    ASSERT_TRUE(info.has_value()) << to_string(info.error());
    ASSERT_EQ(info->signatures.size(), count);
    const Bytes bytes = read(file);
    for (const pdf::SignatureInfo& signature : info->signatures) {
        EXPECT_TRUE(signature.byte_range_sound) << signature.fields.front();
        EXPECT_TRUE(CmsSigner::instance().verifies(signature.cms, signed_octets(bytes, signature.byte_range)))
            << signature.fields.front();
    }
    run("qpdf --check '" + file.string() + "'");
}

void Workbench::expect_continues(const std::filesystem::path& longer, const std::filesystem::path& shorter) {
    const Bytes after = read(longer);
    const Bytes before = read(shorter);
    ASSERT_GE(after.size(), before.size());
    EXPECT_TRUE(equal(ByteView(after).first(before.size()), before));
}

const pdf::Fonts& test_fonts() {
    static const Bytes bytes = read_file("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf").value();
    static const pdf::Fonts fonts{{"Universal", bytes, 0}};
    return fonts;
}

std::string run(const std::string& command) {
    std::string output;
    FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("popen failed");
    std::array<char, 4096> buffer{};
    for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
        output.append(buffer.data(), got);
    const int status = ::pclose(pipe);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << command << '\n' << output;
    return output;
}

}  // namespace sigillo::testing
