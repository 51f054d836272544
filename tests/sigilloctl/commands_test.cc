// Each command: what it asks sigillod, what it prints, how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <nlohmann/json.hpp>

#include "appliance/base/digest.h"
#include "appliance/base/encoding.h"
#include "tests/sigilloctl/fake_sigillod.h"

namespace sigillo {
namespace {

using testing::FakeSigillod;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ProgramEnd;

constexpr const char* kId = "9a0364b9e99bb480dd25e1f0284c8555";

void fill(sam::Client& client, const std::string& id) {
    client.set_client_id(id);
    client.set_tenant("bank");
    client.set_name("portal");
    client.set_spki_sha256(std::string(32, '\x11'));
    client.set_created_ms(1'800'000'000'000);
}

void fill(sam::Credential& credential) {
    credential.set_credential_id(kId);
    credential.set_signer_id("5d41402abc4b2a76b9719d911017c592");
    credential.set_tenant("bank");
    credential.set_class_("simple");
    credential.set_status("active");
    credential.set_policy("pin and totp");
    credential.set_key_algorithm("EC-P256");
    credential.set_multisign(100);
    credential.set_locked(true);
    credential.add_chain()->set_subject_dn("CN=Ada Lovelace,C=IT");
}

class CommandsTest : public ::testing::Test {
 protected:
    void answer(std::function<void(sam::AdminResponse&)> with) {
        sigillod_.start([with = std::move(with)](const sam::AdminRequest&, sam::AdminResponse& response) {
            with(response);
        });
    }
    void refuse(Errc code, const std::string& detail) {
        answer([code, detail](sam::AdminResponse& response) {
            response.mutable_error()->set_code(static_cast<std::uint32_t>(code));
            response.mutable_error()->set_detail(detail);
        });
    }
    sam::AdminRequest asked_once() {
        const auto asked = sigillod_.asked();
        EXPECT_EQ(asked.size(), 1U);
        return asked.empty() ? sam::AdminRequest() : asked.front();
    }
    FakeSigillod sigillod_;
};

TEST_F(CommandsTest, HelpOfEveryCommandHasExamplesAndEndsWithZero) {
    const std::vector<std::vector<std::string>> commands{{},
                                                         {"status"},
                                                         {"client", "add"},
                                                         {"client", "list"},
                                                         {"client", "remove"},
                                                         {"signer", "list"},
                                                         {"signer", "show"},
                                                         {"credential", "list"},
                                                         {"credential", "show"},
                                                         {"credential", "suspend"},
                                                         {"credential", "resume"},
                                                         {"credential", "revoke"},
                                                         {"credential", "qscd"},
                                                         {"factor", "unlock"},
                                                         {"evidence", "show"},
                                                         {"evidence", "erase"},
                                                         {"log", "checkpoint"},
                                                         {"log", "override"},
                                                         {"backup", "create"},
                                                         {"backup", "verify"},
                                                         {"backup", "restore"}};
    for (std::vector<std::string> command : commands) {
        command.emplace_back("--help");
        const ProgramEnd run = sigillod_.run(command);
        EXPECT_EQ(run.exit_code, 0);
        EXPECT_THAT(run.out, HasSubstr("Examples:\n  ")) << command.front();
    }
}

TEST_F(CommandsTest, AWrongCommandLineEndsWithTwoAndAsksNobody) {
    answer([](sam::AdminResponse& response) { response.mutable_done(); });
    const std::vector<std::vector<std::string>> wrong{
        {},
        {"nonsense"},
        {"client"},
        {"client", "add"},
        {"client", "add", "--tenant", "bank", "--name", "x"},
        {"client", "add", "--tenant", "Bank", "--name", "x", "--spki", std::string(64, 'a')},
        {"client", "add", "--tenant", "bank", "--name", "x", "--spki", "abc"},
        {"client", "add", "--tenant", "bank", "--name", "x", "--cert", "/absent.pem"},
        {"credential", "show", "short"},
        {"credential", "revoke", kId},
        {"credential", "revoke", kId, "--reason", ""},
        {"credential", "qscd", kId, "maybe"},
        {"log", "override"},
        {"factor", "unlock"},
        {"factor", "unlock", "--credential", kId, "--factor", kId},
        {"factor", "unlock", "--factor", "9"},
        {"evidence", "show", "7"},
        {"evidence", "show", "seven", "--reason", "x"},
        {"evidence", "erase", "7", "--reason", "x", "--epoch", "0"},
        {"evidence", "erase", "--reason", "x"},
        {"status", "--timeout", "0"}};
    for (const auto& command : wrong) {
        const ProgramEnd run = sigillod_.run(command);
        EXPECT_EQ(run.exit_code, 2) << ::testing::PrintToString(command) << run.err;
        EXPECT_FALSE(run.err.empty());
    }
    EXPECT_TRUE(sigillod_.asked().empty());
}

TEST_F(CommandsTest, WithoutSigillodTheErrorSaysHowToStartIt) {
    const ProgramEnd run = sigillod_.run({"status"});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("sigillod is not running"));
    EXPECT_THAT(run.err, HasSubstr("systemctl start sigillod"));
}

TEST_F(CommandsTest, AConfigurationThatIsMissingOrLacksTheSocketIsNamed) {
    ProgramEnd run = sigillod_.run({"--config", "/absent/sigillo.toml", "status"});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("/absent/sigillo.toml"));
    EXPECT_THAT(run.err, HasSubstr("SIGILLO_CONFIG"));
    testing::write_text(sigillod_.scratch() / "empty.toml", "[sigillod]\n");
    run = sigillod_.run({"status", "--config", (sigillod_.scratch() / "empty.toml").string()});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("sigillod.admin_socket"));
}

