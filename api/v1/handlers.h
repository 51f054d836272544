// /v1: enrolment of signers, their factors and credentials, and the uses of a key (api/openapi.yaml).
#pragma once

#include "api/service.h"

namespace sigillo::api::v1 {

void create_signer(Call& call);
void list_signers(Call& call);
void get_signer(Call& call);

void enrol_factor(Call& call);
void list_factors(Call& call);
void delete_factor(Call& call);
void change_pin(Call& call);

void create_credential(Call& call);
void set_certificate(Call& call);
void set_status(Call& call);
void delete_credential(Call& call);

void list_uses(Call& call);

void prepare_document(Call& call);
void complete_document(Call& call);
void extend_document(Call& call);

}  // namespace sigillo::api::v1
