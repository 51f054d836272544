#include "api/http/client_certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <optional>

namespace sigillo::api {
namespace {

// A certificate with a 16 kbit RSA key and long names stays below; nginx's own buffer holds 8 KiB a line.
constexpr std::size_t kLongest = std::size_t{16} * 1024;
constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----\n";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----\n";

Error not_a_certificate(std::string_view what) {
    return {Errc::kInvalidArgument, "client certificate: " + std::string(what)};
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return -1;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i]);
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const int high = digit(text[i + 1]), low = digit(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    return out;
}

}  // namespace

Result<Sha256Value> spki_of_escaped_certificate(std::string_view escaped) {
    if (escaped.empty() || escaped.size() > kLongest)
        return std::unexpected(not_a_certificate("absent or too long"));
    const auto pem = percent_decode(escaped);
    if (!pem) return std::unexpected(not_a_certificate("not URL-encoded"));
    // One certificate and nothing beside it, so that nobody else could read another one out of the same text.
    if (!pem->starts_with(kBegin) || !pem->ends_with(kEnd) || pem->find(kBegin, 1) != std::string::npos)
        return std::unexpected(not_a_certificate("not one PEM certificate"));
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
        BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())), &BIO_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr, &X509_free);
    if (!certificate) {
        ERR_clear_error();
        return std::unexpected(not_a_certificate("not X.509"));
    }
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
    if (size <= 0) {
        ERR_clear_error();
        return std::unexpected(not_a_certificate("no public key"));
    }
    const Sha256Value digest = sha256(ByteView(der, static_cast<std::size_t>(size)));
    OPENSSL_free(der);
    return digest;
}

Result<Sha256Value> ClientCertificates::spki_sha256(const std::string& escaped) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = index_.find(escaped); found != index_.end()) {
            recent_.splice(recent_.begin(), recent_, found->second);
            return found->second->digest;
        }
    }
    SIGILLO_ASSIGN(const Sha256Value digest, spki_of_escaped_certificate(escaped));
    const std::lock_guard lock(mutex_);
    if (index_.contains(escaped)) return digest;  // another thread was first
    recent_.push_front({escaped, digest});
    index_.emplace(recent_.front().escaped, recent_.begin());
    if (recent_.size() > capacity_) {
        index_.erase(recent_.back().escaped);
        recent_.pop_back();
    }
    return digest;
}

std::size_t ClientCertificates::size() const {
    const std::lock_guard lock(mutex_);
    return recent_.size();
}

}  // namespace sigillo::api
