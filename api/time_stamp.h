// A time-stamp request on its way from either face to sigillod.
#pragma once

#include "appliance/ipc/sam.pb.h"
#include "tsa/request/time_stamp_request.h"

namespace sigillo::api {

inline sam::TimeStamp to_message(const tsa::TimeStampRequest& request) {
    const tsa::RequestFields fields = request.fields();
    sam::TimeStamp message;
    message.set_hash(static_cast<std::uint32_t>(fields.hash));
    message.set_digest(fields.digest.data(), fields.digest.size());
    message.set_null_parameters(fields.null_parameters);
    message.set_policy(fields.policy.data(), fields.policy.size());
    message.set_nonce(fields.nonce.data(), fields.nonce.size());
    message.set_cert_req(fields.cert_req);
    return message;
}

}  // namespace sigillo::api
