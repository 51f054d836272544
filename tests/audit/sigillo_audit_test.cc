// The auditor's program, from outside: exit codes, words and places. tests/README.md, 8.
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/audit/log_under_test.h"

namespace sigillo::audit {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::contents;
using testing::LogUnderTest;

const std::string kAlice(32, 'a');
const std::string kBob(32, 'b');

struct Outcome {
    int exit = -1;
    std::string out;  // standard output and standard error
    std::string last_line() const {
        const auto end = out.find_last_not_of('\n');
        const auto begin = out.rfind('\n', end);
        return end == std::string::npos ? "" : out.substr(begin + 1, end - begin);
    }
};

Outcome run(const std::string& arguments) {
    std::string command = SIGILLO_AUDIT;
    command.append(" ").append(arguments).append(" 2>&1");
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("popen");
    Outcome outcome;
    char chunk[4096];
    while (const std::size_t got = ::fread(chunk, 1, sizeof chunk, pipe)) outcome.out.append(chunk, got);
    const int status = ::pclose(pipe);
    outcome.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    return outcome;
}

class SigilloAudit : public ::testing::Test {
 protected:
    void SetUp() override { ASSERT_TRUE(log_.start()); }
    std::string where() { return " --log " + log_.directory().string() + " --key " + log_.vkey().string(); }
    Outcome verify(const std::string& more = "") { return run("verify" + where() + more); }
    std::string kept(const std::string& name, const std::string& text) {
        testing::overwrite(log_.scratch(name), text);
        return log_.scratch(name).string();
    }
    // Leaves of every kind, tiles of two levels, a stale partial tile of the checkpoint before.
    void fill() {
        log_.append(500);
        for (int i = 0; i < 10; ++i) log_.use_key(i % 2 == 0 ? kAlice : kBob);
        log_.publish();
        log_.append(7);
        log_.publish();
    }

    LogUnderTest log_;
};

TEST_F(SigilloAudit, VerifyHolds) {
    fill();
    const Outcome verified = verify();
    EXPECT_EQ(verified.exit, 0) << verified.out;
    EXPECT_NE(verified.out.find("size 537"), std::string::npos) << verified.out;
    EXPECT_NE(verified.out.find("10 uses of 2 keys"), std::string::npos) << verified.out;
    EXPECT_EQ(verified.last_line(), "The log holds.");
    const json machine = json::parse(verify(" --json").out);
    EXPECT_EQ(machine["holds"], true);
    EXPECT_EQ(machine["epochs"][0]["size"], 537);
}

TEST_F(SigilloAudit, VerifyHoldsForTheEmptyLog) {
    EXPECT_EQ(verify().exit, 0);
}

// tests/README.md, 8: any bit flipped in the log is found, and its place named.
TEST_F(SigilloAudit, AnyFlippedBitIsFoundAndItsPlaceNamed) {
    fill();
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(log_.directory())) {
        if (entry.is_regular_file()) files.push_back(entry.path());
    }
    ASSERT_EQ(files.size(), 1u + 2 * 2 + 2 * 2 + 1)
        << "checkpoint; two full tiles and bundles; two partial ones of each; level 1";
    for (const fs::path& file : files) {
        const std::string good = contents(file);
        for (int i = 0; i < 12; ++i) {
            const std::uint64_t bit = (good.size() * 8 - 1) * static_cast<std::uint64_t>(i) / 11;
            testing::flip_bit(file, bit);
            const Outcome found = verify();
            EXPECT_EQ(found.exit, 1) << file << " bit " << bit << "\n" << found.out;
            const std::string name = file.lexically_relative(log_.directory()).string();
            EXPECT_NE(found.out.find(name), std::string::npos)
                << "not named: " << name << " bit " << bit << "\n"
                << found.out;
            testing::overwrite(file, good);
        }
    }
    EXPECT_EQ(verify().exit, 0);
}

