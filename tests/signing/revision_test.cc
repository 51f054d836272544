#include "appliance/signing/revision.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>

#include "appliance/base/file.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::signing::testing {
namespace {

// A document, and behind it a revision around a gap.
class RevisionTest : public ::testing::Test {
 protected:
    explicit RevisionTest(std::size_t document_size = 100'000) {
        document_.resize(document_size);
        for (std::size_t i = 0; i < document_.size(); ++i)
            document_[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
        before_ = to_bytes("\n12 0 obj << /Type /Sig /ByteRange [ ... ] /Contents ");
        gap_ = to_bytes("<" + std::string(4'094, '0') + ">");
        after_ = to_bytes(" >> endobj xref ... %%EOF\n");
    }
    // The file, written anew, and what is said of it.
    PreparedRevision prepare() {
        const Bytes whole = concat(document_, before_, gap_, after_);
        EXPECT_TRUE(write_file_durably(scratch_ / "revision", whole));
        fd_ = UniqueFd(::open((scratch_ / "revision").c_str(), O_RDONLY | O_CLOEXEC));
        PreparedRevision revision;
        revision.fd = fd_.get();
        revision.size = whole.size();
        revision.original_size = document_.size();
        const std::uint64_t gap = document_.size() + before_.size();
        revision.byte_range = {0, gap, gap + gap_.size(), after_.size()};
        return revision;
    }
    Digest authorised(HashAlgorithm hash = HashAlgorithm::kSha256) const {
        return digest_of(hash, document_);
    }
    Digest byte_range(HashAlgorithm hash = HashAlgorithm::kSha256) const {
        return digest_of(hash, concat(document_, before_, after_));
    }
    Error refusal(const std::function<void(PreparedRevision&)>& change) {
        PreparedRevision revision = prepare();
        change(revision);
        const auto digest = digest_of_revision(revision, authorised());
        EXPECT_FALSE(digest);
        return digest ? Error{} : digest.error();
    }

    const sigillo::testing::ScratchDirectory scratch_;
    UniqueFd fd_;
    Bytes document_;
    Bytes before_;
    Bytes gap_;
    Bytes after_;
};

TEST_F(RevisionTest, YieldsTheDigestOfTheByteRange) {
    const PreparedRevision revision = prepare();
    for (const auto hash : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
        const auto digest = digest_of_revision(revision, authorised(hash));
        ASSERT_TRUE(digest) << to_string(digest.error());
        EXPECT_EQ(*digest, byte_range(hash));
    }
}

TEST_F(RevisionTest, OfFilesLongerThanAPieceAndOfShortOnes) {
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{262'143}, std::size_t{262'144}, std::size_t{3'000'000}}) {
        document_.assign(size, 'x');
        const auto digest = digest_of_revision(prepare(), authorised());
        ASSERT_TRUE(digest) << size;
        EXPECT_EQ(*digest, byte_range()) << size;
    }
    after_ = {};  // the gap ends where the file does
    EXPECT_EQ(*digest_of_revision(prepare(), authorised()), byte_range());
    before_ = {};  // and begins where the document ends
    EXPECT_EQ(*digest_of_revision(prepare(), authorised()), byte_range());
}

TEST_F(RevisionTest, AnyOtherByteOfTheDocumentIsAnotherDocument) {
    const Digest authorised_digest = authorised();
    for (const std::size_t at : {std::size_t{0}, document_.size() / 2, document_.size() - 1}) {
        document_[at] ^= 1U;
        const auto digest = digest_of_revision(prepare(), authorised_digest);
        document_[at] ^= 1U;
        ASSERT_FALSE(digest) << at;
        EXPECT_EQ(digest.error().code, Errc::kHashNotAuthorized);
        EXPECT_EQ(digest.error().field, "document");
    }
    // A byte more or less before the revision is too.
    for (const int difference : {-1, 1}) {
        const Error error = refusal([&](PreparedRevision& r) {
            r.original_size =
                static_cast<std::uint64_t>(static_cast<std::int64_t>(r.original_size) + difference);
        });
        EXPECT_EQ(error.code, Errc::kHashNotAuthorized);
    }
}

TEST_F(RevisionTest, TheGapHoldsZerosInBracketsAndNothingElse) {
    for (const std::size_t at :
         {std::size_t{0}, std::size_t{1}, std::size_t{2'000}, gap_.size() - 2, gap_.size() - 1})
        for (const char other : {'1', ' ', '<', '>', '\0'}) {
            const std::uint8_t was = gap_[at];
            if (was == static_cast<std::uint8_t>(other)) continue;
            gap_[at] = static_cast<std::uint8_t>(other);
            const Error error = refusal([](PreparedRevision&) {});
            EXPECT_EQ(error.code, Errc::kInvalidArgument) << at << other;
            EXPECT_EQ(error.field, "revision");
            gap_[at] = was;
        }
    EXPECT_TRUE(digest_of_revision(prepare(), authorised()));
}

TEST_F(RevisionTest, RangesThatLeaveAnythingElseOutAreRefused) {
    using R = PreparedRevision;
    const std::uint64_t kWrap = ~std::uint64_t{0};
    const std::vector<std::pair<const char*, std::function<void(R&)>>> wrongs{
        {"begins later", [](R& r) { r.byte_range[0] = 1; }},
        {"begins inside the document", [](R& r) { r.byte_range[1] = r.original_size - 1; }},
        {"no gap", [](R& r) { r.byte_range[1] = r.byte_range[2]; }},
        {"overlapping", [](R& r) { r.byte_range[1] = r.byte_range[2] + 1; }},
        {"ends early", [](R& r) { r.byte_range[3] -= 1; }},
        {"ends late", [](R& r) { r.byte_range[3] += 1; }},
        {"behind the file", [](R& r) { r.byte_range[2] = r.size + 1; }},
        {"wraps", [=](R& r) { r.byte_range[3] = kWrap; }},
        {"wraps", [=](R& r) { r.byte_range = {0, kWrap, kWrap, kWrap}; }},
        {"wraps", [=](R& r) { r.byte_range[2] = kWrap; }},
        {"all zeros", [](R& r) { r.byte_range = {}; }},
        {"no document", [](R& r) { r.original_size = 0; }},
        {"a document as long as the file", [](R& r) { r.original_size = r.size; }},
        {"a document that wraps", [=](R& r) { r.original_size = kWrap; }},
        {"an odd gap", [](R& r) { r.byte_range[2] -= 1, r.byte_range[3] += 1; }},
        {"a gap that begins early", [](R& r) { r.byte_range[1] -= 2; }},
        {"a gap that ends late", [](R& r) { r.byte_range[2] += 2, r.byte_range[3] -= 2; }},
        {"another size", [](R& r) { r.size -= 1; }},
    };
    for (const auto& [what, change] : wrongs) {
        const Error error = refusal(change);
        EXPECT_EQ(error.code, Errc::kInvalidArgument) << what << ": " << error.detail;
        EXPECT_EQ(error.field, "revision") << what;
    }
}

TEST_F(RevisionTest, TheGapsLengthIsBounded) {
    const PreparedRevision revision = prepare();
    EXPECT_TRUE(digest_of_revision(revision, authorised(), {4'096, 4'096}));
    EXPECT_FALSE(digest_of_revision(revision, authorised(), {4'098, 10'000}));
    EXPECT_FALSE(digest_of_revision(revision, authorised(), {2, 4'094}));
}

TEST_F(RevisionTest, AFileThatEndsBeforeItsSizeIsAnError) {
    PreparedRevision revision = prepare();
    revision.size += 10;
    revision.byte_range[3] += 10;
    EXPECT_EQ(digest_of_revision(revision, authorised()).error().code, Errc::kUnavailable);
    revision.fd = -1;
    EXPECT_FALSE(digest_of_revision(revision, authorised()));
}

}  // namespace
}  // namespace sigillo::signing::testing
