#include "api/documents/toolbox.h"

#include <algorithm>
#include <charconv>

#include "api/documents/sam_task.h"
#include "appliance/base/encoding.h"
#include "tsa/request/response.h"

namespace sigillo::api::documents {
namespace {

// A time-stamping unit's refusal, as an error of the service: what it was asked is ours.
Error refused(const std::string& failure) {
    const bool clock = failure == tsa::failure_name(tsa::PkiFailureInfo::kTimeNotAvailable);
    return {clock ? Errc::kClockUntrusted : Errc::kUnavailable, "no time-stamp: " + failure, {}};
}

}  // namespace

Task<Result<sam::SigningResponse>> ask_sam(const Toolbox& tools, Caller caller, sam::SigningRequest request,
                                           sam::SigningResponse::BodyCase expected) {
    *request.mutable_client() = caller.client;
    Asked asked(tools.sam, tools.executor, std::move(request), expected, caller.name());
    co_return co_await asked;
}

Task<Result<Bytes>> time_stamp(const Toolbox& tools, Caller caller, Digest digest) {
    sam::SigningRequest request;
    auto& stamp = *request.mutable_time_stamp();
    stamp.set_hash(static_cast<std::uint32_t>(digest.algorithm()));
    stamp.set_digest(std::string(as_text(digest.bytes())));
    stamp.set_cert_req(true);
    auto answer =
        co_await ask_sam(tools, std::move(caller), std::move(request), sam::SigningResponse::kTimeStamped);
    if (!answer) co_return std::unexpected(std::move(answer).error());
    const sam::TimeStamped& stamped = answer->time_stamped();
    if (!stamped.failure().empty()) co_return std::unexpected(refused(stamped.failure()));
    const auto token = tsa::token_of(as_bytes(stamped.response()));
    if (!token) co_return std::unexpected(token.error());
    co_return to_bytes(*token);
}

Task<Status> registered(const Toolbox& tools, Caller caller) {
    // The least that a client may ask: sigillod looks at who asks before anything else.
    sam::SigningRequest request;
    request.mutable_list_signers()->mutable_page()->set_limit(1);
    auto answer =
        co_await ask_sam(tools, std::move(caller), std::move(request), sam::SigningResponse::kSigners);
    if (!answer) co_return std::unexpected(std::move(answer).error());
    co_return Status();
}

namespace {

Task<Result<sam::Credential>> credential(const Toolbox& tools, Caller caller, sam::GetCredential which) {
    sam::SigningRequest request;
    *request.mutable_get_credential() = std::move(which);
    auto answer =
        co_await ask_sam(tools, std::move(caller), std::move(request), sam::SigningResponse::kCredential);
    if (!answer) co_return std::unexpected(std::move(answer).error());
    co_return std::move(*answer->mutable_credential());
}

}  // namespace

Task<Result<sam::Credential>> credential(const Toolbox& tools, Caller caller, std::string id) {
    sam::GetCredential which;
    which.set_credential_id(std::move(id));
    return credential(tools, std::move(caller), std::move(which));
}

Task<Result<sam::Credential>> credential_of_sad(const Toolbox& tools, Caller caller, std::string sad) {
    sam::GetCredential which;
    which.set_sad(std::move(sad));
    return credential(tools, std::move(caller), std::move(which));
}

std::string common_name(std::string_view subject_dn) {
    std::string name;
    for (std::size_t at = 0; at < subject_dn.size();) {
        const bool is_name = subject_dn.substr(at).starts_with("CN=");
        std::string value;
        for (at += is_name ? 3 : 0; at < subject_dn.size() && subject_dn[at] != ',' && subject_dn[at] != '+';
             ++at) {
            if (subject_dn[at] == '\\' && at + 1 < subject_dn.size()) {
                ++at;
                // A pair of hexadecimal digits is an octet; anything else stands for itself.
                unsigned octet = 0;
                const char* const pair = subject_dn.data() + at;
                if (at + 1 < subject_dn.size() &&
                    std::from_chars(pair, pair + 2, octet, 16).ptr == pair + 2) {
                    value.push_back(static_cast<char>(octet));
                    ++at;
                    continue;
                }
            }
            value.push_back(subject_dn[at]);
        }
        if (is_name && name.empty()) name = std::move(value);
        ++at;
    }
    return name.empty() ? std::string(subject_dn) : name;
}

std::vector<NeededProof> proofs_of(const google::protobuf::RepeatedPtrField<doc::NeededProof>& needed) {
    std::vector<NeededProof> out;
    for (const auto& proof : needed) {
        auto& one = out.emplace_back();
        one.certificate = to_bytes(proof.certificate());
        one.issuer = to_bytes(proof.issuer());
        one.ocsp_request = to_bytes(proof.ocsp_request());
        one.subject = proof.subject();
        one.ocsp_urls = {proof.ocsp_urls().begin(), proof.ocsp_urls().end()};
        one.crl_urls = {proof.crl_urls().begin(), proof.crl_urls().end()};
        one.issuer_urls = {proof.issuer_urls().begin(), proof.issuer_urls().end()};
    }
    return out;
}

void put_material(const ValidationData& data, doc::ValidationMaterial& out) {
    for (const auto& der : data.certificates) out.add_certificates(std::string(as_text(der)));
    for (const auto& der : data.crls) out.add_crls(std::string(as_text(der)));
    for (const auto& der : data.ocsps) out.add_ocsps(std::string(as_text(der)));
}

std::vector<std::shared_ptr<MemoryFile>> both(std::shared_ptr<MemoryFile> first,
                                              std::shared_ptr<MemoryFile> second) {
    std::vector<std::shared_ptr<MemoryFile>> out;
    out.push_back(std::move(first));
    out.push_back(std::move(second));
    return out;
}

Result<std::shared_ptr<MemoryFile>> with_contents(const MemoryFile& prepared, Gap gap, ByteView cms) {
    if (cms.size() > gap.size)
        return fail(Errc::kLimitExceeded,
                    "the signature takes " + std::to_string(cms.size()) + " bytes and its place has " +
                        std::to_string(gap.size),
                    "document");
    SIGILLO_ASSIGN(auto out, prepared.copy("signed"));
    std::string digits = hex_encode(cms);
    digits.resize(gap.size * 2, '0');
    SIGILLO_TRY(out->write(gap.offset, as_bytes(digits)));
    return out;
}

}  // namespace sigillo::api::documents
