// CSC API v2.0.0.2 §11, the methods that work today.
#pragma once

#include "api/service.h"

namespace sigillo::api::csc {

void info(Call& call);                            // §11.1
void credentials_list(Call& call);                // §11.4
void credentials_info(Call& call);                // §11.5
void credentials_authorize(Call& call);           // §11.6
void credentials_extend_transaction(Call& call);  // §11.9
void signatures_sign_hash(Call& call);            // §11.10
void signatures_sign_doc(Call& call);             // §11.11
void signatures_sign_polling(Call& call);         // §11.12
void signatures_timestamp(Call& call);            // §11.13

}  // namespace sigillo::api::csc
