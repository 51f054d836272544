#include "appliance/sigilloctl/certificate.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "appliance/base/file.h"

namespace sigillo::ctl {
namespace {

constexpr std::size_t kLimit = std::size_t{1} << 20;  // bytes: a chain of certificates, no more
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

}  // namespace

Result<std::vector<Bytes>> certificates_of(const std::string& path) {
    SIGILLO_ASSIGN(const Bytes contents, read_file(path, kLimit));
    const Bio bio(BIO_new_mem_buf(contents.data(), static_cast<int>(contents.size())), &BIO_free);
    std::vector<Bytes> found;
    while (bio) {
        const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
        if (!certificate) break;
        std::uint8_t* der = nullptr;
        const int size = i2d_X509(certificate.get(), &der);
        if (size <= 0) return fail(Errc::kInvalidArgument, path + ": a certificate cannot be encoded");
        found.emplace_back(der, der + size);
        OPENSSL_free(der);
    }
    if (found.empty())
        return fail(Errc::kInvalidArgument, path + " holds no PEM certificate (-----BEGIN CERTIFICATE-----)");
    return found;
}

Result<Sha256Value> spki_of_certificate(const std::string& path) {
    SIGILLO_ASSIGN(const Bytes contents, read_file(path, kLimit));
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
        BIO_new_mem_buf(contents.data(), static_cast<int>(contents.size())), &BIO_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr, &X509_free);
    if (!certificate)
        return fail(Errc::kInvalidArgument, path + " holds no PEM certificate (-----BEGIN CERTIFICATE-----)");
    std::uint8_t* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
    if (size <= 0) return fail(Errc::kInvalidArgument, path + ": its public key cannot be encoded");
    const Sha256Value digest = sha256(ByteView(der, static_cast<std::size_t>(size)));
    OPENSSL_free(der);
    return digest;
}

}  // namespace sigillo::ctl