TEST_F(SigilloAudit, AnyMissingOrShortenedFileThatTheCheckpointNeedsIsFound) {
    fill();
    for (const char* name : {"checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/25", "tile/1/000.p/2",
                             "tile/entries/000", "tile/entries/002.p/25"}) {
        const fs::path file = log_.directory() / name;
        ASSERT_TRUE(fs::exists(file)) << name;
        const std::string good = contents(file);
        for (const bool remove : {true, false}) {
            if (remove)
                fs::remove(file);
            else
                testing::overwrite(file, good.substr(0, good.size() - 1));
            const Outcome found = verify();
            EXPECT_EQ(found.exit, 1) << name;
            EXPECT_NE(found.out.find(name), std::string::npos) << found.out;
            testing::overwrite(file, good);
        }
    }
}

TEST_F(SigilloAudit, AStrangeFileIsMentionedAndNoFault) {
    fill();
    testing::overwrite(log_.directory() / "tile/0/README", "hello");
    const Outcome verified = verify();
    EXPECT_EQ(verified.exit, 0);
    EXPECT_NE(verified.out.find("tile/0/README is no file of a log"), std::string::npos) << verified.out;
}

TEST_F(SigilloAudit, AnOlderCheckpointMustBeExtended) {
    log_.append(300);
    log_.publish();
    const std::string old = kept("old", log_.publisher().checkpoint());
    fill();
    const Outcome good = verify(" --old " + old);
    EXPECT_EQ(good.exit, 0) << good.out;
    EXPECT_NE(good.out.find("signed at size 300"), std::string::npos);
    const Outcome forked =
        verify(" --old " + kept("forked", *log_.identity().sign({testing::kOrigin, 300, empty_root()})));
    EXPECT_EQ(forked.exit, 1);
    EXPECT_NE(forked.out.find("not an extension"), std::string::npos) << forked.out;
    const Outcome ahead =
        verify(" --old " + kept("ahead", *log_.identity().sign({testing::kOrigin, 5000, empty_root()})));
    EXPECT_EQ(ahead.exit, 1);
    EXPECT_NE(ahead.out.find("rolled back"), std::string::npos) << ahead.out;
    EXPECT_EQ(verify(" --old " + kept("rubbish", "rubbish")).exit, 1);
    EXPECT_EQ(verify(" --old /nowhere").exit, 2);
}

TEST_F(SigilloAudit, AnotherLogsKeyIsRefused) {
    fill();
    const auto other = LogIdentity::create(testing::kOrigin,
                                           sigillo::testing::SoftwareKey::generate(KeyAlgorithm::kEd25519));
    const std::string key = kept("other", other->verifier_key() + "\n");
    const Outcome refused = run("verify --log " + log_.directory().string() + " --key " + key);
    EXPECT_EQ(refused.exit, 1);
    EXPECT_NE(refused.out.find("not signed by"), std::string::npos) << refused.out;
}

TEST_F(SigilloAudit, WrongUsageIsExit2) {
    for (const std::string arguments :
         {"", "nonsense", "verify", "verify --log /nowhere", "show --from x", "--nonsense"}) {
        EXPECT_EQ(run(arguments).exit, 2) << arguments;
    }
    EXPECT_EQ(run("verify --log " + log_.directory().string() + " --key /nowhere").exit, 2);
    EXPECT_EQ(run("verify --log /nowhere --key " + log_.vkey().string()).exit, 2);
    EXPECT_EQ(run("verify --log " + log_.directory().string() + " --key " + kept("bad", "rubbish")).exit, 2);
    EXPECT_EQ(run("uses --credential x" + where()).exit, 2);
    EXPECT_EQ(run("prove 0" + where()).exit, 2) << "beyond the checkpoint";
    EXPECT_EQ(run("show --from 5" + where()).exit, 2);
}

TEST_F(SigilloAudit, HelpHasExamplesAndExitStatus) {
    const Outcome help = run("--help");
    EXPECT_EQ(help.exit, 0);
    EXPECT_NE(help.out.find("EXAMPLES"), std::string::npos);
    EXPECT_NE(help.out.find("EXIT STATUS"), std::string::npos);
    for (const char* command : {"verify", "show", "uses", "prove", "check-proof"}) {
        EXPECT_NE(help.out.find(command), std::string::npos);
        EXPECT_EQ(run(std::string(command) + " --help").exit, 0);
    }
}

