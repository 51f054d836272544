// What sigilloctl does while sigillod is stopped: orders of a new epoch, backups held against their manifest
// and put back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "appliance/base/digest.h"
#include "appliance/base/encoding.h"
#include "tests/sigilloctl/fake_sigillod.h"

namespace sigillo {
namespace {

using testing::FakeSigillod;
using ::testing::HasSubstr;
using testing::ProgramEnd;
using testing::read_text;
using testing::write_text;

namespace fs = std::filesystem;

class OfflineTest : public ::testing::Test {
 protected:
    void SetUp() override {
        put("store/data.mdb", std::string(3'000'000, 's'));
        put("log/checkpoint", "origin\n1\nroot=\n\n— key sig\n");
        put("log/tile/0/000.p/1", "leaf");
        write_manifest();
    }
    fs::path backup() const { return sigillod_.scratch() / "backup"; }
    fs::path order() const { return sigillod_.store() / "epoch.order"; }
    void put(const std::string& path, const std::string& text) {
        write_text(backup() / path, text);
        files_[path] = text;
    }
    // As appliance/sigillod/backup.cc writes it.
    void write_manifest() {
        manifest_ = {{"format", 1},
                     {"created", "2026-11-23T09:00:00.000Z"},
                     {"officer", "uid 0"},
                     {"checkpoint", files_["log/checkpoint"]},
                     {"files", nlohmann::json::array()}};
        for (const auto& [path, text] : files_)
            manifest_["files"].push_back(
                {{"path", path}, {"sha256", hex_encode(sha256(as_bytes(text)))}, {"bytes", text.size()}});
        save_manifest();
    }
    void save_manifest() { write_text(backup() / "manifest.json", manifest_.dump(2)); }
    ProgramEnd verify() { return sigillod_.run({"backup", "verify", backup().string()}); }
    ProgramEnd restore() {
        return sigillod_.run({"backup", "restore", backup().string(), "--reason", "disk lost"});
    }

    FakeSigillod sigillod_;
    std::map<std::string, std::string> files_;
    nlohmann::json manifest_;
};

TEST_F(OfflineTest, AnOverrideLeavesAnOrderThatNamesOfficerReasonAndTime) {
    fs::create_directory(sigillod_.store());
    const ProgramEnd run = sigillod_.run({"log", "override", "--reason", "restored by hand"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("systemctl start sigillod"));
    const auto json = nlohmann::json::parse(read_text(order()));
    EXPECT_EQ(json["reason"], "restored by hand");
    EXPECT_THAT(json["officer"].get<std::string>(), HasSubstr("uid " + std::to_string(::getuid())));
    EXPECT_EQ(json["time"].get<std::string>().size(), 24U);
    struct stat info{};
    ASSERT_EQ(::stat(order().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(OfflineTest, AnOverrideIsRefusedWhileSigillodRunsAndWhileAnOrderWaits) {
    fs::create_directory(sigillod_.store());
    sigillod_.start([](const sam::AdminRequest&, sam::AdminResponse& response) { response.mutable_done(); });
    ProgramEnd run = sigillod_.run({"log", "override", "--reason", "x"});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("sigillod is running"));
    EXPECT_FALSE(fs::exists(order()));
    sigillod_.stop();
    EXPECT_EQ(sigillod_.run({"log", "override", "--reason", "first"}).exit_code, 0);
    run = sigillod_.run({"log", "override", "--reason", "second"});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(read_text(order()), HasSubstr("first"));
}

TEST_F(OfflineTest, AnOverrideWithoutStoreIsRefused) {
    const ProgramEnd run = sigillod_.run({"log", "override", "--reason", "x"});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("the store's directory must exist"));
}

TEST_F(OfflineTest, AWholeBackupVerifies) {
    const ProgramEnd run = verify();
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("Files    3"));
    EXPECT_THAT(run.out, HasSubstr("sigillo-audit verify"));
}

TEST_F(OfflineTest, AChangedByteIsFoundAndItsFileNamed) {
    std::string text = files_["store/data.mdb"];
    text[1'234'567] = 'x';
    write_text(backup() / "store/data.mdb", text);
    const ProgramEnd run = verify();
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("store/data.mdb is not what was backed up"));
}

TEST_F(OfflineTest, AMissingASurplusAndALinkedFileAreFound) {
    write_text(backup() / "log/extra", "x");
    EXPECT_THAT(verify().err, HasSubstr("log/extra is in the backup's directory, but not in its manifest"));
    fs::remove(backup() / "log/extra");
    fs::rename(backup() / "log/tile/0/000.p/1", sigillod_.scratch() / "moved");
    EXPECT_THAT(verify().err, HasSubstr("is listed, but missing"));
    fs::create_symlink(sigillod_.scratch() / "moved", backup() / "log/tile/0/000.p/1");
    EXPECT_THAT(verify().err, HasSubstr("is neither a file nor a directory"));
}

TEST_F(OfflineTest, ABackupThatWasNotFinishedIsNone) {
    fs::remove(backup() / "manifest.json");
    const ProgramEnd run = verify();
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("not finished"));
}

TEST_F(OfflineTest, AManifestCannotNamePathsOutsideOrAnotherCheckpoint) {
    for (const char* path :
         {"/etc/passwd", "../store/x", "store/../../x", "store", "etc/x", "store/", "log/./x"}) {
        manifest_["files"][0]["path"] = path;
        save_manifest();
        const ProgramEnd run = restore();
        EXPECT_EQ(run.exit_code, 1) << path;
        EXPECT_THAT(run.err, HasSubstr("corrupt")) << path;
    }
    write_manifest();
    manifest_["checkpoint"] = "another";
    save_manifest();
    EXPECT_THAT(verify().err, HasSubstr("not the checkpoint of the manifest"));
    manifest_["format"] = 3;
    save_manifest();
    EXPECT_THAT(verify().err, HasSubstr("unsupported"));
    write_text(backup() / "manifest.json", "{");
    EXPECT_EQ(verify().exit_code, 1);
}

TEST_F(OfflineTest, ARestorePutsStoreAndLogInPlaceAndOrdersANewEpoch) {
    fs::create_directory(sigillod_.store());
    const ProgramEnd run = restore();
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(read_text(sigillod_.store() / "data.mdb"), files_["store/data.mdb"]);
    EXPECT_EQ(read_text(sigillod_.log() / "checkpoint"), files_["log/checkpoint"]);
    EXPECT_EQ(read_text(sigillod_.log() / "tile/0/000.p/1"), "leaf");
    EXPECT_EQ(nlohmann::json::parse(read_text(order()))["reason"], "disk lost");
    EXPECT_THAT(run.out, HasSubstr("systemctl start sigillod"));
    std::size_t in_store = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(sigillod_.store())) ++in_store;
    EXPECT_EQ(in_store, 2U);  // data.mdb and the order: nothing unfinished is left
}

