#include "tests/bench/conversation.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "appliance/base/digest.h"
#include "appliance/base/encoding.h"

namespace sigillo::bench {
namespace {

constexpr std::string_view kSha256Oid = "2.16.840.1.101.3.4.2.1";
constexpr std::string_view kEcdsaSha256Oid = "1.2.840.10045.4.3.2";
constexpr std::string_view kRsaSha256Oid = "1.2.840.113549.1.1.11";

std::unexpected<Error> unexpected_answer(std::string_view path, int status, std::string_view body) {
    return fail(Errc::kCorrupt, "POST " + std::string(path) + " answered " + std::to_string(status) + ": " +
                                    std::string(body.substr(0, 500)));
}

// The text of "name":"…" in JSON as our server writes it (no white space, nothing escaped); empty when
// absent.
std::string_view text_member(std::string_view json, std::string_view name) {
    const std::string key = "\"" + std::string(name) + "\":\"";
    const std::size_t at = json.find(key);
    if (at == std::string_view::npos) return {};
    const std::size_t from = at + key.size();
    return json.substr(from, json.find('"', from) - from);
}

void fill_random(std::span<std::uint8_t> out) {
    if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) std::abort();
}

class Signing : public Conversation {
 public:
    using Conversation::Conversation;

    void begin() override {
        credential_ = &workload_.take_subject();
        digests_.resize(workload_.batch * 32);
        fill_digests();
        hashes_.assign("[");
        for (std::size_t i = 0; i < workload_.batch; ++i) {
            if (i > 0) hashes_.push_back(',');
            hashes_.append("\"").append(base64_encode(ByteView(digests_).subspan(i * 32, 32))).append("\"");
        }
        hashes_.push_back(']');

        std::array<std::uint8_t, 16> nonce;
        fill_random(nonce);
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        path_ = "/csc/v2/credentials/authorize";
        body_.assign("{\"credentialID\":\"").append(*credential_);
        body_.append("\",\"numSignatures\":").append(std::to_string(workload_.batch)).append(hash_type_);
        body_.append(",\"hashAlgorithmOID\":\"").append(kSha256Oid).append("\",\"hashes\":").append(hashes_);
        body_.append(R"(,"authData":[{"id":"click","value":"{\"time\":)");
        body_.append(std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
        body_.append(R"(,\"nonce\":\")").append(base64_encode(nonce));
        body_.append(R"(\",\"hashesSHA256\":\")").append(base64_encode(ByteView(sha256(digests_))));
        body_.append(R"(\",\"address\":\"192.0.2.1\",\"userAgent\":\"load generator\"}"}]})");
        authorized_ = false;
    }

    Result<bool> hear(int status, std::string_view answer) final {
        if (!authorized_) {
            const std::string_view sad = text_member(answer, "SAD");
            if (status != 200 || sad.empty()) return unexpected_answer(path_, status, answer);
            ask_for_signatures(sad);
            authorized_ = true;
            return false;
        }
        return heard_signatures(status, answer);
    }

 protected:
    virtual void fill_digests() { fill_random(digests_); }
    virtual void ask_for_signatures(std::string_view sad) {
        path_ = "/csc/v2/signatures/signHash";
        body_.assign("{\"credentialID\":\"").append(*credential_).append("\",\"SAD\":\"").append(sad);
        body_.append("\",\"hashAlgorithmOID\":\"").append(kSha256Oid);
        body_.append("\",\"signAlgo\":\"").append(workload_.rsa ? kRsaSha256Oid : kEcdsaSha256Oid);
        body_.append("\",\"hashes\":").append(hashes_).append("}");
    }
    virtual Result<bool> heard_signatures(int status, std::string_view answer) {
        // As many strings as hashes, the member's name beside.
        const auto quotes = static_cast<std::size_t>(std::ranges::count(answer, '"'));
        if (status != 200 || !answer.starts_with("{\"signatures\":[") || quotes != 2 * (workload_.batch + 1))
            return unexpected_answer(path_, status, answer);
        return true;
    }

    const std::string* credential_ = nullptr;
    Bytes digests_;
    std::string hashes_;  // JSON
    std::string_view hash_type_ = R"(,"hashType":"dtbsr")";

 private:
    bool authorized_ = false;
};

// A PDF of one page with a stream of random bytes that nobody refers to; a few of them are new each time.
class Document {
 public:
    explicit Document(std::size_t size) {
        const auto object = [&](const std::string& text) {
            places_.push_back(bytes_.size());
            append(bytes_, std::to_string(places_.size()) + " 0 obj\n" + text + "\nendobj\n");
        };
        append(bytes_, std::string_view("%PDF-1.7\n"));
        object("<</Type/Catalog/Pages 2 0 R>>");
        object("<</Type/Pages/Kids[3 0 R]/Count 1>>");
        object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>");
        places_.push_back(bytes_.size());
        append(bytes_, "4 0 obj\n<</Length " + std::to_string(size) + ">>\nstream\n");
        nonce_ = bytes_.size();
        bytes_.resize(bytes_.size() + size);
        for (std::size_t at = nonce_; at < bytes_.size(); at += std::size_t{1} << 20)
            fill_random(std::span(bytes_).subspan(at, std::min(std::size_t{1} << 20, bytes_.size() - at)));
        append(bytes_, std::string_view("\nendstream\nendobj\n"));
        const std::size_t table = bytes_.size();
        std::string end = "xref\n0 5\n0000000000 65535 f \n";
        for (const std::size_t place : places_) {
            std::string offset = std::to_string(place);
            end += std::string(10 - offset.size(), '0') + offset + " 00000 n \n";
        }
        end += "trailer<</Size 5/Root 1 0 R>>\nstartxref\n" + std::to_string(table) + "\n%%EOF\n";
        append(bytes_, end);
        text_ = base64_encode(bytes_);
    }
    // Another document: 48 bytes change, and their place in base64.
    void renew() {
        const std::size_t at = (nonce_ + 2) / 3 * 3;
        fill_random(std::span(bytes_).subspan(at, 48));
        const std::string part = base64_encode(ByteView(bytes_).subspan(at, 48));
        text_.replace(at / 3 * 4, part.size(), part);
    }
    ByteView bytes() const { return bytes_; }
    const std::string& text() const { return text_; }

