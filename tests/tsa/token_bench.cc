// What a token costs, part by part and beside libcrypto's TS_RESP_create_response, one JSON object a line.
// usage: tsa_token_bench [seconds a case]. Keys are in memory: this is about what stands around the HSM.
#include <openssl/evp.h>
#include <openssl/ts.h>
#include <openssl/x509.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

#include "appliance/base/oid.h"
#include "tests/tsa/request_builder.h"
#include "tests/tsa/tsa_under_test.h"
#include "tsa/tst_info.h"

namespace sigillo::tsa::testing {
namespace {

using Steady = std::chrono::steady_clock;

void measure(const char* name, double seconds, unsigned threads, const std::function<void()>& once) {
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> done{0};
    std::vector<std::thread> running;
    const auto began = Steady::now();
    for (unsigned t = 0; t < threads; ++t)
        running.emplace_back([&] {
            std::uint64_t own = 0;
            for (; !stop; ++own) once();
            done += own;
        });
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    stop = true;
    for (std::thread& thread : running) thread.join();
    const double took = std::chrono::duration<double>(Steady::now() - began).count();
    std::printf("{\"name\":\"%s\",\"threads\":%u,\"rate\":%.0f,\"us_per_op\":%.2f}\n", name, threads,
                static_cast<double>(done) / took, 1e6 * took * threads / static_cast<double>(done));
    std::fflush(stdout);
}

ASN1_INTEGER* constant_serial(TS_RESP_CTX*, void*) {
    ASN1_INTEGER* serial = ASN1_INTEGER_new();
    ASN1_INTEGER_set(serial, 42);
    return serial;
}

// libcrypto's way: everything from the request's octets to the response's, signature included.
std::function<void()> libcrypto_way(const Bytes& request, TestCa& ca) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    unsigned char* spki = nullptr;
    const int spki_size = i2d_PUBKEY(key, &spki);
    const Bytes certificate = ca.issue(ByteView(spki, static_cast<std::size_t>(spki_size)));
    OPENSSL_free(spki);
    const unsigned char* cursor = certificate.data();
    X509* x509 = d2i_X509(nullptr, &cursor, static_cast<long>(certificate.size()));
    ASN1_OBJECT* policy = OBJ_txt2obj(kPolicy, 1);
    TS_RESP_CTX* context = TS_RESP_CTX_new();
    TS_RESP_CTX_set_signer_cert(context, x509);
    TS_RESP_CTX_set_signer_key(context, key);
    TS_RESP_CTX_set_def_policy(context, policy);
    TS_RESP_CTX_add_md(context, EVP_sha256());
    TS_RESP_CTX_set_signer_digest(context, EVP_sha256());
    TS_RESP_CTX_set_ess_cert_id_digest(context, EVP_sha256());
    TS_RESP_CTX_set_accuracy(context, 1, 0, 0);
    TS_RESP_CTX_set_clock_precision_digits(context, 1);
    TS_RESP_CTX_set_serial_cb(context, constant_serial, nullptr);
    return [context, request] {
        BIO* bio = BIO_new_mem_buf(request.data(), static_cast<int>(request.size()));
        TS_RESP* response = TS_RESP_create_response(context, bio);
        unsigned char* der = nullptr;
        if (response == nullptr || i2d_TS_RESP(response, &der) <= 0) std::abort();
        OPENSSL_free(der);
        TS_RESP_free(response);
        BIO_free(bio);
    };
}

void run(double seconds) {
    TsaUnderTest tsa;
    const UnitId id = tsa.add_unit();
    const auto unit = tsa.units->in_service()->front();
    const RequestOptions options;
    const Bytes der = libcrypto_request(options);
    const TimeStampRequest request = TimeStampRequest::parse(der).value();
    const Bytes policy = must(encode_oid(kPolicy));
    SerialNumbers serials(1, tsa.random);
    const Bytes accuracy = encode_accuracy(std::chrono::seconds(1));
    const auto now = std::chrono::time_point_cast<Microseconds>(std::chrono::system_clock::now());
    const auto tst_info = [&] {
        return encode_tst_info(request, policy, serials.next(), GenTime(now, 1),
                               {accuracy, unit->token.name()});
    };
    const Bytes info = tst_info();
    const Bytes attributes = unit->token.signed_attributes(info);
    const Digest digest = digest_of(HashAlgorithm::kSha256, attributes);
    const SignatureScheme scheme = unit->token.scheme();
    const Bytes signature = must(unit->key->sign(scheme, digest));

    measure("parse request", seconds, 1, [&] {
        if (!TimeStampRequest::parse(der)) std::abort();
    });
    measure("TSTInfo", seconds, 1, [&] { tst_info(); });
    measure("signed attributes and digests", seconds, 1,
            [&] { digest_of(HashAlgorithm::kSha256, unit->token.signed_attributes(info)); });
    measure("response", seconds, 1, [&] { unit->token.response(info, attributes, signature, true); });
    measure("sign P-256 in memory", seconds, 1, [&] { must(unit->key->sign(scheme, digest)); });
    measure("verify P-256", seconds, 1, [&] {
        if (!must(unit->verifier.verify(scheme, digest, signature))) std::abort();
    });
    measure("token by hand, sign included", seconds, 1, [&] {
        const auto parsed = TimeStampRequest::parse(der);
        const Bytes fresh = tst_info();
        const Bytes signed_part = unit->token.signed_attributes(fresh);
        const Bytes made = must(unit->key->sign(scheme, digest_of(HashAlgorithm::kSha256, signed_part)));
        unit->token.response(fresh, signed_part, made, true);
    });
    measure("token by libcrypto TS_RESP_create_response", seconds, 1, libcrypto_way(der, tsa.ca));
    for (const unsigned threads : {1u, 8u, 32u})
        measure("authority: logged durably, signed, verified", seconds, threads, [&] {
            if (!run_to_end(tsa.authority->issue(request))) std::abort();
        });
}

}  // namespace
}  // namespace sigillo::tsa::testing

int main(int count, char** arguments) {
    sigillo::tsa::testing::run(count > 1 ? std::atof(arguments[1]) : 1.0);
    return 0;
}
