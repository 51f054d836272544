#include "api/csc/answer.h"
#include "api/csc/encode.h"
#include "api/csc/handlers.h"

namespace sigillo::api::csc {
namespace {

constexpr std::uint32_t kPage =
    15;  // the longest chains (64 KiB each) come to 1 MiB: well inside an IPC frame (4 MiB)
constexpr std::size_t kMostListed = 10'000;  // of one signer; beyond it the answer would exceed tens of MiB

// CSC's list has no pages, sigillod's has: collects them all, one question after the other.
struct Listing {
    ListRequest request;
    sam::ClientContext client;
    Responder responder;
    SigningSam* signing;
    std::string after;  // the last one read
    std::vector<sam::Credential> found;
};

void next_page(std::shared_ptr<Listing> listing) {
    sam::SigningRequest question;
    *question.mutable_client() = listing->client;
    auto& list = *question.mutable_list_credentials();
    list.set_signer_id(listing->request.signer_id);
    list.set_only_valid(listing->request.only_valid);
    list.mutable_page()->set_limit(kPage);
    list.mutable_page()->set_after(listing->after);
    SigningSam* signing = listing->signing;
    signing->call(
        std::move(question), sam::SigningResponse::kCredentials,
        [listing = std::move(listing)](Result<sam::SigningResponse> answer) {
            if (!answer) {
                listing->responder.send(to_response(from_error(answer.error())));
                return;
            }
            auto& page = *answer->mutable_credentials()->mutable_credentials();
            for (auto& credential : page) {
                listing->after = credential.credential_id();
                // onlyValid asks for what can sign now (§11.4): nothing that is locked can be activated.
                if (listing->request.only_valid && credential.locked()) continue;
                listing->found.push_back(std::move(credential));
            }
            if (page.empty() || (!listing->request.only_valid && page.size() < static_cast<int>(kPage)))
                listing->responder.send(json_response(200, encode_list(listing->found, listing->request)));
            else if (listing->found.size() >= kMostListed)
                listing->responder.send(
                    to_response(failure("More than 10000 credentials; ask for onlyValid")));
            else
                next_page(listing);
        });
}

}  // namespace

void credentials_list(Call& call) {
    auto request = decode_or_refuse(call, decode_list);
    if (!request) return;
    next_page(std::make_shared<Listing>(
        Listing{std::move(*request), call.client, call.responder, call.services.signing, {}, {}}));
}

void credentials_info(Call& call) {
    auto request = decode_or_refuse(call, decode_info);
    if (!request) return;
    auto question = call.ask();
    question.mutable_get_credential()->set_credential_id(request->credential_id);
    ask_and_answer(call, std::move(question), sam::SigningResponse::kCredential,
                   [view = request->view](const sam::SigningResponse& answer) {
                       return encode_credential(answer.credential(), view);
                   });
}

}  // namespace sigillo::api::csc
