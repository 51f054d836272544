#include "tests/tsa/tsa_under_test.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ts.h>
#include <openssl/x509.h>

#include <stdexcept>

#include "appliance/base/encoding.h"
#include "appliance/issuance/x509/chain_check.h"

namespace sigillo::tsa::testing {

TsaUnderTest::TsaUnderTest(TokenKeys* given)
    : nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC)),
      logger("test", nowhere.get()),
      keys(given != nullptr ? *given : software_keys),
      codec(random.secret(32)) {
    config.policies = {kPolicy, kOtherPolicy};
    reserve_config.path = scratch.path();
    reserve_config.bytes = 0;
    start();
}

TsaUnderTest::~TsaUnderTest() = default;

void TsaUnderTest::start() {
    LmdbConfig store_config;
    store_config.directory = (scratch / "store").string();
    store_config.map_bytes = std::uint64_t{1} << 28;
    store = must(LmdbStore::open(store_config, kTsaSpaces, clock, logger));
    log = std::make_unique<audit::StoreLog>(scratch / "log");
    ledger = std::make_unique<audit::Ledger>(*store, codec, *log, clock);
    const ChainCheck check = [](std::span<const Bytes> chain, const PublicKey& key, WallTime now) -> Status {
        SIGILLO_TRY(check_chain(chain, key, now));
        return {};
    };
    units = must(Units::open(units_config, {*ledger, keys, random, logger, check}));
    reserve = std::make_unique<DiskReserve>(reserve_config, clock);
    authority = must(Authority::create(config, {*ledger, *units, time, *reserve, random, logger}));
}

void TsaUnderTest::restart() {
    authority.reset();
    units.reset();
    ledger.reset();
    store.reset();
    start();
}

std::vector<Bytes> TsaUnderTest::chain_for(const UnitId& id, const CertificateOptions& options) {
    return {ca.issue(as_bytes(record(id).spki()), options), ca.certificate()};
}

UnitId TsaUnderTest::ready_unit(KeyAlgorithm algorithm, const CertificateOptions& options,
                                std::vector<std::string> policies) {
    const auto created = must(units->create(
        {"a unit", algorithm, {"IT", "Sigillo tests", "", options.subject}, std::move(policies)}));
    must(units->import(created.id, chain_for(created.id, options)));
    return created.id;
}

UnitId TsaUnderTest::add_unit(KeyAlgorithm algorithm, const CertificateOptions& options,
                              std::vector<std::string> policies) {
    const UnitId id = ready_unit(algorithm, options, std::move(policies));
    must(units->activate(id));
    return id;
}

record::Unit TsaUnderTest::record(const UnitId& id) {
    for (const UnitInfo& info : must(units->list()))
        if (info.id == id) return info.record;
    throw std::runtime_error("no such unit");
}

std::vector<nlohmann::json> TsaUnderTest::events(const std::string& type) {
    return must(ledger->view([&](ReadTransaction& txn) -> Result<std::vector<nlohmann::json>> {
        SIGILLO_ASSIGN(const auto head, log->head(txn));
        std::vector<nlohmann::json> found;
        for (std::uint64_t i = 0; i < head.size; ++i) {
            SIGILLO_ASSIGN(const Bytes leaf, log->leaf(txn, i));
            auto event = nlohmann::json::parse(as_text(leaf));
            if (type.empty() || event.at("type") == type) found.push_back(std::move(event));
        }
        return found;
    }));
}

TimeStampRequest request_for(std::string_view document, HashAlgorithm hash, bool cert_req,
                             std::vector<std::uint8_t> nonce) {
    const Digest digest = digest_of(hash, as_bytes(document));
    RequestFields fields;
    fields.hash = hash;
    fields.digest = digest.bytes();
    fields.nonce = nonce;
    fields.cert_req = cert_req;
    auto request = TimeStampRequest::create(fields);
    if (!request) throw std::runtime_error(request.error().text);
    return *std::move(request);
}

