#include "appliance/sigillod/ocsp_service.h"

namespace sigillo {
namespace {

sam::OcspAnswer to_message(const issuance::OcspResponder::Answer& answer) {
    sam::OcspAnswer message;
    message.set_response(answer.der.data(), answer.der.size());
    if (answer.status != ocsp::ResponseStatus::kSuccessful) {
        message.set_failure(std::string(ocsp::response_status_name(answer.status)));
        return message;
    }
    message.set_this_update_ms(unix_millis(answer.this_update));
    message.set_next_update_ms(unix_millis(answer.next_update));
    return message;
}

}  // namespace

sam::OcspAnswer answer_ocsp(issuance::OcspResponder& responder, const ocsp::RequestLimits& limits,
                            const sam::Ocsp& question, bool may_ask_fresh) {
    std::vector<ocsp::CertId> certificates;
    for (const sam::OcspCertId& id : question.certificates()) {
        if (certificates.size() > limits.max_certificates) break;
        certificates.push_back({.algorithm = to_bytes(as_bytes(id.algorithm())),
                                .issuer_name_hash = to_bytes(as_bytes(id.issuer_name_hash())),
                                .issuer_key_hash = to_bytes(as_bytes(id.issuer_key_hash())),
                                .serial = to_bytes(as_bytes(id.serial()))});
    }
    const auto request =
        ocsp::OcspRequest::create(std::move(certificates), as_bytes(question.nonce()), limits);
    if (!request)
        return to_message(
            {ocsp::encode_failure(request.error().status), request.error().status, {}, {}, false});
    return to_message(responder.answer(*request, may_ask_fresh && question.fresh()));
}

void watch_ocsp(Health& health, const issuance::OcspResponder& responder) {
    health.add_probe([&responder]() -> Health::Item {
        const auto signer = responder.health().signer;
        // Degraded and not failed: signing goes on, and the CRL says the same.
        const bool good = signer.usable && signer.trouble.empty();
        return {"ocsp", good ? Health::State::kOk : Health::State::kDegraded,
                good                     ? ""
                : signer.trouble.empty() ? "the responder has no certificate yet"
                                         : signer.trouble};
    });
    const auto number = [](auto value) { return static_cast<double>(value); };
    health.add_metric("sigillo_ocsp_answers_total",
                      [=, &responder] { return number(responder.health().answers); });
    health.add_metric("sigillo_ocsp_answers_cached_total",
                      [=, &responder] { return number(responder.health().answers_cached); });
    health.add_metric("sigillo_ocsp_refusals_total",
                      [=, &responder] { return number(responder.health().refusals); });
    health.add_metric("sigillo_ocsp_certificate_not_after_seconds",
                      [=, &responder] { return number(unix_seconds(responder.health().signer.not_after)); });
}

}  // namespace sigillo
