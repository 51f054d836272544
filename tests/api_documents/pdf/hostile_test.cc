// Documents that lie: none may hurt more than its own answer.
#include <fcntl.h>
#include <gtest/gtest.h>

#include "tests/api_documents/pdf/sample_pdf.h"
#include "tests/api_documents/pdf/signing.h"

namespace sigillo::pdf {
namespace {

using testing::AcroForm;
using testing::PdfBuilder;
using testing::sample;
using testing::Shape;
using testing::Workbench;

class Hostile : public ::testing::Test {
 protected:
    SignatureSpec spec_;
    Workbench bench_;

    void signs(const PdfBuilder& pdf) {
        const auto in = bench_.write("in.pdf", pdf.table());
        bench_.sign(in, spec_, bench_.path("out.pdf"));
        const auto info = bench_.inspect(bench_.path("out.pdf"));
        ASSERT_TRUE(info.has_value());
        EXPECT_TRUE(info->signatures.back().byte_range_sound);
    }
    Error refusal(const std::string& file, const Limits& limits = {}) {
        const auto prepared =
            bench_.prepare(bench_.write("in.pdf", file), spec_, bench_.path("out.pdf"), limits);
        EXPECT_FALSE(prepared.has_value());
        if (prepared) return {};
        EXPECT_FALSE(prepared.error().detail.empty());
        return prepared.error();
    }
};

TEST_F(Hostile, APageTreeWithLoopsAndHolesIsWalkedOnce) {
    PdfBuilder pdf = sample();
    pdf.set(2, "<</Type /Pages/Count 99999999/Kids [2 0 R 99 0 R null (x) 20 0 R 10 0 R 11 0 R]>>");
    pdf.set(20, "<</Type /Pages/Kids [2 0 R 20 0 R]>>");
    signs(pdf);
    EXPECT_EQ(bench_.inspect(bench_.path("out.pdf"))->pages.size(), 2U);
}

TEST_F(Hostile, AFieldTreeWithLoopsIsWalkedOnce) {
    signs(sample({.form = AcroForm::kIndirect,
                  .fields = {"<</T (a)/Kids [100 0 R 101 0 R]>>",
                             "<</T (b)/Parent 101 0 R/Kids [100 0 R 101 0 R]>>"}}));
}

TEST_F(Hostile, WhatIsNoArrayCountsAsNone) {
    PdfBuilder pdf = sample({.form = AcroForm::kIndirect});
    pdf.set(4, "<</Fields 7/SigFlags (x)>>");
    pdf.set(10, "<</Type /Page/Annots 3/Parent 2 0 R>>");
    signs(pdf);
}

TEST_F(Hostile, ReferencesToThemselvesAreNothing) {
    PdfBuilder pdf = sample({.catalog_entries = "/DSS 60 0 R/Perms 60 0 R/Metadata 60 0 R"});
    pdf.set(60, "60 0 R");
    signs(pdf);
}

TEST_F(Hostile, SignaturesThatAreNoneAreCounted) {
    PdfBuilder pdf = sample(
        {.form = AcroForm::kIndirect,
         .fields = {"<</FT /Sig/T (a)/V 7>>", "<</FT /Sig/T (b)/V <</ByteRange [0 1 2 3]>>>>",
                    "<</FT /Sig/T (c)/V <</Contents <30>/ByteRange [0 -1 9999999999 9999999999]>>>>",
                    "<</FT /Sig/T (d)/V <</Contents (x)/ByteRange [0 10 5 2]/Reference [1 2 <<>>]>>>>"}});
    signs(pdf);
    const auto info = bench_.inspect(bench_.path("out.pdf"));
    EXPECT_EQ(info->signatures.size(), 4U);
    EXPECT_FALSE(info->signatures.front().byte_range_sound);
    EXPECT_EQ(info->empty_fields.size(), 1U);
}

TEST_F(Hostile, BrokenFilesAreRefusedInWords) {
    const std::string good = sample().table();
    EXPECT_NE(refusal("").detail.find("empty"), std::string::npos);
    EXPECT_NE(refusal("hello").detail.find("%PDF"), std::string::npos);
    EXPECT_NE(refusal("junk" + good).detail.find("%PDF"), std::string::npos);
    EXPECT_NE(refusal(good.substr(0, good.size() / 2)).detail.find("cut off"), std::string::npos);
    std::string moved = good;
    moved.replace(moved.rfind("startxref\n") + 10, 3, "111");
    EXPECT_EQ(refusal(moved).code, Errc::kInvalidArgument);
    std::string rootless = good;
    rootless.replace(rootless.rfind("/Root 1 0 R"), 11, "/Root 3 0 R");
    EXPECT_EQ(refusal(rootless).code, Errc::kInvalidArgument);
    EXPECT_NE(refusal(rootless).detail.find("no pages"), std::string::npos);
    std::string no_root = good;
    no_root.replace(no_root.rfind("/Root"), 5, "/Boot");
    EXPECT_NE(refusal(no_root).detail.find("catalog"), std::string::npos);
}

TEST_F(Hostile, BoundsHold) {
    Limits limits;
    limits.pages = 1;
    const std::string file = sample({.pages = 9}).table();
    spec_.page = 9;
    EXPECT_EQ(refusal(file, limits).code, Errc::kLimitExceeded);
    spec_.page = 1;
    limits = Limits();
    limits.fields = 1;
    EXPECT_EQ(
        refusal(sample({.form = AcroForm::kIndirect, .fields = {"<</T (a)>>", "<</T (b)>>"}}).table(), limits)
            .code,
        Errc::kLimitExceeded);
    limits = Limits();
    limits.tree_depth = 3;
    PdfBuilder deep = sample();
    deep.set(2, "<</Type /Pages/Kids [20 0 R]>>");
    for (int i = 20; i < 30; ++i) deep.set(i, "<</Type /Pages/Kids [" + std::to_string(i + 1) + " 0 R]>>");
    EXPECT_EQ(refusal(deep.table(), limits).code, Errc::kLimitExceeded);
}

// Every prefix, and every octet of the skeleton set to something else: an answer each time.
TEST_F(Hostile, CutOffAndChangedFilesAlwaysGetAnAnswer) {
    const std::string good =
        sample({.form = AcroForm::kIndirect, .fields = {"<</FT /Sig/T (a)>>"}}).object_stream();
    const auto try_one = [&](const std::string& file) {
        const auto in = bench_.write("in.pdf", file);
        const auto prepared = bench_.prepare(in, spec_, bench_.path("out.pdf"));
        if (prepared) Workbench::expect_continues(bench_.path("out.pdf"), in);
        static_cast<void>(bench_.inspect(in).has_value());
    };
    for (std::size_t size = 1; size < good.size(); size += 61) try_one(good.substr(0, size));
    for (std::size_t at = 0; at < good.size(); at += 17) {
        std::string changed = good;
        changed[at] = static_cast<char>("\0<>[]()/ 9R"[at % 11]);
        try_one(changed);
    }
}

TEST_F(Hostile, EmbeddingTouchesOnlyAnEmptyGap) {
    const auto in = bench_.write("in.pdf", sample().table());
    const Prepared prepared = bench_.prepare(in, spec_, bench_.path("out.pdf")).value();
    const auto embed = [&](const SignatureGap& gap, std::size_t size) {
        const UniqueFd fd(::open(bench_.path("out.pdf").c_str(), O_RDWR | O_CLOEXEC));
        return embed_signature(fd.get(), gap, Bytes(size, 0x30));
    };
    EXPECT_EQ(embed(prepared.gap, prepared.gap.contents_size + 1).error().code, Errc::kLimitExceeded);
    EXPECT_EQ(embed({prepared.gap.contents_offset + 2, prepared.gap.contents_size}, 10).error().code,
              Errc::kConflict);
    EXPECT_EQ(embed({0, 10}, 10).error().code, Errc::kConflict);
    EXPECT_TRUE(embed(prepared.gap, 10).has_value());
    EXPECT_EQ(embed(prepared.gap, 10).error().code, Errc::kConflict);
}

}  // namespace
}  // namespace sigillo::pdf