namespace {

struct FreeResponse {
    void operator()(TS_RESP* response) const { TS_RESP_free(response); }
};
using Response = std::unique_ptr<TS_RESP, FreeResponse>;

Response parse(ByteView der) {
    const unsigned char* cursor = der.data();
    Response response(d2i_TS_RESP(nullptr, &cursor, static_cast<long>(der.size())));
    if (response == nullptr || cursor != der.data() + der.size())
        throw std::runtime_error("libcrypto cannot parse the response");
    return response;
}

std::string text_of(const ASN1_OBJECT* object) {
    char text[128];
    OBJ_obj2txt(text, sizeof text, object, 1);
    return text;
}

Bytes octets_of(const ASN1_STRING* string) {
    const unsigned char* data = ASN1_STRING_get0_data(string);
    return {data, data + ASN1_STRING_length(string)};
}

X509* x509_of(ByteView der) {
    const unsigned char* cursor = der.data();
    X509* certificate = d2i_X509(nullptr, &cursor, static_cast<long>(der.size()));
    if (certificate == nullptr) throw std::runtime_error("d2i_X509");
    return certificate;
}

}  // namespace

ReadResponse read_response(ByteView der) {
    const Response response = parse(der);
    ReadResponse read;
    TS_STATUS_INFO* status = TS_RESP_get_status_info(response.get());
    read.status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(status));
    if (const auto* texts = TS_STATUS_INFO_get0_text(status);
        texts != nullptr && sk_ASN1_UTF8STRING_num(texts) > 0)
        read.text = std::string(as_text(octets_of(sk_ASN1_UTF8STRING_value(texts, 0))));
    if (const ASN1_BIT_STRING* info = TS_STATUS_INFO_get0_failure_info(status))
        for (int bit = 0; bit < 32; ++bit)
            if (ASN1_BIT_STRING_get_bit(info, bit) == 1) read.failures.push_back(bit);
    if (TS_TST_INFO* token = TS_RESP_get_tst_info(response.get())) {
        read.serial_hex = hex_encode(octets_of(TS_TST_INFO_get_serial(token)));
        read.policy = text_of(TS_TST_INFO_get_policy_id(token));
        read.gen_time = std::string(as_text(octets_of(TS_TST_INFO_get_time(token))));
        if (const ASN1_INTEGER* nonce = TS_TST_INFO_get_nonce(token)) read.nonce = octets_of(nonce);
        read.imprint = octets_of(TS_MSG_IMPRINT_get_msg(TS_TST_INFO_get_msg_imprint(token)));
        PKCS7* pkcs7 = TS_RESP_get_token(response.get());
        if (pkcs7->d.sign->cert != nullptr)
            read.certificates = static_cast<std::size_t>(sk_X509_num(pkcs7->d.sign->cert));
    }
    unsigned char* again = nullptr;
    const int size = i2d_TS_RESP(response.get(), &again);
    read.reencodes = size > 0 && equal(der, ByteView(again, static_cast<std::size_t>(size)));
    OPENSSL_free(again);
    return read;
}

std::string verify_response(ByteView der, ByteView request_der, const Bytes& trusted,
                            const std::vector<Bytes>& certificates) {
    const Response response = parse(der);
    const unsigned char* cursor = request_der.data();
    TS_REQ* request = d2i_TS_REQ(nullptr, &cursor, static_cast<long>(request_der.size()));
    if (request == nullptr) throw std::runtime_error("libcrypto cannot parse the request");
    TS_VERIFY_CTX* context = TS_REQ_to_TS_VERIFY_CTX(request, nullptr);
    TS_VERIFY_CTX_add_flags(context, TS_VFY_SIGNATURE);
    X509_STORE* store = X509_STORE_new();
    X509* root = x509_of(trusted);
    X509_STORE_add_cert(store, root);
    X509_free(root);
    TS_VERIFY_CTX_set_store(context, store);  // takes it over
    STACK_OF(X509)* untrusted = sk_X509_new_null();
    for (const Bytes& certificate : certificates) sk_X509_push(untrusted, x509_of(certificate));
    TS_VERIFY_CTX_set_certs(context, untrusted);  // takes it over
    ERR_clear_error();
    const int good = TS_RESP_verify_response(context, response.get());
    std::string reason;
    if (good != 1) {
        const char* text = ERR_reason_error_string(ERR_peek_last_error());
        const char* data = nullptr;
        int flags = 0;
        ERR_peek_last_error_data(&data, &flags);
        reason = std::string(text != nullptr ? text : "refused") +
                 (data != nullptr ? std::string(": ") + data : "");
    }
    ERR_clear_error();
    TS_VERIFY_CTX_free(context);
    TS_REQ_free(request);
    return reason;
}

}  // namespace sigillo::tsa::testing
