// The security store: made, merged, never twice the same, and no signature is hurt by it.
#include "api/documents/pdf/dss.h"

#include <gtest/gtest.h>

#include "tests/api_documents/pdf/sample_pdf.h"
#include "tests/api_documents/pdf/signing.h"

namespace sigillo::pdf {
namespace {

using testing::PdfBuilder;
using testing::sample;
using testing::Workbench;

const Bytes kLeaf = to_bytes("0-leaf");
const Bytes kRoot = to_bytes("0-root");
const Bytes kCrl = to_bytes("0-crl");
const Bytes kOcsp = to_bytes("0-ocsp");

class Dss : public ::testing::TestWithParam<std::string (PdfBuilder::*)() const> {
 protected:
    // A signed document, and the key of its signature.
    std::pair<std::filesystem::path, std::string> signed_document() {
        bench_.sign(bench_.write("in.pdf", (sample().*GetParam())()), SignatureSpec(),
                    bench_.path("signed.pdf"));
        return {bench_.path("signed.pdf"), bench_.inspect(bench_.path("signed.pdf"))->signatures[0].vri_key};
    }
    Workbench bench_;
};
INSTANTIATE_TEST_SUITE_P(Files, Dss,
                         ::testing::Values(&PdfBuilder::table, &PdfBuilder::stream,
                                           &PdfBuilder::object_stream, &PdfBuilder::wide_stream,
                                           &PdfBuilder::hybrid));

TEST_P(Dss, ValidationDataIsAppendedAndFoundAgain) {
    const auto [file, key] = signed_document();
    const auto extended =
        bench_.extend(file, {.certificates = {kRoot}},
                      {{key, {{kLeaf, kRoot}, {kCrl}, {kOcsp}}, std::nullopt}}, bench_.path("lt.pdf"));
    ASSERT_TRUE(extended.has_value()) << to_string(extended.error());
    EXPECT_EQ(extended->original_size, std::filesystem::file_size(file));
    EXPECT_EQ(extended->size, std::filesystem::file_size(bench_.path("lt.pdf")));
    Workbench::expect_continues(bench_.path("lt.pdf"), file);
    bench_.expect_valid(bench_.path("lt.pdf"), 1);
    const auto info = bench_.inspect(bench_.path("lt.pdf"));
    EXPECT_EQ(info->validation_data.certificates, (std::vector<Bytes>{kRoot, kLeaf}));
    EXPECT_EQ(info->validation_data.crls, std::vector<Bytes>{kCrl});
    EXPECT_EQ(info->validation_data.ocsps, std::vector<Bytes>{kOcsp});
    EXPECT_EQ(info->vri_keys, std::vector<std::string>{key});
    EXPECT_FALSE(info->signatures[0].covers_whole_file);
    EXPECT_TRUE(info->signatures[0].byte_range_sound);
}

TEST_P(Dss, WhatIsThereIsKeptAndNothingComesTwice) {
    const auto [file, key] = signed_document();
    ASSERT_TRUE(bench_.extend(file, {.certificates = {kRoot}}, {{key, {{kLeaf}, {}, {}}, std::nullopt}},
                              bench_.path("one.pdf")));
    ASSERT_TRUE(bench_.extend(bench_.path("one.pdf"), {.certificates = {kRoot, kLeaf}, .crls = {kCrl}},
                              {{key, {{kLeaf}, {kCrl}, {}}, std::nullopt}}, bench_.path("two.pdf")));
    Workbench::expect_continues(bench_.path("two.pdf"), bench_.path("one.pdf"));
    bench_.expect_valid(bench_.path("two.pdf"), 1);
    const auto info = bench_.inspect(bench_.path("two.pdf"));
    EXPECT_EQ(info->validation_data.certificates, (std::vector<Bytes>{kRoot, kLeaf}));
    EXPECT_EQ(info->validation_data.crls, std::vector<Bytes>{kCrl});
    EXPECT_EQ(info->vri_keys.size(), 1U);
    // The entry of /VRI that was there is the one that is there.
    const Bytes after = Workbench::read(bench_.path("two.pdf"));
    const std::string_view revision =
        as_text(after).substr(std::filesystem::file_size(bench_.path("one.pdf")));
    EXPECT_EQ(revision.find("/Type /VRI"), std::string_view::npos);
}

TEST_P(Dss, WhatTheDocumentHasAlreadyAppendsNothing) {
    const auto [file, key] = signed_document();
    const ValidationData data{{kLeaf, kRoot}, {kCrl}, {}};
    ASSERT_TRUE(bench_.extend(file, data, {{key, data, std::nullopt}}, bench_.path("one.pdf")));
    const auto again =
        bench_.extend(bench_.path("one.pdf"), data, {{key, data, std::nullopt}}, bench_.path("two.pdf"));
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->size, again->original_size);
    EXPECT_EQ(Workbench::read(bench_.path("one.pdf")), Workbench::read(bench_.path("two.pdf")));
}

TEST_P(Dss, LtaIsAStoreATimeStampAndBothAgain) {
    const auto [file, key] = signed_document();
    SignatureSpec stamp;
    stamp.sub_filter = SubFilter::kRfc3161;
    ASSERT_TRUE(bench_.extend(file, {.certificates = {kRoot}}, {{key, {{kLeaf}, {}, {kOcsp}}, std::nullopt}},
                              bench_.path("lt.pdf")));
    const Prepared first = bench_.sign(bench_.path("lt.pdf"), stamp, bench_.path("lta.pdf"));
    EXPECT_EQ(first.field_name, "Timestamp1");
    const std::string stamp_key = bench_.inspect(bench_.path("lta.pdf"))->signatures[1].vri_key;
    ASSERT_TRUE(bench_.extend(bench_.path("lta.pdf"), {}, {{stamp_key, {{kRoot}, {kCrl}, {}}, std::nullopt}},
                              bench_.path("lt2.pdf")));
    const Prepared second = bench_.sign(bench_.path("lt2.pdf"), stamp, bench_.path("lta2.pdf"));
    EXPECT_EQ(second.field_name, "Timestamp2");
    Workbench::expect_continues(bench_.path("lta2.pdf"), file);
    bench_.expect_valid(bench_.path("lta2.pdf"), 3);
    EXPECT_EQ(bench_.inspect(bench_.path("lta2.pdf"))->vri_keys.size(), 2U);
}

TEST_P(Dss, ASignatureThatTheDocumentLacksIsRefused) {
    const auto [file, key] = signed_document();
    const auto extended = bench_.extend(file, {}, {{std::string(40, 'A'), {{kLeaf}, {}, {}}, std::nullopt}},
                                        bench_.path("lt.pdf"));
    ASSERT_FALSE(extended.has_value());
    EXPECT_EQ(extended.error().code, Errc::kNotFound);
}

class ForeignDss : public ::testing::Test {
 protected:
    Workbench bench_;
};

TEST_F(ForeignDss, AStoreInsideTheCatalogAndArraysOfTheirOwnAreMerged) {
    PdfBuilder pdf =
        sample({.catalog_entries = "/DSS <</Certs 70 0 R/VRI <</OTHER <</Cert [71 0 R]>>>>/Mine (x)>>"});
    pdf.set(70, "[71 0 R]");
    pdf.set_stream(71, "", std::string(as_text(kRoot)));
    bench_.sign(bench_.write("in.pdf", pdf.table()), SignatureSpec(), bench_.path("signed.pdf"));
    const std::string key = bench_.inspect(bench_.path("signed.pdf"))->signatures[0].vri_key;
    ASSERT_TRUE(bench_.extend(bench_.path("signed.pdf"), {},
                              {{key, {{kRoot, kLeaf}, {}, {}}, from_unix_millis(0)}}, bench_.path("lt.pdf")));
    bench_.expect_valid(bench_.path("lt.pdf"), 1);
    const auto info = bench_.inspect(bench_.path("lt.pdf"));
    EXPECT_EQ(info->validation_data.certificates, (std::vector<Bytes>{kRoot, kLeaf}));
    EXPECT_EQ(info->vri_keys.size(), 2U);
    EXPECT_NE(as_text(Workbench::read(bench_.path("lt.pdf"))).rfind("/TU (D:19700101000000Z)"),
              std::string::npos);
}

TEST_F(ForeignDss, GarbageInAStoreIsPassedOver) {
    PdfBuilder pdf = sample({.catalog_entries = "/DSS <</Certs [3 0 R 99 0 R (x)]/OCSPs 7/VRI [1]>>"});
    bench_.sign(bench_.write("in.pdf", pdf.table()), SignatureSpec(), bench_.path("signed.pdf"));
    const auto info = bench_.inspect(bench_.path("signed.pdf"));
    ASSERT_TRUE(info.has_value());
    EXPECT_TRUE(info->validation_data.certificates.empty());
    ASSERT_TRUE(bench_.extend(bench_.path("signed.pdf"), {{kRoot}, {}, {kOcsp}},
                              {{info->signatures[0].vri_key, {{kLeaf}, {}, {}}, std::nullopt}},
                              bench_.path("lt.pdf")));
    EXPECT_EQ(bench_.inspect(bench_.path("lt.pdf"))->validation_data.certificates.size(), 2U);
}

}  // namespace
}  // namespace sigillo::pdf
