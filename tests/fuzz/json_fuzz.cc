// JSON from clients, down to sigillod's messages.
#include "api/csc/requests.h"
#include "api/json/decode.h"
#include "api/v1/requests.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;

FUZZ_TARGET(input) {
    const std::string_view text = as_text(input);
    if (!api::json::decode(text)) return;
    FUZZ_CHECK(api::json::find_invalid_utf8(text) == std::string_view::npos);
    if (const auto body = api::csc::decode_body(text)) {
        (void)api::csc::decode_list(*body);
        (void)api::csc::decode_info(*body);
        (void)api::csc::decode_authorize(*body);
        (void)api::csc::decode_extend_transaction(*body);
        if (const auto sign = api::csc::decode_sign_hash(*body)) {
            FUZZ_CHECK(sign->hash_algorithm() >= 1 && sign->hash_algorithm() <= 3);
            FUZZ_CHECK(sign->hashes_size() > 0);
        }
    }
    if (const auto body = api::v1::decode_body(text)) {
        (void)api::v1::decode_create_signer(*body);
        (void)api::v1::decode_enrol_factor(*body, "00000000000000000000000000000000");
        (void)api::v1::decode_create_credential(*body);
        (void)api::v1::decode_set_certificate(*body, "00000000000000000000000000000000");
        (void)api::v1::decode_set_status(*body, "00000000000000000000000000000000");
    }
}