TEST_F(CommandsTest, StatusShowsThePartsAndFailsWhenTheApplianceFails) {
    const auto with_state = [this](const std::string& state) {
        answer([state](sam::AdminResponse& response) {
            sam::Status& status = *response.mutable_status();
            status.set_version("0.1.0");
            status.set_origin("sigillo.example/log");
            status.set_log_size(42);
            status.mutable_health()->set_state(state);
            sam::HealthItem& item = *status.mutable_health()->add_items();
            item.set_name("anchor");
            item.set_state(state);
            item.set_reason("rollback anchor: same disk");
        });
    };
    with_state("degraded");
    ProgramEnd run = sigillod_.run({"status"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("Log size    42 entries"));
    EXPECT_THAT(run.out, HasSubstr("anchor  degraded  rollback anchor: same disk"));
    run = sigillod_.run({"--json", "status"});
    EXPECT_EQ(nlohmann::json::parse(run.out)["items"][0]["reason"], "rollback anchor: same disk");
    sigillod_.stop();
    with_state("failed");
    EXPECT_EQ(sigillod_.run({"status"}).exit_code, 1);
}

TEST_F(CommandsTest, ClientAddSendsTheDigestOfTheCertificatesPublicKey) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
    X509_set_pubkey(certificate.get(), key.get());
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 60);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    const std::string path = (sigillod_.scratch() / "client.pem").string();
    std::FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
    std::uint8_t* der = nullptr;
    const int size = i2d_PUBKEY(key.get(), &der);
    const Sha256Value expected = sha256(ByteView(der, static_cast<std::size_t>(size)));
    OPENSSL_free(der);

    answer([](sam::AdminResponse& response) { fill(*response.mutable_client(), kId); });
    const ProgramEnd run =
        sigillod_.run({"client", "add", "--tenant", "bank", "--name", "portal", "--cert", path});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr(kId));
    const sam::AdminRequest asked = asked_once();
    EXPECT_EQ(asked.client_add().tenant(), "bank");
    EXPECT_EQ(asked.client_add().name(), "portal");
    EXPECT_EQ(asked.client_add().spki_sha256(), as_text(expected));
}

TEST_F(CommandsTest, ClientAddRefusesAFileWithoutCertificate) {
    testing::write_text(sigillod_.scratch() / "no.pem", "nothing");
    const ProgramEnd run = sigillod_.run({"client", "add", "--tenant", "bank", "--name", "x", "--cert",
                                          (sigillod_.scratch() / "no.pem").string()});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("holds no PEM certificate"));
}

TEST_F(CommandsTest, ClientAddTakesTheDigestInHex) {
    answer([](sam::AdminResponse& response) { fill(*response.mutable_client(), kId); });
    const ProgramEnd run =
        sigillod_.run({"client", "add", "--tenant", "bank", "--name", "x", "--spki", std::string(64, 'a')});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(asked_once().client_add().spki_sha256(), std::string(32, '\xaa'));
}

TEST_F(CommandsTest, ClientListIsATableOrJson) {
    answer([](sam::AdminResponse& response) {
        fill(*response.mutable_clients()->add_clients(), kId);
        fill(*response.mutable_clients()->add_clients(), "0f3a0000000000000000000000000000");
        response.mutable_clients()->mutable_clients(1)->set_removed(true);
    });
    EXPECT_EQ(
        sigillod_.run({"client", "list"}).out,
        "CLIENT                            TENANT  NAME    SPKI SHA-256                                      "
        "        "
        "        CREATED               STATE\n"
        "9a0364b9e99bb480dd25e1f0284c8555  bank    portal  "
        "1111111111111111111111111111111111111111111111111111111111111111  2027-01-15T08:00:00Z  active\n"
        "0f3a0000000000000000000000000000  bank    portal  "
        "1111111111111111111111111111111111111111111111111111111111111111  2027-01-15T08:00:00Z  removed\n"
        "2 clients\n");
    const auto json = nlohmann::json::parse(sigillod_.run({"client", "list", "--json"}).out);
    EXPECT_EQ(json[1]["removed"], true);
    EXPECT_EQ(json[0]["clientID"], kId);
}