TEST_F(OfflineTest, ARestoreRefusesToOverwriteWhatIsThere) {
    write_text(sigillod_.store() / "data.mdb", "newer");
    ProgramEnd run = restore();
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("is not empty"));
    EXPECT_EQ(read_text(sigillod_.store() / "data.mdb"), "newer");
    fs::remove_all(sigillod_.store());
    write_text(sigillod_.log() / "checkpoint", "newer");
    run = restore();
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr(".before-restore"));
    EXPECT_EQ(read_text(sigillod_.log() / "checkpoint"), "newer");
    EXPECT_FALSE(fs::exists(sigillod_.store() / "data.mdb"));
}

TEST_F(OfflineTest, ARestoreIsRefusedWhileSigillodRuns) {
    sigillod_.start([](const sam::AdminRequest&, sam::AdminResponse& response) { response.mutable_done(); });
    const ProgramEnd run = restore();
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("sigillod is running"));
    EXPECT_FALSE(fs::exists(sigillod_.store()));
}

TEST_F(OfflineTest, ADamagedBackupIsNotRestored) {
    write_text(backup() / "log/tile/0/000.p/1", "leak");
    EXPECT_EQ(restore().exit_code, 1);
    EXPECT_FALSE(fs::exists(sigillod_.store()));
    EXPECT_FALSE(fs::exists(sigillod_.log()));
}

TEST_F(OfflineTest, ANewerLogTakesThePlaceOfTheBackups) {
    const fs::path newer = sigillod_.scratch() / "log.before-restore";
    write_text(newer / "checkpoint", "origin\n2\nroot=\n\n— key sig\n");
    write_text(newer / "tile/0/000.p/2", "leaves");
    write_text(newer / ".tmp/000.p-2-x", "half a tile");
    const ProgramEnd run = sigillod_.run({"backup", "restore", backup().string(), "--log", newer.string()});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(run.out.find("WITHOUT A NEWER LOG"), std::string::npos);
    EXPECT_EQ(read_text(sigillod_.log() / "tile/0/000.p/2"), "leaves");
    EXPECT_FALSE(fs::exists(sigillod_.log() / "tile/0/000.p/1"));
    EXPECT_FALSE(fs::exists(sigillod_.log() / ".tmp"));
    const auto json = nlohmann::json::parse(read_text(order()));
    EXPECT_EQ(json["newer_log"], true);
    EXPECT_EQ(json["backup"], "2026-11-23T09:00:00.000Z");
}

TEST_F(OfflineTest, ALogThatOutlivedItsStoreStaysWhereItIs) {
    write_text(sigillod_.log() / "checkpoint", "origin\n5\nroot=\n\n— key sig\n");
    EXPECT_EQ(restore().exit_code, 1) << "not unless it is asked for";
    const ProgramEnd run =
        sigillod_.run({"backup", "restore", backup().string(), "--log", sigillod_.log().string()});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(read_text(sigillod_.log() / "checkpoint"), HasSubstr("origin\n5\n"));
    EXPECT_EQ(read_text(sigillod_.store() / "data.mdb"), files_["store/data.mdb"]);
}

TEST_F(OfflineTest, AnOlderLogOrNoneIsNotTakenForANewerOne) {
    put("log/checkpoint", "origin\n7\nroot=\n\n— key sig\n");
    write_manifest();
    const fs::path older = sigillod_.scratch() / "older";
    write_text(older / "checkpoint", "origin\n3\nroot=\n\n— key sig\n");
    EXPECT_THAT(sigillod_.run({"backup", "restore", backup().string(), "--log", older.string()}).err,
                HasSubstr("it is older"));
    fs::remove(older / "checkpoint");
    EXPECT_THAT(sigillod_.run({"backup", "restore", backup().string(), "--log", older.string()}).err,
                HasSubstr("a published log"));
    EXPECT_FALSE(fs::exists(sigillod_.store()));
}

TEST_F(OfflineTest, ARestoreWithoutANewerLogSaysWhatMustBeRepeated) {
    const ProgramEnd run = restore();
    EXPECT_THAT(run.out, HasSubstr("WITHOUT A NEWER LOG"));
    EXPECT_THAT(run.out, HasSubstr("2026-11-23T09:00:00.000Z"));
    EXPECT_EQ(nlohmann::json::parse(read_text(order()))["newer_log"], false);
}

}  // namespace
}  // namespace sigillo
