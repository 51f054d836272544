#include "appliance/audit/verify/note.h"

#include <gtest/gtest.h>

#include "appliance/audit/verify/checkpoint.h"
#include "appliance/base/encoding.h"

namespace sigillo::audit {
namespace {

// The example of Go's golang.org/x/mod/sumdb/note, which the C2SP format comes from.
constexpr const char* kVkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const std::string kText =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const std::string kSignature =
    "\xe2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

TEST(NoteKey, ReadsAndWritesTheKnownKey) {
    const auto key = NoteKey::parse(kVkey);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->name(), "PeterNeumann");
    EXPECT_EQ(key->id(), 0xc74f20a3u);
    EXPECT_EQ(key->text(), kVkey);
}

TEST(NoteKey, RefusesWhatIsNoKey) {
    for (const std::string text :
         {"", "PeterNeumann", "PeterNeumann+c74f20a3",
          "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
          "Peter+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "PeterNeumann+c74f20a3+AhpC",
          "a b+c74f20a3+ARpc", "PeterNeumann+c74f20a3+AhPc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"})
        EXPECT_FALSE(NoteKey::parse(text)) << text;
    const Bytes key(32, 7);
    for (const std::string name : {"", "a b", "a+b", "a\tb", "a\u2003b", "a\xff"})
        EXPECT_FALSE(NoteKey::create(name, key)) << name;
    EXPECT_FALSE(NoteKey::create("name", Bytes(31, 7)));
    EXPECT_TRUE(NoteKey::create("sign.example/log/é", key));
}

TEST(Note, TheKnownNoteVerifies) {
    const auto note = parse_note(kText + "\n" + kSignature);
    ASSERT_TRUE(note);
    EXPECT_EQ(note->text, kText);
    EXPECT_TRUE(check_note(*note, *NoteKey::parse(kVkey)));
    EXPECT_EQ(format_note(*note), kText + "\n" + kSignature);
}

TEST(Note, AnyFlippedBitIsNoticed) {
    const auto key = *NoteKey::parse(kVkey);
    const std::string good = kText + "\n" + kSignature;
    for (std::size_t i = 0; i < good.size() * 8; ++i) {
        std::string bad = good;
        bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
        const auto note = parse_note(bad);
        EXPECT_FALSE(note && check_note(*note, key)) << "bit " << i;
    }
}

TEST(Note, SignaturesOfOthersAreIgnoredButMustBeWellFormed) {
    const auto key = *NoteKey::parse(kVkey);
    const std::string other = "\xe2\x80\x94 witness.example/w AAAAAAECAwQ=\n";
    const auto note = parse_note(kText + "\n" + other + kSignature);
    ASSERT_TRUE(note);
    EXPECT_EQ(note->signatures.size(), 2u);
    EXPECT_TRUE(check_note(*note, key));
    const auto alone = parse_note(kText + "\n" + other);
    ASSERT_TRUE(alone);
    EXPECT_EQ(check_note(*alone, key).error().code, Errc::kCorrupt);
    for (const std::string line :
         {"- PeterNeumann AAAAAAE=\n", "\xe2\x80\x94 PeterNeumann\n", "\xe2\x80\x94 a+b AAAAAAE=\n",
          "\xe2\x80\x94 a AAAA\n", "\xe2\x80\x94 a AAAAAAE=", "\n"})
        EXPECT_FALSE(parse_note(kText + "\n" + kSignature + line)) << line;
}

TEST(Note, TextMayHoldEmptyLinesAndTheLastOneSeparates) {
    const auto note = parse_note("a\n\nb\n\n" + kSignature);
    ASSERT_TRUE(note);
    EXPECT_EQ(note->text, "a\n\nb\n");
}

TEST(Note, RefusesControlCharactersBadUtf8AndExcess) {
    EXPECT_FALSE(parse_note("a\tb\n\n" + kSignature));
    EXPECT_FALSE(parse_note("a\r\n\n" + kSignature));
    EXPECT_FALSE(parse_note("a\xc0\x80\n\n" + kSignature));
    std::string long_text(kNoteLimit, 'a');
    long_text.append("\n\n").append(kSignature);
    EXPECT_FALSE(parse_note(long_text));
    std::string many = kText + "\n";
    for (int i = 0; i < 101; ++i) many += kSignature;
    EXPECT_FALSE(parse_note(many));
    EXPECT_FALSE(parse_note(kText));
    EXPECT_FALSE(parse_note(""));
}

// ---- checkpoints
// ------------------------------------------------------------------------------------------------

// The body of the example in C2SP tlog-checkpoint.
const std::string kBody =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

TEST(Checkpoint, ReadsAndWritesTheExampleOfTheSpecification) {
    const auto checkpoint = parse_checkpoint(kBody);
    ASSERT_TRUE(checkpoint);
    EXPECT_EQ(checkpoint->origin, "example.com/behind-the-sofa");
    EXPECT_EQ(checkpoint->size, 20852163u);
    EXPECT_EQ(base64_encode(checkpoint->root), "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=");
    EXPECT_EQ(format_checkpoint(*checkpoint), kBody);
    EXPECT_TRUE(parse_checkpoint(kBody + "an extension\n"));
}

TEST(Checkpoint, RefusesEveryOtherSpelling) {
    const std::string root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    for (const std::string& bad :
         {std::string(), "origin\n1\n" + root.substr(0, root.size() - 1), "origin\n01\n" + root,
          "origin\n+1\n" + root, "origin\n-1\n" + root, "origin\n1 \n" + root,
          "origin\n18446744073709551616\n" + root, "origin\n\n" + root, "\n1\n" + root,
          std::string("origin\n1\nCsUY\n"), "origin\n1\n" + root + "\n", std::string("origin\n1\n"),
          std::string("origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n")})
        EXPECT_FALSE(parse_checkpoint(bad)) << bad;
    EXPECT_TRUE(parse_checkpoint("origin\n18446744073709551615\n" + root));
    EXPECT_TRUE(parse_checkpoint("origin\n0\n" + root));
}

TEST(Checkpoint, TheFirstEpochsKeyCoversLaterEpochsAndNothingElse) {
    const Bytes raw(32, 9);
    const TrustedKeys keys({*NoteKey::create("sign.example/log", raw)});
    EXPECT_EQ(keys.find("sign.example/log")->name(), "sign.example/log");
    EXPECT_EQ(keys.find("sign.example/log/epoch-2")->name(), "sign.example/log/epoch-2");
    for (const std::string other :
         {"sign.example/log/epoch-1", "sign.example/log/epoch-02", "sign.example/log/epoch-",
          "sign.example/logs", "sign.example/log/epoch-2/x", "sign.example", ""})
        EXPECT_FALSE(keys.find(other)) << other;
    EXPECT_EQ(epoch_origin("a", 1), "a");
    EXPECT_EQ(epoch_of_origin("a", epoch_origin("a", 17)), 17u);
}

TEST(Checkpoint, KeyFilesMayHaveCommentsAndSeveralKeys) {
    const auto keys = TrustedKeys::parse("# the log's key\n\n" + std::string(kVkey) + "\r\n");
    ASSERT_TRUE(keys);
    EXPECT_TRUE(keys->find("PeterNeumann"));
    EXPECT_FALSE(TrustedKeys::parse("# nothing\n"));
    EXPECT_FALSE(TrustedKeys::parse("rubbish\n"));
}

}  // namespace
}  // namespace sigillo::audit
