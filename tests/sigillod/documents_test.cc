// Documents at the real daemon: deposits over their socket, SignDocuments, what the log and `uses` tell, and
// what a front end that lies gets.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "appliance/base/encoding.h"
#include "appliance/base/file.h"
#include "appliance/ipc/deposit_client.h"
#include "appliance/ipc/fd_message.h"
#include "appliance/ipc/sealed_memory.h"
#include "tests/sigillod/daemon_under_test.h"

namespace sigillo::testing {
namespace {

constexpr std::chrono::milliseconds kPatience{10'000};

std::uint32_t number(Errc errc) {
    return static_cast<std::uint32_t>(errc);
}

// A "PDF" with a revision behind it; sigillod sees bytes and a gap.
struct Prepared {
    Bytes document;
    Bytes whole;
    std::array<std::uint64_t, 4> byte_range{};

    explicit Prepared(const std::string& text, std::size_t size = 20'000)
        : document(to_bytes(std::string_view(text))) {
        document.resize(size, ' ');
        const Bytes before = to_bytes("\n9 0 obj << /Type /Sig /Contents ");
        const Bytes gap = to_bytes(std::string_view("<" + std::string(8'190, '0') + ">"));
        const Bytes after = to_bytes(" >> endobj\n%%EOF\n");
        whole = concat(document, before, gap, after);
        const std::uint64_t at = document.size() + before.size();
        byte_range = {0, at, at + gap.size(), after.size()};
    }
    Bytes digest() const { return to_bytes(ByteView(sha256(document))); }
    Bytes message() const {
        return to_bytes(
            ByteView(sha256({ByteView(whole).first(byte_range[1]), ByteView(whole).subspan(byte_range[2])})));
    }
    UniqueFd sealed() const {
        auto fd = ipc::make_memory_file("test");
        EXPECT_TRUE(fd);
        EXPECT_EQ(::write(fd->get(), whole.data(), whole.size()), static_cast<ssize_t>(whole.size()));
        EXPECT_TRUE(ipc::seal_memory(fd->get()));
        return *std::move(fd);
    }
};

class DaemonDocuments : public ::testing::Test {
 protected:
    static void SetUpTestSuite() {
        DaemonOptions options;
        options.extra_config =
            "[documents]\ndeposits = 3\ndeposit_mib = 1\ndeposits_mib = 2\ndeposit_lifetime_s = 2\n";
        daemon_ = new DaemonUnderTest(std::move(options));
        daemon_->provision();
        daemon_->start();
        client_ = new ClientUnderTest(*daemon_);
        credential_ = client_->create_credential(client_->create_signer());
    }
    static void TearDownTestSuite() {
        delete client_;
        delete daemon_;
    }

    static std::string socket() { return daemon_->socket("deposit.sock"); }
    static Result<ipc::DepositReceipt> deposit(const UniqueFd& fd) {
        return ipc::deposit(socket(), fd.get(), kPatience);
    }
    static std::string sad(const std::vector<Bytes>& hashes, std::uint32_t type = 2) {
        auto request = client_->authorize(credential_, hashes, "click", client_->click(hashes));
        request.mutable_authorize()->set_hash_type(type);
        const auto granted = client_->ask(request);
        EXPECT_TRUE(granted.has_authorized()) << granted.error().detail();
        return granted.authorized().sad();
    }
    static sam::SigningRequest pades(const Prepared& prepared, const std::string& sad, const Bytes& deposit) {
        sam::SigningRequest request = client_->sign_documents(credential_, sad, {prepared.digest()});
        auto& document = *request.mutable_sign_documents()->mutable_documents(0);
        document.set_format(2);
        document.mutable_revision()->set_deposit(deposit.data(), deposit.size());
        document.mutable_revision()->set_original_size(prepared.document.size());
        for (const std::uint64_t number : prepared.byte_range)
            document.mutable_revision()->add_byte_range(number);
        return request;
    }
    // Waits until everything that was left behind has expired.
    static void let_deposits_expire() { std::this_thread::sleep_for(std::chrono::milliseconds(2'300)); }

    static inline DaemonUnderTest* daemon_ = nullptr;
    static inline ClientUnderTest* client_ = nullptr;
    static inline std::string credential_;
};

TEST_F(DaemonDocuments, APreparedPdfIsSignedAndTheLogTellsItsThreeDigests) {
    const Prepared prepared("a contract");
    const auto receipt = deposit(prepared.sealed());
    ASSERT_TRUE(receipt) << to_string(receipt.error());
    EXPECT_EQ(receipt->deposit.size(), 16u);
    EXPECT_EQ(receipt->expires_in, std::chrono::seconds(2));
    const auto answer = client_->ask(pades(prepared, sad({prepared.digest()}), receipt->deposit));
    ASSERT_EQ(answer.signed_documents().documents_size(), 1) << answer.error().detail();
    const auto& made = answer.signed_documents().documents(0);
    EXPECT_EQ(made.signed_attributes()[0], 0x31);
    EXPECT_NE(made.signed_attributes().find(as_text(prepared.message())), std::string::npos)
        << "the message-digest";
    EXPECT_EQ(made.signed_attributes().find(as_text(prepared.digest())), std::string::npos);
    EXPECT_EQ(answer.signed_documents().chain_size(), 2);
    EXPECT_NE(made.signed_attributes().find(
                  as_text(ByteView(sha256(as_bytes(answer.signed_documents().chain(0)))))),
              std::string::npos)
        << "signing-certificate-v2";

    sam::SigningRequest request;
    request.mutable_list_uses()->set_credential_id(credential_);
    request.mutable_list_uses()->set_limit(1'000);
    const auto uses = client_->ask(request);
    bool listed = false;
    for (const auto& use : uses.uses().uses())
        if (use.document_digest() == as_text(prepared.digest())) {
            listed = true;
            EXPECT_EQ(use.message_digest(), as_text(prepared.message()));
            EXPECT_EQ(use.hash(), as_text(ByteView(sha256(as_bytes(made.signed_attributes())))));
            EXPECT_EQ(use.format(), "pades");
            EXPECT_EQ(use.outcome(), "signed");
        }
    EXPECT_TRUE(listed);
    std::string output;
    EXPECT_EQ(daemon_->audit(&output), 0) << output;
    ASSERT_EQ(daemon_->run("sigillo-audit",
                           {"uses", "--credential", credential_, "--log", (daemon_->home() / "log").string(),
                            "--key", (daemon_->home() / "log.vkey").string()},
                           &output),
              0)
        << output;
    EXPECT_NE(output.find("document " + base64_encode(prepared.digest()) + "  in a revision of digest " +
                          base64_encode(prepared.message())),
              std::string::npos)
        << output;
}

TEST_F(DaemonDocuments, CadesSaysSigillodsOwnTimeAndARetryTheTimeOfThen) {
    const std::vector<Bytes> digests{hash_of("one"), hash_of("two")};
    const auto request = client_->sign_documents(credential_, sad(digests), digests);
    const auto first = client_->ask(request);
    ASSERT_EQ(first.signed_documents().documents_size(), 2) << first.error().detail();
    // 1.2.840.113549.1.9.5
    EXPECT_NE(first.signed_documents().documents(0).signed_attributes().find(
                  "\x2A\x86\x48\x86\xF7\x0D\x01\x09\x05"),
              std::string::npos);
    std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
    const auto again = client_->ask(request);
    EXPECT_EQ(first.signed_documents().SerializeAsString(), again.signed_documents().SerializeAsString());
}

TEST_F(DaemonDocuments, activation_a_document_that_was_not_authorised_is_refused_whatever_its_revision) {
    const Prepared authorised("a contract over 1,000 EUR");
    const Prepared other("a contract over 1,000,000 EUR");
    const std::string permission = sad({authorised.digest()});
    // The other document under the authorised digest ...
    sam::SigningRequest lie = pades(other, permission, deposit(other.sealed())->deposit);
    lie.mutable_sign_documents()->mutable_documents(0)->set_digest(std::string(as_text(authorised.digest())));
    auto answer = client_->ask(lie);
    EXPECT_EQ(answer.error().code(), number(Errc::kHashNotAuthorized));
    EXPECT_EQ(answer.error().field(), "document");
    // ... and under its own.
    answer = client_->ask(pades(other, permission, deposit(other.sealed())->deposit));
    EXPECT_EQ(answer.error().code(), number(Errc::kHashNotAuthorized));
    EXPECT_NE(answer.error().field(), "document");
    // Nothing was spent.
    answer = client_->ask(pades(authorised, permission, deposit(authorised.sealed())->deposit));
    EXPECT_EQ(answer.signed_documents().documents_size(), 1) << answer.error().detail();
}

TEST_F(DaemonDocuments, activation_a_sad_for_hashes_signs_no_document_and_the_reverse) {
    const std::vector<Bytes> digests{hash_of("three")};
    const auto document = client_->ask(client_->sign_documents(credential_, sad(digests, 1), digests));
    EXPECT_EQ(document.error().code(), number(Errc::kHashNotAuthorized));
    const auto hash = client_->ask(client_->sign_hash(credential_, sad(digests, 2), digests));
    EXPECT_EQ(hash.error().code(), number(Errc::kHashNotAuthorized));
}

TEST_F(DaemonDocuments, ADepositServesOneCallAndThenNobody) {
    const Prepared prepared("once");
    const auto receipt = deposit(prepared.sealed());
    ASSERT_TRUE(receipt);
    const std::string permission = sad({prepared.digest()});
    // A call that is refused takes it too.
    const auto refused = client_->ask(pades(prepared, "no SAD", receipt->deposit));
    EXPECT_EQ(refused.error().code(), number(Errc::kSadInvalid));
    const auto again = client_->ask(pades(prepared, permission, receipt->deposit));
    EXPECT_EQ(again.error().code(), number(Errc::kNotFound));
    EXPECT_EQ(again.error().field(), "deposit");
    const auto unknown = client_->ask(pades(prepared, permission, Bytes(16, 7)));
    EXPECT_EQ(unknown.error().code(), number(Errc::kNotFound));
}

TEST_F(DaemonDocuments, WhatIsNoSealedMemoryIsNotTaken) {
    const auto expect_invalid = [](const UniqueFd& fd) {
        const auto refused = deposit(fd);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::kInvalidArgument) << refused.error().detail;
        EXPECT_EQ(refused.error().field, "deposit");
    };
    const auto unsealed = ipc::make_memory_file("test");
    ASSERT_EQ(::write(unsealed->get(), "x", 1), 1);
    expect_invalid(*unsealed);
    ASSERT_EQ(::fcntl(unsealed->get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
    expect_invalid(*unsealed);  // its bytes can still be written
    const auto empty = ipc::make_memory_file("test");
    ASSERT_TRUE(ipc::seal_memory(empty->get()));
    expect_invalid(*empty);
    expect_invalid(UniqueFd(::open(daemon_->config().c_str(), O_RDONLY | O_CLOEXEC)));
    expect_invalid(UniqueFd(::open("/dev/zero", O_RDONLY | O_CLOEXEC)));
    expect_invalid(UniqueFd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    expect_invalid(UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
}

TEST_F(DaemonDocuments, WhatIsTooLargeOrTooMuchIsNotTakenUntilTheOthersAreGone) {
    let_deposits_expire();
    const auto refusal = [](const Prepared& prepared) {
        const auto receipt = deposit(prepared.sealed());
        return receipt ? Errc{} : receipt.error().code;
    };
    EXPECT_EQ(refusal(Prepared("large", (1U << 20) + 1)), Errc::kLimitExceeded);
    EXPECT_EQ(refusal(Prepared("one", 1'000'000)), Errc{});
    EXPECT_EQ(refusal(Prepared("two", 1'000'000)), Errc{});
    EXPECT_EQ(refusal(Prepared("three", 1'000'000)), Errc::kUnavailable) << "too many bytes";
    EXPECT_EQ(refusal(Prepared("three")), Errc{});
    EXPECT_EQ(refusal(Prepared("four")), Errc::kUnavailable) << "too many";
    let_deposits_expire();
    EXPECT_EQ(refusal(Prepared("five", 1'000'000)), Errc{});
    let_deposits_expire();
}

TEST_F(DaemonDocuments, ADepositThatNobodyTakesExpires) {
    const Prepared prepared("late");
    const auto receipt = deposit(prepared.sealed());
    ASSERT_TRUE(receipt);
    let_deposits_expire();
    const auto answer = client_->ask(pades(prepared, sad({prepared.digest()}), receipt->deposit));
    EXPECT_EQ(answer.error().code(), number(Errc::kNotFound));
    // What nobody asks for is forgotten by housekeeping.
    sam::SigningRequest health;
    health.mutable_get_health();
    auto metrics = client_->ask(health).health().metrics();
    for (int i = 0; i < 100 && metrics.at("sigillo_deposits") > 0; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        metrics = client_->ask(health).health().metrics();
    }
    EXPECT_EQ(metrics.at("sigillo_deposits"), 0.0);
    EXPECT_EQ(metrics.at("sigillo_deposit_bytes"), 0.0);
    EXPECT_GE(metrics.at("sigillo_deposits_forgotten_total"), 1.0);
}

TEST_F(DaemonDocuments, MessagesThatAreNoDepositEndTheirConnectionAndNoOther) {
    const auto connect = [] { return *ipc::connect_unix(socket(), ipc::SocketKind::kPackets); };
    const UniqueFd patient = connect();
    const Prepared prepared("a contract");
    const UniqueFd file = prepared.sealed();
    const std::array two{file.get(), file.get()};
    sam::DepositRequest right;
    right.set_id(7);
    const std::string message = right.SerializeAsString();
    const auto ask = [](const UniqueFd& peer, std::string_view payload, std::span<const int> fds) {
        EXPECT_TRUE(ipc::send_fd_message(peer.get(), as_bytes(payload), fds, kPatience));
        return ipc::receive_fd_message(peer.get(), {}, kPatience);
    };
    for (const std::string& payload :
         {std::string("\x08\x00", 2), std::string("rubbish"), std::string(5'000, 'x')}) {
        const auto answer = ask(connect(), payload, std::span(two).first(1));
        EXPECT_TRUE(!answer || !*answer) << payload.size();
    }
    const auto twice = ask(connect(), message, two);
    EXPECT_TRUE(!twice || !*twice);
    const auto none = ask(patient, message, {});
    ASSERT_TRUE(none && *none);
    sam::DepositResponse response;
    ASSERT_TRUE(response.ParseFromString(std::string(as_text((*none)->payload))));
    EXPECT_EQ(response.id(), 7u);
    EXPECT_EQ(response.error().code(), number(Errc::kInvalidArgument));
    const auto good = ask(patient, message, std::span(two).first(1));
    ASSERT_TRUE(good && *good);
    ASSERT_TRUE(response.ParseFromString(std::string(as_text((*good)->payload))));
    EXPECT_EQ(response.deposited().deposit().size(), 16u);
    EXPECT_TRUE(daemon_->running());
    let_deposits_expire();
}

TEST_F(DaemonDocuments, EachMistakeOfADocumentIsToldAndSpendsNothing) {
    const Prepared prepared("a contract with mistakes");
    const std::string permission = sad({prepared.digest()});
    struct Mistake {
        const char* field;
        std::function<void(sam::SignDocuments&)> make;
        Errc code = Errc::kInvalidArgument;
    };
    const auto document = [](sam::SignDocuments& body) { return body.mutable_documents(0); };
    const std::vector<Mistake> mistakes{
        {"documents", [](auto& b) { b.clear_documents(); }, Errc::kMissingArgument},
        {"documents",
         [](auto& b) {
             for (int i = 0; i < 200; ++i) *b.add_documents() = b.documents(0);
         },
         Errc::kLimitExceeded},
        {"hashAlgorithmOID", [](auto& b) { b.set_hash_algorithm(9); }},
        {"hash", [=](auto& b) { document(b)->set_digest("short"); }},
        {"signAlgo", [](auto& b) { b.set_padding(9); }},
        {"signAlgo", [](auto& b) { b.set_padding(2); }},  // of a P-256 key
        {"signature_format", [=](auto& b) { document(b)->set_format(0); }},
        {"signature_format", [=](auto& b) { document(b)->set_format(3); }},
        {"revision", [=](auto& b) { document(b)->set_format(1); }},
        {"revision", [=](auto& b) { document(b)->mutable_revision()->add_byte_range(1); }},
        {"revision", [=](auto& b) { document(b)->mutable_revision()->set_byte_range(0, 1); }},
        {"revision", [=](auto& b) { document(b)->mutable_revision()->set_original_size(0); }},
        {"signed_props",
         [=](auto& b) { document(b)->mutable_properties()->set_mime_type("application/pdf"); }},
        {"signed_props", [=](auto& b) { document(b)->mutable_properties()->add_commitment_types("x"); }},
        {"signed_props",
         [=](auto& b) { document(b)->mutable_properties()->mutable_signature_policy()->set_oid("1.2.3"); }},
    };
    for (const Mistake& mistake : mistakes) {
        const auto receipt = deposit(prepared.sealed());
        ASSERT_TRUE(receipt) << to_string(receipt.error());
        sam::SigningRequest request = pades(prepared, permission, receipt->deposit);
        mistake.make(*request.mutable_sign_documents());
        const auto answer = client_->ask(request);
        EXPECT_EQ(answer.error().code(), number(mistake.code))
            << mistake.field << ": " << answer.error().detail();
        EXPECT_EQ(answer.error().field(), mistake.field) << answer.error().detail();
        // What no call has taken goes with a right one.
        (void)client_->ask(pades(prepared, "no SAD", receipt->deposit));
    }
    const auto right = client_->ask(pades(prepared, permission, deposit(prepared.sealed())->deposit));
    EXPECT_EQ(right.signed_documents().documents_size(), 1) << right.error().detail();
}

}  // namespace
}  // namespace sigillo::testing
