// Bodies with documents: the cutting of long strings, and what is decoded out of the rest.
#include "api/csc/sign_doc.h"
#include "api/documents/request_body.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;
using namespace sigillo::api;

FUZZ_TARGET(input) {
    Request request;
    request.body = std::string(as_text(input));
    // Every cut at another place than the strings' ends must leave the same document.
    const auto cut = documents::read_body(request, {.long_string = 8, .long_strings = 16});
    const auto whole = documents::read_body(request, {.long_string = 1'000'000});
    if (!whole) {
        if (cut) FUZZ_CHECK(cut->long_strings.empty() || !whole);
        return;
    }
    FUZZ_CHECK(whole->long_strings.empty());
    if (cut) FUZZ_CHECK(cut->object.size() == whole->object.size());
    for (const auto* body : {&*whole, cut ? &*cut : &*whole}) {
        const auto decoded = csc::decode_sign_doc(*body, {});
        if (!decoded) continue;
        FUZZ_CHECK(!decoded->orders.empty());
        for (const auto& order : decoded->orders) FUZZ_CHECK(order.document || !order.digest.empty());
    }
}