TEST_F(CommandsTest, OrdersCarryIdAndReason) {
    answer([](sam::AdminResponse& response) { response.mutable_done(); });
    EXPECT_EQ(sigillod_.run({"client", "remove", kId, "--reason", "ended"}).exit_code, 0);
    EXPECT_EQ(sigillod_.run({"credential", "suspend", kId, "--reason", "phone lost"}).exit_code, 0);
    EXPECT_EQ(sigillod_.run({"credential", "resume", kId}).exit_code, 0);
    EXPECT_EQ(sigillod_.run({"credential", "revoke", kId, "--reason", "stolen"}).exit_code, 0);
    EXPECT_EQ(sigillod_.run({"credential", "qscd", kId, "on"}).exit_code, 0);
    EXPECT_EQ(sigillod_.run({"credential", "qscd", kId, "off"}).exit_code, 0);
    EXPECT_EQ(sigillod_.run({"factor", "unlock", "--credential", kId}).exit_code, 0);
    EXPECT_EQ(sigillod_.run({"factor", "unlock", "--factor", kId}).exit_code, 0);
    const auto asked = sigillod_.asked();
    ASSERT_EQ(asked.size(), 8U);
    EXPECT_EQ(asked[0].client_remove().client_id(), kId);
    EXPECT_EQ(asked[0].officer().reason(), "ended");
    EXPECT_EQ(asked[1].set_status().status(), "suspended");
    EXPECT_EQ(asked[1].set_status().reason(), "phone lost");
    EXPECT_EQ(asked[2].set_status().status(), "active");
    EXPECT_EQ(asked[3].set_status().status(), "revoked");
    EXPECT_EQ(asked[3].set_status().credential_id(), kId);
    EXPECT_TRUE(asked[4].set_qscd().qscd());
    EXPECT_FALSE(asked[5].set_qscd().qscd());
    EXPECT_EQ(asked[6].unlock_factors().credential_id(), kId);
    EXPECT_EQ(asked[7].unlock_factors().factor_id(), kId);
}

TEST_F(CommandsTest, EvidenceIsShownHarmlesslyAndErasedByOrder) {
    sigillod_.start([](const sam::AdminRequest& request, sam::AdminResponse& response) {
        if (request.has_erase_evidence()) {
            response.mutable_done();
            return;
        }
        sam::Evidence& evidence = *response.mutable_evidence();
        evidence.set_index(request.get_evidence().index());
        evidence.set_epoch(2);
        evidence.set_salt(std::string(32, 's'));
        evidence.set_sha256(std::string(32, 'd'));
        evidence.set_body(R"({"click":"{\"address\":\"192.0.2.7\"}","description":"a contract\u001b[2J"})");
    });
    const ProgramEnd run =
        sigillod_.run({"evidence", "show", "4711", "--epoch", "1", "--reason", "court order"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("Description  a contract?[2J\n"));
    EXPECT_THAT(run.out, HasSubstr(R"(Click        {"address":"192.0.2.7"})"));
    const auto json =
        nlohmann::json::parse(sigillod_.run({"evidence", "show", "4711", "--reason", "x", "--json"}).out);
    EXPECT_EQ(json["index"], 4711);
    EXPECT_EQ(json["sha256"], base64_encode(as_bytes(std::string(32, 'd'))));
    EXPECT_EQ(sigillod_.run({"evidence", "erase", "4711", "--reason", "art. 17"}).exit_code, 0);
    const auto asked = sigillod_.asked();
    ASSERT_EQ(asked.size(), 3U);
    EXPECT_EQ(asked[0].get_evidence().index(), 4711U);
    EXPECT_EQ(asked[0].get_evidence().epoch(), 1U);
    EXPECT_EQ(asked[0].officer().reason(), "court order");
    EXPECT_EQ(asked[2].erase_evidence().index(), 4711U);
    EXPECT_EQ(asked[2].erase_evidence().epoch(), 0U);
    EXPECT_EQ(asked[2].officer().reason(), "art. 17");
}

TEST_F(CommandsTest, CredentialShowNamesCertificateAndLock) {
    answer([](sam::AdminResponse& response) { fill(*response.mutable_credential()); });
    const ProgramEnd run = sigillod_.run({"credential", "show", kId});
    EXPECT_THAT(run.out, HasSubstr("active, locked"));
    EXPECT_THAT(run.out, HasSubstr("CN=Ada Lovelace,C=IT"));
    const auto json = nlohmann::json::parse(sigillod_.run({"credential", "show", kId, "--json"}).out);
    EXPECT_EQ(json["activation"], "pin and totp");
    EXPECT_EQ(json["chain"][0]["subjectDN"], "CN=Ada Lovelace,C=IT");
}

TEST_F(CommandsTest, ListsAreReadPageByPageAndPagesShrinkWhereAFrameIsTooSmall) {
    sigillod_.start([](const sam::AdminRequest& request, sam::AdminResponse& response) {
        const sam::Page& page = request.list_signers().page();
        if (page.limit() > 50) {
            response.mutable_error()->set_code(static_cast<std::uint32_t>(Errc::kLimitExceeded));
            return;
        }
        const unsigned after = page.after().empty()
                                   ? 0
                                   : static_cast<unsigned>(std::stoul(page.after().substr(24), nullptr, 16));
        response.mutable_signers();
        for (unsigned i = after + 1; i <= 130 && i <= after + page.limit(); ++i) {
            std::string id =
                hex_encode(Bytes{0, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)});
            response.mutable_signers()->add_signers()->set_signer_id(std::string(24, '0') + id);
        }
    });
    EXPECT_EQ(nlohmann::json::parse(sigillod_.run({"signer", "list", "--json"}).out).size(), 130U);
    EXPECT_EQ(nlohmann::json::parse(sigillod_.run({"signer", "list", "--limit", "60", "--json"}).out).size(),
              60U);
}

