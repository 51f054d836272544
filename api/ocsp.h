// An OCSP request on its way to sigillod.
#pragma once

#include "appliance/ipc/sam.pb.h"
#include "appliance/issuance/ocsp/request.h"

namespace sigillo::api {

inline sam::Ocsp to_message(const ocsp::OcspRequest& request) {
    sam::Ocsp message;
    for (const ocsp::CertId& id : request.certificates()) {
        sam::OcspCertId& out = *message.add_certificates();
        out.set_algorithm(id.algorithm.data(), id.algorithm.size());
        out.set_issuer_name_hash(id.issuer_name_hash.data(), id.issuer_name_hash.size());
        out.set_issuer_key_hash(id.issuer_key_hash.data(), id.issuer_key_hash.size());
        out.set_serial(id.serial.data(), id.serial.size());
    }
    message.set_nonce(request.nonce().data(), request.nonce().size());
    return message;
}

}  // namespace sigillo::api