TEST_F(SigilloAudit, ShowPrintsLeavesInRangeAndOfAType) {
    fill();
    const Outcome table = run("show --from 499 --to 503" + where());
    EXPECT_EQ(table.exit, 0) << table.out;
    EXPECT_EQ(std::ranges::count(table.out, '\n'), 6) << table.out;
    EXPECT_NE(table.out.find("signing.intent"), std::string::npos) << table.out;
    const Outcome lines = run("show --json --type signing." + where());
    EXPECT_EQ(std::ranges::count(lines.out, '\n'), 20);
    const json first = json::parse(lines.out.substr(0, lines.out.find('\n')));
    EXPECT_EQ(first["index"], 501);
    EXPECT_EQ(first["event"]["credential"], kAlice);
    EXPECT_EQ(std::ranges::count(run("show --json --type signing.outcome" + where()).out, '\n'), 10);
}

TEST_F(SigilloAudit, ShowRefusesALeafThatDoesNotHashToItsPlace) {
    fill();
    testing::flip_bit(log_.directory() / "tile/entries/001", 8000);
    EXPECT_EQ(run("show --to 100" + where()).exit, 0) << "the rest can still be read";
    EXPECT_EQ(run("show" + where()).exit, 1);
}

TEST_F(SigilloAudit, TerminalsGetNoControlCharacters) {
    log_.append(1, "\x1b[2J\xe2\x80\xae evil");
    log_.publish();
    const Outcome shown = run("show" + where());
    EXPECT_EQ(shown.out.find('\x1b'), std::string::npos);
    EXPECT_EQ(shown.out.find("\xe2\x80\xae"), std::string::npos);
}

TEST_F(SigilloAudit, UsesShowsEveryUseAndSaysThatTheseAreAll) {
    fill();
    const Outcome uses = run("uses --credential " + kAlice + where());
    EXPECT_EQ(uses.exit, 0) << uses.out;
    EXPECT_NE(uses.last_line().find("These are all uses of this key: 5. Its leaves, intents and outcomes, "
                                    "are numbered 1 to 10 without a gap as of "
                                    "the checkpoint of size 537"),
              std::string::npos)
        << uses.out;
    const json machine = json::parse(run("uses --json --credential " + kBob + where()).out);
    EXPECT_EQ(machine["complete"], true);
    ASSERT_EQ(machine["uses"].size(), 5u);
    EXPECT_EQ(machine["uses"][0]["result"], "signed");
    EXPECT_EQ(machine["uses"][0]["seq"], 1);
    EXPECT_EQ(machine["uses"][4]["signatures"].size(), 1u);
    // One that nobody knows is not told as one that was never used.
    const Outcome unknown = run("uses --credential " + std::string(32, 'e') + where());
    EXPECT_EQ(unknown.exit, 0);
    EXPECT_NE(unknown.out.find("No entry of this log names this key"), std::string::npos) << unknown.out;
    const Outcome tokens = run("tokens" + where());
    EXPECT_EQ(tokens.exit, 2);
    EXPECT_NE(tokens.out.find("no log of a time-stamping authority"), std::string::npos) << tokens.out;
}

class GapTest : public SigilloAudit, public ::testing::WithParamInterface<const char*> {};

// Members of an Intent or Outcome that break the chain; each must be found by verify and by uses, with the
// leaf named.
TEST_P(GapTest, IsFoundAndItsLeafNamed) {
    log_.append(40);
    log_.use_key(kAlice);  // leaves 40, 41, 42
    const std::string fault = GetParam();
    ASSERT_TRUE(log_.store().update([&](WriteTransaction& txn) -> Status {
        Event granted("activation.granted", log_.clock().now());
        granted.set("credential", kAlice);
        SIGILLO_ASSIGN([[maybe_unused]] const auto activation, log_.log().append(txn, granted));
        Event event(fault == "outcome" || fault == "result" ? "signing.outcome" : "signing.intent",
                    log_.clock().now());
        event.set("credential", fault == "first" ? kBob : kAlice)
            .set("seq", std::uint64_t{fault == "seq" ? 4u : 3u});
        event.set("prev", std::uint64_t{fault == "prev" ? 41u : 42u});
        event.set("activation", std::uint64_t{fault == "activation" ? 42u : 43u});
        event.set("intent", std::uint64_t{41}).set("result", fault == "result" ? "fine" : "signed");
        SIGILLO_ASSIGN([[maybe_unused]] const auto index, log_.log().append(txn, event));
        return {};
    }));
    log_.publish();
    const bool sound = fault == "none";
    for (const std::string& command : {std::string("verify"), "uses --credential " + kAlice}) {
        const Outcome found = run(command + where());
        EXPECT_EQ(found.exit, sound ? 0 : 1) << found.out;
        EXPECT_TRUE(sound || found.out.find("leaf 44") != std::string::npos) << found.out;
    }
}