TEST_F(CommandsTest, NamesThatSignersChoseCannotControlTheTerminal) {
    answer([](sam::AdminResponse& response) {
        sam::Signer& signer = *response.mutable_signer();
        signer.set_signer_id(kId);
        signer.mutable_person()->set_given("Zoë\x1b[2J\nroot");
        signer.mutable_person()->set_family(
            "\xc2\x9b"
            "31m");
    });
    const ProgramEnd run = sigillod_.run({"signer", "show", kId});
    EXPECT_THAT(run.out, HasSubstr("Name     Zoë?[2J?root ?31m\n"));
    EXPECT_EQ(nlohmann::json::parse(sigillod_.run({"signer", "show", kId, "--json"}).out)["name"]["given"],
              "Zoë\x1b[2J\nroot");
}

TEST_F(CommandsTest, ARefusalNamesItsKindItsReasonAndWhatToDo) {
    refuse(Errc::kNotFound, "no such credential\x1b[0m");
    const ProgramEnd run = sigillod_.run({"credential", "revoke", kId, "--reason", "lost"});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_TRUE(run.out.empty());
    EXPECT_THAT(run.err, HasSubstr("not_found: no such credential?[0m"));
    EXPECT_THAT(run.err, HasSubstr("\n  see the ids that exist: sigilloctl credential list"));
}

TEST_F(CommandsTest, TheAdviceAfterARefusalIsAboutWhatWasAskedFor) {
    refuse(Errc::kConflict, "the unit is active");
    const ProgramEnd run = sigillod_.run({"tsu", "destroy", kId, "--reason", "retired"});
    EXPECT_THAT(run.err, HasSubstr("\n  see what there is, and its present state: sigilloctl tsu list"));
}

TEST_F(CommandsTest, LogCheckpointPrintsTheSignedNoteAsItIs) {
    answer([](sam::AdminResponse& response) {
        response.mutable_checkpoint()->set_text("origin\n3\nroot=\n\n— key sig\n");
        response.mutable_checkpoint()->set_vkey("vkey");
    });
    EXPECT_EQ(sigillod_.run({"log", "checkpoint"}).out, "origin\n3\nroot=\n\n— key sig\n");
    EXPECT_EQ(nlohmann::json::parse(sigillod_.run({"log", "checkpoint", "--json"}).out)["vkey"], "vkey");
}

TEST_F(CommandsTest, BackupCreateAsksForAnAbsoluteDirectory) {
    answer([](sam::AdminResponse& response) {
        response.mutable_backup()->set_directory("/somewhere");
        response.mutable_backup()->set_bytes(5 << 20);
    });
    const ProgramEnd run = sigillod_.run({"backup", "create", "relative/dir"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("5.0 MiB"));
    EXPECT_THAT(run.err, Not(HasSubstr("backing up")));  // no terminal, no progress
    EXPECT_EQ(asked_once().create_backup().directory(),
              (std::filesystem::current_path() / "relative/dir").string());
}

}  // namespace
}  // namespace sigillo
