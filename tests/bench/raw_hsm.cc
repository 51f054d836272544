// What the HSM gives when nothing stands between: C_Sign through the same module, on session keys like those
// that sigillod keeps unwrapped, on a token made for this. The best of one and two threads, which the bench
// compares with. Prints signatures per second.
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <thread>

#include "keystore/pkcs11/ceremony.h"
#include "keystore/pkcs11/object_templates.h"
#include "keystore/pkcs11/raw_sign.h"
#include "keystore/pkcs11/token.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::bench {
namespace {

using Clock = std::chrono::steady_clock;
using pkcs11::Module;

class ScratchToken {
 public:
    static Result<std::unique_ptr<ScratchToken>> make(const std::string& module_path) {
        auto token = std::make_unique<ScratchToken>();
        std::filesystem::create_directory(token->scratch_ / "tokens");
        std::ofstream(token->scratch_ / "softhsm2.conf")
            << "directories.tokendir = " << (token->scratch_ / "tokens").string()
            << "\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n";
        ::setenv("SOFTHSM2_CONF", (token->scratch_ / "softhsm2.conf").c_str(), 1);

        TokenInitialisation what;
        what.module_path = module_path;
        what.label = "raw";
        what.so_pin = SecretBytes::copy_of("officer-of-the-day");
        what.user_pin = SecretBytes::copy_of("correct-horse");
        SIGILLO_ASSIGN(const std::string text, initialise_token(what));
        SIGILLO_ASSIGN(const auto uri, pkcs11::TokenUri::parse(text));
        SIGILLO_ASSIGN(token->module_, Module::load(uri.module_path()));
        SIGILLO_ASSIGN(const auto found, pkcs11::find_token(*token->module_, uri));
        token->slot_ = found.slot;
        SIGILLO_ASSIGN(token->anchor_, token->session());
        SIGILLO_TRY(pkcs11::login(*token->module_, found, token->anchor_, CKU_USER, what.user_pin));
        return token;
    }

    // Lives as long as the anchor session; the attributes are those of a key that sigillod unwrapped.
    Result<CK_OBJECT_HANDLE> signing_key(KeyAlgorithm algorithm) {
        pkcs11::Template public_template;
        pkcs11::Template private_template;
        pkcs11::add_generated_public_key(public_template, algorithm);
        private_template.flag(CKA_TOKEN, false).flag(CKA_PRIVATE, true).flag(CKA_SENSITIVE, true);
        private_template.flag(CKA_EXTRACTABLE, false).flag(CKA_SIGN, true).flag(CKA_DECRYPT, false);
        CK_MECHANISM mechanism{is_rsa(algorithm) ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, nullptr,
                               0};
        CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
        CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
        const CK_RV rv = (*module_)->C_GenerateKeyPair(anchor_, &mechanism, public_template.data(),
                                                       public_template.size(), private_template.data(),
                                                       private_template.size(), &public_key, &private_key);
        if (rv != CKR_OK)
            return fail(Errc::kHsmFailed, "C_GenerateKeyPair", {}, static_cast<std::int64_t>(rv));
        return private_key;
    }

    Result<CK_SESSION_HANDLE> session() const {
        return pkcs11::open_session(*module_, slot_, pkcs11::Access::kReadOnly);
    }
    const Module& module() const { return *module_; }

 private:
    testing::ScratchDirectory scratch_;
    std::shared_ptr<Module> module_;
    CK_SLOT_ID slot_ = 0;
    CK_SESSION_HANDLE anchor_ = CK_INVALID_HANDLE;
};

// Signatures per second of `threads` threads, each in a session of its own.
Result<double> rate(const ScratchToken& token, CK_OBJECT_HANDLE key, KeyAlgorithm algorithm, unsigned threads,
                    double seconds) {
    std::atomic<std::uint64_t> signatures{0};
    std::atomic<bool> failed{false};
    const auto start = Clock::now();
    const auto end =
        start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    {
        std::vector<std::jthread> crew;
        for (unsigned i = 0; i < threads; ++i) {
            SIGILLO_ASSIGN(const CK_SESSION_HANDLE session, token.session());
            crew.emplace_back([&, session] {
                const Digest digest = digest_of(HashAlgorithm::kSha256, as_bytes("a document"));
                const SignatureScheme scheme{
                    is_rsa(algorithm) ? SignaturePadding::kPkcs1v15 : SignaturePadding::kNone,
                    HashAlgorithm::kSha256};
                const pkcs11::SignRequest request(algorithm, scheme, digest);
                pkcs11::RawSignature out;
                std::uint64_t count = 0;
                for (; Clock::now() < end && !failed; ++count) {
                    const auto outcome =
                        raw_sign(token.module(), session, key, request.mechanism(), request.input(), out);
                    if (outcome.rv != CKR_OK || outcome.error) failed = true;
                }
                signatures += count;
            });
        }
    }
    if (failed) return fail(Errc::kHsmFailed, "C_Sign");
    return static_cast<double>(signatures) / std::chrono::duration<double>(Clock::now() - start).count();
}

Result<double> best_rate(ScratchToken& token, KeyAlgorithm algorithm, double seconds) {
    SIGILLO_ASSIGN(const CK_OBJECT_HANDLE key, token.signing_key(algorithm));
    SIGILLO_ASSIGN(const double one, rate(token, key, algorithm, 1, seconds));
    SIGILLO_ASSIGN(const double two, rate(token, key, algorithm, 2, seconds));
    std::fprintf(stderr, "  raw C_Sign %s: one thread %.0f/s, two %.0f/s\n",
                 std::string(key_algorithm_name(algorithm)).c_str(), one, two);
    return std::max(one, two);
}

Status run(const std::string& module_path, KeyAlgorithm algorithm, double seconds) {
    SIGILLO_ASSIGN(const auto token, ScratchToken::make(module_path));
    SIGILLO_ASSIGN(const double best, best_rate(*token, algorithm, seconds));
    std::printf("%.1f\n", best);
    return {};
}

}  // namespace
}  // namespace sigillo::bench

int main(int argc, char** argv) {
    CLI::App app("Measures C_Sign of a PKCS#11 module with nothing around it.");
    std::string module_path;
    auto algorithm = sigillo::KeyAlgorithm::kEcP256;
    const std::map<std::string, sigillo::KeyAlgorithm> names{{"p256", sigillo::KeyAlgorithm::kEcP256},
                                                             {"rsa2048", sigillo::KeyAlgorithm::kRsa2048}};
    double seconds = 2;
    app.add_option("--module", module_path, "libsofthsm2.so")->required();
    app.add_option("--algorithm", algorithm, "p256 or rsa2048")
        ->required()
        ->transform(CLI::CheckedTransformer(names));
    app.add_option("--seconds", seconds, "Of each of the two measurements");
    CLI11_PARSE(app, argc, argv);
    const auto status = sigillo::bench::run(module_path, algorithm, seconds);
    if (!status) std::cerr << "raw_hsm: " << to_string(status.error()) << "\n";
    return status ? 0 : 1;
}
