#include "appliance/sigillod/public_service.h"

#include "appliance/sigillod/codec.h"
#include "appliance/sigillod/ocsp_service.h"

namespace sigillo {

Task<sam::PublicResponse> PublicService::handle(const sam::PublicRequest& request) {
    sam::PublicResponse response;
    response.set_id(request.id());
    switch (request.body_case()) {
        case sam::PublicRequest::kGetHealth: {
            // Only whether it works: reasons and numbers are for clients and officers.
            response.mutable_health()->set_state(health_.report().state());
            co_return response;
        }
        case sam::PublicRequest::kGetCaCertificate: {
            const Bytes& certificate = authority_.certificate();
            response.mutable_document()->set_der(certificate.data(), certificate.size());
            co_return response;
        }
        case sam::PublicRequest::kGetCrl: {
            if (const auto crl = authority_.crl()) {
                response.mutable_document()->set_der(crl->data(), crl->size());
            } else {
                *response.mutable_error() = to_message(crl.error());
            }
            co_return response;
        }
        case sam::PublicRequest::kOcsp: {
            *response.mutable_ocsp_answer() = answer_ocsp(ocsp_, ocsp_limits_, request.ocsp(), false);
            co_return response;
        }
        case sam::PublicRequest::kTimeStamp: {
            if (tsa_ == nullptr) {
                *response.mutable_error() =
                    to_message(Error{Errc::kUnsupported, "this appliance has no time-stamping authority"});
                co_return response;
            }
            const auto place = tsa_->admit();
            if (!place) {
                *response.mutable_error() = to_message(place.error());
                co_return response;
            }
            *response.mutable_time_stamped() = co_await tsa_->stamp(request.time_stamp());
            co_return response;
        }
        default:
            *response.mutable_error() = to_message(Error{Errc::kInvalidArgument, "a request without a body"});
            co_return response;
    }
}

}  // namespace sigillo
