// What the parent does once, so that each worker finds it done: pages that a fork shares.
#include <openssl/evp.h>
#include <openssl/objects.h>

#include <filesystem>

#include "api/documents/sigillo-doc/jobs.h"
#include "appliance/base/digest.h"

namespace sigillo::doc {
namespace {

constexpr std::size_t kLargestFont = std::size_t{32} << 20;

struct Loaded {
    std::vector<Bytes> bytes;
    pdf::Fonts fonts;
};
Loaded& loaded() {
    static Loaded fonts;
    return fonts;
}

}  // namespace

const pdf::Fonts& loaded_fonts() {
    return loaded().fonts;
}

Status preload(const std::vector<std::string>& font_files) {
    Loaded& fonts = loaded();
    fonts.bytes.reserve(font_files.size());  // the views into it stay good
    for (const auto& path : font_files) {
        SIGILLO_ASSIGN(fonts.bytes.emplace_back(), read_file(path, kLargestFont));
        fonts.fonts.push_back({std::filesystem::path(path).stem().string(), fonts.bytes.back(), 0});
    }
    // libcrypto fetches its algorithms at first use, and reads its configuration: a worker cannot open it.
    ::OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, nullptr);
    for (const auto algorithm : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512})
        (void)digest_of(algorithm, {});
    for (const int type : {EVP_PKEY_RSA, EVP_PKEY_EC, EVP_PKEY_RSA_PSS}) {
        EVP_PKEY_CTX* context = ::EVP_PKEY_CTX_new_id(type, nullptr);
        ::EVP_PKEY_CTX_free(context);
    }
    return {};
}

}  // namespace sigillo::doc