INSTANTIATE_TEST_SUITE_P(Faults, GapTest,
                         ::testing::Values("none", "seq", "prev", "activation", "outcome", "result", "first"),
                         [](const auto& fault) { return std::string(fault.param); });

TEST_F(SigilloAudit, AProofHoldsWithoutTheLog) {
    fill();
    for (const std::string index : {"0", "255", "256", "501", "536"}) {
        const std::string file = log_.scratch("proof").string();
        const std::string prove = "prove " + index;
        std::string into_file = prove;
        into_file.append(" --out ").append(file).append(where());
        const Outcome proven = run(into_file);
        ASSERT_EQ(proven.exit, 0) << proven.out;
        EXPECT_EQ(json::parse(run(prove + where()).out), json::parse(contents(file)));
        const Outcome checked = run("check-proof " + file + " --key " + log_.vkey().string());
        EXPECT_EQ(checked.exit, 0) << checked.out;
        EXPECT_NE(checked.out.find("Leaf " + index + " is in " + testing::kOrigin), std::string::npos);

        const json good = json::parse(contents(file));
        const auto refused = [&](const char* member, const json& value) {
            json bad = good;
            bad[member] = value;
            testing::overwrite(file, bad.dump());
            EXPECT_EQ(run("check-proof " + file + " --key " + log_.vkey().string()).exit, 1) << member;
        };
        refused("index", good["index"].get<int>() + 1);
        refused("leaf", "e30=");
        refused("proof", json::array());
        refused("checkpoint", "rubbish");
        refused("proof", json::array({1}));
        testing::overwrite(file, "[]");
        EXPECT_EQ(run("check-proof " + file + " --key " + log_.vkey().string()).exit, 1);
    }
}

TEST_F(SigilloAudit, EarlierEpochsAreVerifiedWithTheirSuccession) {
    fill();
    const std::string before = kept("before", log_.publisher().checkpoint());
    EpochOrder order{"officer-7", "the disk was replaced", log_.clock().now(), {}};
    ASSERT_TRUE(open_epoch(log_.store(), log_.log(), log_.identity(), log_.places(), order));
    ASSERT_TRUE(log_.start());
    log_.use_key(kAlice);  // goes on with seq 11
    log_.publish();
    const Outcome verified = verify(" --old " + before);
    EXPECT_EQ(verified.exit, 0) << verified.out;
    EXPECT_NE(verified.out.find("sign.example/log/epoch-2 succeeds sign.example/log at size 537: ordered by "
                                "officer-7, because the disk was replaced"),
              std::string::npos)
        << verified.out;
    EXPECT_NE(run("uses --credential " + kAlice + where()).out.find("those before are in earlier epochs"),
              std::string::npos);
    testing::flip_bit(log_.directory() / "epochs/1/tile/entries/000", 500);
    const Outcome found = verify();
    EXPECT_EQ(found.exit, 1);
    EXPECT_NE(found.out.find("tile/entries/000"), std::string::npos);
}

TEST(SigilloAuditUnderLoad, VerifiesALogThatIsBeingPublished) {
    LogUnderTest log;
    log.config.interval = std::chrono::milliseconds(10);
    ASSERT_TRUE(log.start());
    log.publisher().start();
    std::atomic<bool> done = false;
    std::thread auditor([&] {
        for (int i = 0; i < 15; ++i) {
            const Outcome verified =
                run("verify --log " + log.directory().string() + " --key " + log.vkey().string());
            EXPECT_EQ(verified.exit, 0) << verified.out;
        }
        done = true;
    });
    while (!done) {
        log.append(20);
        log.use_key(kAlice);
    }
    auditor.join();
    log.publisher().stop();
}

}  // namespace
}  // namespace sigillo::audit