 private:
    Bytes bytes_;
    std::vector<std::size_t> places_;
    std::size_t nonce_ = 0;
    std::string text_;  // base64
};

class DocumentSigning final : public Signing {
 public:
    explicit DocumentSigning(Workload& workload) : Signing(workload), document_(workload.document_bytes) {
        hash_type_ = R"(,"hashType":"sdr")";
    }

 protected:
    void fill_digests() override {
        document_.renew();
        std::ranges::copy(sha256(document_.bytes()), digests_.begin());
    }
    void ask_for_signatures(std::string_view sad) override {
        path_ = "/csc/v2/signatures/signDoc";
        body_.assign("{\"credentialID\":\"").append(*credential_).append("\",\"SAD\":\"").append(sad);
        body_.append(R"(","documents":[{"signature_format":"P","signed_envelope_property":"Revision",)");
        body_.append("\"conformance_level\":\"AdES-").append(workload_.level);
        body_.append("\",\"signAlgo\":\"").append(workload_.rsa ? kRsaSha256Oid : kEcdsaSha256Oid);
        body_.append("\",\"document\":\"").append(document_.text()).append("\"}]}");
    }
    Result<bool> heard_signatures(int status, std::string_view answer) override {
        // The document as it was, but for its last group, comes first.
        constexpr std::string_view kStart = "{\"DocumentWithSignature\":[\"";
        const std::string_view same =
            std::string_view(document_.text()).substr(0, document_.text().size() - 4);
        if (status != 200 || !answer.starts_with(kStart) || !answer.substr(kStart.size()).starts_with(same))
            return unexpected_answer(path_, status, answer);
        return true;
    }

 private:
    Document document_;
};

// An operation of one request that makes something with an id.
class Creation : public Conversation {
 public:
    Creation(Workload& workload, std::string_view path, std::string_view id)
        : Conversation(workload), id_(id) {
        path_ = path;
    }
    Result<bool> hear(int status, std::string_view answer) final {
        const std::string_view id = text_member(answer, id_);
        if (status != 201 || id.empty()) return unexpected_answer(path_, status, answer);
        workload_.made.emplace_back(id);
        return true;
    }

 private:
    const std::string_view id_;
};

class SignerCreation final : public Creation {
 public:
    explicit SignerCreation(Workload& workload) : Creation(workload, "/v1/signers", "signerID") {}
    void begin() override { body_ = R"({"name":{"given":"Giulia","family":"Esempio"},"country":"IT"})"; }
};

class CredentialCreation final : public Creation {
 public:
    explicit CredentialCreation(Workload& workload) : Creation(workload, "/v1/credentials", "credentialID") {}
    void begin() override {
        body_.assign("{\"signerID\":\"").append(workload_.take_subject());
        body_.append(R"(","class":"simple","key":{"algo":")").append(workload_.rsa ? "RSA-2048" : "EC-P256");
        body_.append(R"("},"activation":"click","certificate":{"source":"embedded"}})");
    }
};

class Stamping final : public Conversation {
 public:
    explicit Stamping(Workload& workload) : Conversation(workload) {
        path_ = "/tsa";
        content_type_ = "application/timestamp-query";
    }
    void begin() override {
        // TimeStampReq: version 1, SHA-256, nonce of 8 octets, certReq TRUE.
        constexpr std::array<std::uint8_t, 24> kHead{0x30, 0x43, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30,
                                                     0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
                                                     0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
        std::array<std::uint8_t, 40> random;
        fill_random(random);
        random[32] =
            static_cast<std::uint8_t>(0x40U | (random[32] & 0x3FU));  // positive, in its shortest form
        const auto append = [this](ByteView bytes) { body_.append(as_text(bytes)); };
        body_.clear();
        append(kHead);
        append(ByteView(random).first(32));
        append(std::array<std::uint8_t, 2>{0x02, 0x08});
        append(ByteView(random).subspan(32));
        append(std::array<std::uint8_t, 3>{0x01, 0x01, 0xFF});
    }
    Result<bool> hear(int status, std::string_view answer) override {
        // SEQUENCE { PKIStatusInfo { granted (0) }, …
        constexpr std::string_view kGranted("\x30\x03\x02\x01\x00", 5);
        if (status != 200 || answer.size() < 200 || answer.substr(4, kGranted.size()) != kGranted)
            return unexpected_answer(path_, status, answer);
        return true;
    }
};

}  // namespace

std::unique_ptr<Conversation> stamping(Workload& workload) {
    return std::make_unique<Stamping>(workload);
}
std::unique_ptr<Conversation> signing(Workload& workload) {
    return std::make_unique<Signing>(workload);
}
std::unique_ptr<Conversation> document_signing(Workload& workload) {
    return std::make_unique<DocumentSigning>(workload);
}

std::unique_ptr<Conversation> signer_creation(Workload& workload) {
    return std::make_unique<SignerCreation>(workload);
}
std::unique_ptr<Conversation> credential_creation(Workload& workload) {
    return std::make_unique<CredentialCreation>(workload);
}

}  // namespace sigillo::bench
