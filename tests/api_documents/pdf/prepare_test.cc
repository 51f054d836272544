// Revisions for signatures in files of every shape: the earlier octets stay, the signatures hold, qpdf finds
// no fault.
#include "api/documents/pdf/prepare.h"

#include <gtest/gtest.h>

#include "tests/api_documents/pdf/sample_pdf.h"
#include "tests/api_documents/pdf/signing.h"

namespace sigillo::pdf {
namespace {

using testing::AcroForm;
using testing::Annots;
using testing::PdfBuilder;
using testing::sample;
using testing::Shape;
using testing::Workbench;

SignatureSpec approval() {
    SignatureSpec spec;
    spec.name = "Mario Rossi";
    spec.reason = "Per accettazione";
    spec.location = "Roma";
    spec.contact_info = "mario@example.org";
    spec.signing_time = from_unix_millis(1'795'000'000'000);
    return spec;
}

SignatureSpec visible(const char* position = "rect: 50, 50, 250, 110") {
    SignatureSpec spec = approval();
    spec.rectangle = parse_position(position).value();
    spec.appearance.border = Colour{0, 0, 0};
    spec.appearance.text.push_back({.lines = {"Signed by {name}", "{reason}, {location}", "{time}"}});
    return spec;
}

// Each way in which a file can be put together.
struct Kind {
    const char* name;
    std::string (PdfBuilder::*build)() const;
};
const Kind kKinds[] = {{"table", &PdfBuilder::table},
                       {"stream", &PdfBuilder::stream},
                       {"object_stream", &PdfBuilder::object_stream},
                       {"wide_stream", &PdfBuilder::wide_stream},
                       {"hybrid", &PdfBuilder::hybrid}};

class EveryKind : public ::testing::TestWithParam<Kind> {
 protected:
    std::filesystem::path make(const Shape& shape) {
        return bench_.write("in.pdf", (sample(shape).*GetParam().build)());
    }
    Workbench bench_;
};
INSTANTIATE_TEST_SUITE_P(Files, EveryKind, ::testing::ValuesIn(kKinds),
                         [](const auto& kind) { return std::string(kind.param.name); });

TEST_P(EveryKind, AnInvisibleSignatureHolds) {
    const auto in = make({});
    const Prepared prepared = bench_.sign(in, approval(), bench_.path("out.pdf"));
    EXPECT_EQ(prepared.field_name, "Signature1");
    EXPECT_EQ(prepared.original_size, std::filesystem::file_size(in));
    Workbench::expect_continues(bench_.path("out.pdf"), in);
    bench_.expect_valid(bench_.path("out.pdf"), 1);
}

TEST_P(EveryKind, TenSignaturesHoldAndEachOneCoversTheOnesBefore) {
    std::filesystem::path file = make({.annots = Annots::kIndirect});
    for (int i = 1; i <= 10; ++i) {
        const auto next = bench_.path("out" + std::to_string(i) + ".pdf");
        bench_.sign(file, visible(), next);
        Workbench::expect_continues(next, file);
        file = next;
    }
    bench_.expect_valid(file, 10);
    const auto info = bench_.inspect(file);
    for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_EQ(info->signatures[i].fields, std::vector{"Signature" + std::to_string(i + 1)});
        EXPECT_EQ(info->signatures[i].covers_whole_file, i == 9);
    }
}

TEST_P(EveryKind, WhereverAnnotationsAndFormAreTheyAreContinued) {
    int number = 0;
    for (const Annots annots :
         {Annots::kNone, Annots::kDirect, Annots::kIndirect, Annots::kEmpty, Annots::kGarbage})
        for (const AcroForm form :
             {AcroForm::kNone, AcroForm::kDirect, AcroForm::kIndirect, AcroForm::kFieldsIndirect}) {
            const Shape shape{.annots = annots,
                              .form = form,
                              .form_entries = "/DA (/Helv 0 Tf)",
                              .fields = {"<</FT /Tx/T (text)/V (value)>>"}};
            const auto in = make(shape);
            const auto one = bench_.path("one" + std::to_string(number) + ".pdf");
            const auto two = bench_.path("two" + std::to_string(number++) + ".pdf");
            bench_.sign(in, visible(), one);
            bench_.sign(one, visible("rect: 50, 150, 250, 210"), two);
            Workbench::expect_continues(two, one);
            bench_.expect_valid(two, 2);
        }
}

TEST_P(EveryKind, AnnotationsInsideTheirArrayBecomeObjectsWithTheFirstSignatureAlone) {
    for (const Annots annots : {Annots::kDirect, Annots::kIndirect}) {
        const auto in = make({.annots = annots});
        const auto one = bench_.path("one.pdf");
        bench_.sign(in, visible(), one);
        const std::string first(as_text(Workbench::read(one)).substr(std::filesystem::file_size(in)));
        EXPECT_NE(first.find("/Link"), std::string::npos);
        EXPECT_EQ(first.find("[<<"), std::string::npos);
        bench_.sign(one, visible("rect: 50, 150, 250, 210"), bench_.path("two.pdf"));
        const std::string next(
            as_text(Workbench::read(bench_.path("two.pdf"))).substr(std::filesystem::file_size(one)));
        EXPECT_EQ(next.find("/Link"), std::string::npos);
        bench_.expect_valid(bench_.path("two.pdf"), 2);
    }
}

TEST_P(EveryKind, ACertificationAllowsWhatItSays) {
    for (const Certification level :
         {Certification::kNoChanges, Certification::kFormFilling, Certification::kAnnotations}) {
        const auto in = make({.catalog_entries = "/Perms <</UR3 3 0 R>>"});
        SignatureSpec spec = approval();
        spec.certification = level;
        bench_.sign(in, spec, bench_.path("certified.pdf"));
        bench_.expect_valid(bench_.path("certified.pdf"), 1);
        const auto info = bench_.inspect(bench_.path("certified.pdf"));
        EXPECT_EQ(info->certification, level);
        EXPECT_EQ(info->signatures[0].certification, level);

        const auto second =
            bench_.prepare(bench_.path("certified.pdf"), approval(), bench_.path("second.pdf"));
        if (level == Certification::kNoChanges) {
            ASSERT_FALSE(second.has_value());
            EXPECT_EQ(second.error().code, Errc::kConflict);
            EXPECT_EQ(second.error().field, "certification");
        } else {
            EXPECT_TRUE(second.has_value());
        }
        // Time-stamps are no changes.
        SignatureSpec stamp;
        stamp.sub_filter = SubFilter::kRfc3161;
        bench_.sign(bench_.path("certified.pdf"), stamp, bench_.path("stamped.pdf"));
        bench_.expect_valid(bench_.path("stamped.pdf"), 2);
        EXPECT_EQ(bench_.inspect(bench_.path("stamped.pdf"))->signatures[1].type, "DocTimeStamp");
    }
}

TEST_P(EveryKind, AnEmptyFieldIsSignedInItsPlace) {
    const Shape shape{.form = AcroForm::kIndirect,
                      .fields = {"<</FT /Sig/T (empty)/Type /Annot/Subtype /Widget/P 10 0 R/Rect [100 100 "
                                 "300 160.123456789]/F 4>>",
                                 "<</FT /Sig/T (parent)/Kids [102 0 R]>>",
                                 "<</Parent 101 0 R/T (kid)/Subtype /Widget/Rect [0 0 0 0]>>"}};
    PdfBuilder pdf = sample(shape);
    pdf.set(4, "<</Fields [100 0 R 101 0 R]>>");
    const auto in = bench_.write("in.pdf", (pdf.*GetParam().build)());
    SignatureSpec spec = approval();
    spec.field_use = FieldUse::kExisting;
    spec.field_name = "empty";
    spec.appearance.text.push_back({.lines = {"{name}"}});
    bench_.sign(in, spec, bench_.path("one.pdf"));
    spec.field_name = "parent.kid";
    bench_.sign(bench_.path("one.pdf"), spec, bench_.path("two.pdf"));
    bench_.expect_valid(bench_.path("two.pdf"), 2);
    const auto info = bench_.inspect(bench_.path("two.pdf"));
    EXPECT_EQ(info->signatures[0].fields, std::vector<std::string>{"empty"});
    EXPECT_EQ(info->signatures[1].fields, std::vector<std::string>{"parent.kid"});
    EXPECT_TRUE(info->empty_fields.empty());

    const auto again = bench_.prepare(bench_.path("two.pdf"), spec, bench_.path("three.pdf"));
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().code, Errc::kConflict);
}

class Prepare : public ::testing::Test {
 protected:
    Error refusal(const std::filesystem::path& in, const SignatureSpec& spec, const Limits& limits = {}) {
        const auto prepared = bench_.prepare(in, spec, bench_.path("refused.pdf"), limits);
        EXPECT_FALSE(prepared.has_value());
        return prepared ? Error{} : prepared.error();
    }
    Workbench bench_;
};

TEST_F(Prepare, TheDictionarySaysWhatTheSpecSays) {
    const auto in = bench_.write("in.pdf", sample().table());
    SignatureSpec spec = approval();
    spec.reason = "Περί αποδοχής";
    bench_.sign(in, spec, bench_.path("out.pdf"));
    const auto info = bench_.inspect(bench_.path("out.pdf"));
    ASSERT_EQ(info->signatures.size(), 1U);
    const SignatureInfo& signature = info->signatures[0];
    EXPECT_EQ(signature.sub_filter, "ETSI.CAdES.detached");
    EXPECT_EQ(signature.filter, "Adobe.PPKLite");
    EXPECT_EQ(signature.name, "Mario Rossi");
    EXPECT_EQ(signature.reason, "Περί αποδοχής");
    EXPECT_EQ(signature.location, "Roma");
    EXPECT_EQ(signature.contact_info, "mario@example.org");
    EXPECT_EQ(signature.signing_time, "D:20261118110640Z");
    EXPECT_TRUE(signature.covers_whole_file);
}

TEST_F(Prepare, LinearizedFilesAreContinued) {
    bench_.write("plain.pdf", sample({.pages = 9}).table());
    for (const char* how :
         {"--linearize --object-streams=disable", "--linearize --object-streams=generate"}) {
        testing::run("qpdf " + std::string(how) + " '" + bench_.path("plain.pdf").string() + "' '" +
                     bench_.path("in.pdf").string() + "'");
        bench_.sign(bench_.path("in.pdf"), visible(), bench_.path("one.pdf"));
        bench_.sign(bench_.path("one.pdf"), visible("rect: 50, 150, 250, 210"), bench_.path("two.pdf"));
        Workbench::expect_continues(bench_.path("two.pdf"), bench_.path("in.pdf"));
        bench_.expect_valid(bench_.path("two.pdf"), 2);
        EXPECT_EQ(bench_.inspect(bench_.path("two.pdf"))->pages.size(), 9U);
    }
}

TEST_F(Prepare, OldVersionsAreContinued) {
    for (const char* version : {"1.0", "1.2", "1.3", "1.4", "2.0"}) {
        std::string text = sample().table();
        text.replace(5, 3, version);
        bench_.sign(bench_.write("in.pdf", text), approval(), bench_.path("one.pdf"));
        bench_.sign(bench_.path("one.pdf"), approval(), bench_.path("two.pdf"));
        bench_.expect_valid(bench_.path("two.pdf"), 2);
        EXPECT_EQ(bench_.inspect(bench_.path("two.pdf"))->version, version);
    }
}

TEST_F(Prepare, PdfsigSeesTheSignatures) {
    const auto in = bench_.write("in.pdf", sample().object_stream());
    bench_.sign(in, visible(), bench_.path("one.pdf"));
    bench_.sign(bench_.path("one.pdf"), visible("rect: 50, 150, 250, 210"), bench_.path("two.pdf"));
    const std::string seen = testing::run("pdfsig -nocert '" + bench_.path("two.pdf").string() + "'");
    EXPECT_NE(seen.find("Signature #1"), std::string::npos) << seen;
    EXPECT_NE(seen.find("Signature #2"), std::string::npos) << seen;
    EXPECT_NE(seen.find("Total document signed"), std::string::npos) << seen;
    EXPECT_EQ(seen.find("invalid"), std::string::npos) << seen;
}

TEST_F(Prepare, OneFlippedOctetBeforeOrBehindTheGapIsSeen) {
    const auto in = bench_.write("in.pdf", sample().table());
    const Prepared prepared = bench_.sign(in, approval(), bench_.path("out.pdf"));
    const Bytes signed_file = Workbench::read(bench_.path("out.pdf"));
    const auto verifies = [&](const Bytes& file) {
        const auto info = bench_.inspect(bench_.write("looked_at.pdf", as_text(file)));
        const auto& r = info->signatures.at(0).byte_range;
        const ByteView all(file);
        return testing::CmsSigner::instance().verifies(
            info->signatures[0].cms, concat(all.subspan(r[0], r[1]), all.subspan(r[2], r[3])));
    };
    EXPECT_TRUE(verifies(signed_file));
    // In the page's text, and in the widget's flags: both files can still be read.
    for (const char* place : {"Contract, page", "/F 132"}) {
        Bytes flipped = signed_file;
        const std::size_t at = as_text(signed_file).find(place);
        ASSERT_NE(at, std::string_view::npos) << place;
        EXPECT_EQ(at < prepared.byte_range[1], std::string_view(place) != "/F 132");
        flipped[at + 5] ^= 1;
        EXPECT_FALSE(verifies(flipped)) << place;
    }
}

TEST_F(Prepare, AFileThatEndsWithoutANewlineIsContinuedOnANewLine) {
    std::string text = sample().table();
    while (text.back() == '\n') text.pop_back();
    const auto in = bench_.write("in.pdf", text);
    bench_.sign(in, approval(), bench_.path("out.pdf"));
    EXPECT_NE(as_text(Workbench::read(bench_.path("out.pdf"))).find("%%EOF\n"), std::string::npos);
    Workbench::expect_continues(bench_.path("out.pdf"), in);
    bench_.expect_valid(bench_.path("out.pdf"), 1);
}

TEST_F(Prepare, NumbersOfTheDocumentStayAsTheyWereWritten) {
    for (const auto build : {&PdfBuilder::table, &PdfBuilder::object_stream}) {
        bench_.sign(bench_.write("in.pdf", (sample().*build)()), visible(), bench_.path("out.pdf"));
        const Bytes file = Workbench::read(bench_.path("out.pdf"));
        const std::string revision(as_text(file).substr(std::filesystem::file_size(bench_.path("in.pdf"))));
        EXPECT_NE(revision.find("234567891234"), std::string::npos) << revision;
    }
}

TEST_F(Prepare, TheRevisionHoldsOnlyWhatMustChange) {
    const Shape shape{
        .annots = Annots::kIndirect, .form = AcroForm::kFieldsIndirect, .form_entries = "/SigFlags 3"};
    const auto in = bench_.write("in.pdf", sample(shape).table());
    bench_.sign(in, approval(), bench_.path("out.pdf"));
    const Bytes file = Workbench::read(bench_.path("out.pdf"));
    const std::string revision(as_text(file).substr(std::filesystem::file_size(in)));
    // The arrays of fields and annotations; neither catalog, form nor page.
    EXPECT_NE(revision.find("\n5 0 obj"), std::string::npos);
    EXPECT_NE(revision.find("\n6 0 obj"), std::string::npos);
    EXPECT_EQ(revision.find("/Catalog"), std::string::npos);
    EXPECT_EQ(revision.find("/Type /Page"), std::string::npos);
    EXPECT_EQ(revision.find("\n4 0 obj"), std::string::npos);
    EXPECT_LT(revision.size(), 2 * approval().contents_size + 1'500);
}

TEST_F(Prepare, ASharedEmptyArrayOfAnnotationsIsLeftAlone) {
    const auto in = bench_.write("in.pdf", sample({.annots = Annots::kEmpty}).table());
    bench_.sign(in, visible(), bench_.path("out.pdf"));
    const Bytes file = Workbench::read(bench_.path("out.pdf"));
    const std::string revision(as_text(file).substr(std::filesystem::file_size(in)));
    EXPECT_EQ(revision.find("\n6 0 obj"), std::string::npos);
    EXPECT_NE(revision.find("\n10 0 obj"), std::string::npos);
}

TEST_F(Prepare, ClausesShareTheSignature) {
    SignatureSpec spec = visible();
    for (unsigned page = 1; page <= 2; ++page)
        spec.clauses.push_back({page, parse_position("rect: 50, 300, 250, 340").value(), spec.appearance});
    bench_.sign(bench_.write("in.pdf", sample().table()), spec, bench_.path("out.pdf"));
    bench_.expect_valid(bench_.path("out.pdf"), 1);
    EXPECT_EQ(bench_.inspect(bench_.path("out.pdf"))->signatures[0].fields.size(), 3U);
}

TEST_F(Prepare, ACertifiedDocumentTakesVisibleSignaturesInItsOwnFieldsOnly) {
    SignatureSpec certifying = visible();
    certifying.certification = Certification::kFormFilling;
    certifying.later_fields.push_back({"Counterparty", 2, parse_position("rect: 50, 50, 250, 110").value()});
    bench_.sign(bench_.write("in.pdf", sample().table()), certifying, bench_.path("one.pdf"));
    const auto info = bench_.inspect(bench_.path("one.pdf"));
    ASSERT_EQ(info->empty_fields.size(), 1U);
    EXPECT_EQ(info->empty_fields[0].name, "Counterparty");
    EXPECT_EQ(info->empty_fields[0].page, 2U);
    EXPECT_TRUE(info->empty_fields[0].visible);

    const Error error = refusal(bench_.path("one.pdf"), visible("rect: 50, 150, 250, 210"));
    EXPECT_EQ(error.code, Errc::kConflict);
    EXPECT_EQ(error.field, "position");
    SignatureSpec second = visible();
    second.rectangle.reset();
    second.field_use = FieldUse::kExisting;
    second.field_name = "Counterparty";
    bench_.sign(bench_.path("one.pdf"), second, bench_.path("two.pdf"));
    bench_.expect_valid(bench_.path("two.pdf"), 2);
}

TEST_F(Prepare, ATimeStampIsInvisible) {
    SignatureSpec spec = visible();
    spec.sub_filter = SubFilter::kRfc3161;
    EXPECT_EQ(refusal(bench_.write("in.pdf", sample().table()), spec).field, "position");
}

TEST_F(Prepare, LocksAreMadeAndRespected) {
    const Shape shape{
        .form = AcroForm::kIndirect,
        .fields = {"<</FT /Sig/T (first)/Lock <</Type /SigFieldLock/Action /Include/Fields [(second)]>>>>",
                   "<</FT /Sig/T (second)>>", "<</FT /Sig/T (third)>>"}};
    const auto in = bench_.write("in.pdf", sample(shape).table());
    SignatureSpec spec = approval();
    spec.field_use = FieldUse::kExisting;
    spec.field_name = "first";
    bench_.sign(in, spec, bench_.path("one.pdf"));
    const auto info = bench_.inspect(bench_.path("one.pdf"));
    ASSERT_TRUE(info->signatures[0].lock.has_value());
    EXPECT_EQ(info->signatures[0].lock->action, LockAction::kInclude);
    EXPECT_EQ(info->signatures[0].lock->fields, std::vector<std::string>{"second"});
    spec.field_name = "second";
    const Error error = refusal(bench_.path("one.pdf"), spec);
    EXPECT_EQ(error.code, Errc::kConflict);
    EXPECT_EQ(error.detail, "field second is locked by the signature in field first");
    spec.field_name = "third";
    bench_.sign(bench_.path("one.pdf"), spec, bench_.path("two.pdf"));
    bench_.expect_valid(bench_.path("two.pdf"), 2);
}

TEST_F(Prepare, WhatASeedValueDemandsIsGivenOrRefused) {
    const auto with_seed = [&](const std::string& seed) {
        return bench_.write("in.pdf", sample({.form = AcroForm::kIndirect,
                                              .fields = {"<</FT /Sig/T (s)/SV <<" + seed + ">>>>"}})
                                          .table());
    };
    SignatureSpec spec = approval();
    spec.field_use = FieldUse::kExisting;
    spec.field_name = "s";
    bench_.sign(with_seed("/Ff 2/SubFilter [/ETSI.CAdES.detached]"), spec, bench_.path("out.pdf"));
    bench_.sign(with_seed("/SubFilter [/adbe.pkcs7.sha1]"), spec, bench_.path("out2.pdf"));
    EXPECT_EQ(refusal(with_seed("/Ff 2/SubFilter [/adbe.pkcs7.sha1]"), spec).code, Errc::kConflict);
    EXPECT_EQ(refusal(with_seed("/Ff 8/Reasons [(I agree)]"), spec).code, Errc::kConflict);
    EXPECT_EQ(refusal(with_seed("/MDP <</P 1>>"), spec).code, Errc::kConflict);
    EXPECT_EQ(refusal(with_seed("/Cert <</Ff 1>>"), spec).code, Errc::kUnsupported);
}

TEST_F(Prepare, OnlyTheFirstSignatureCertifies) {
    bench_.sign(bench_.write("in.pdf", sample().table()), approval(), bench_.path("one.pdf"));
    SignatureSpec spec = approval();
    spec.certification = Certification::kFormFilling;
    EXPECT_EQ(refusal(bench_.path("one.pdf"), spec).code, Errc::kConflict);
}

TEST_F(Prepare, EveryRefusalSaysWhy) {
    const auto in = bench_.write(
        "in.pdf", sample({.form = AcroForm::kIndirect, .fields = {"<</FT /Tx/T (text)>>"}}).table());
    SignatureSpec spec = approval();
    spec.page = 3;
    EXPECT_EQ(refusal(in, spec).detail, "there is no page 3: the document has 2");
    spec = approval();
    spec.field_name = "text";
    EXPECT_EQ(refusal(in, spec).code, Errc::kAlreadyExists);
    spec.field_name = "a.b";
    EXPECT_EQ(refusal(in, spec).code, Errc::kInvalidArgument);
    spec.field_use = FieldUse::kExisting;
    EXPECT_EQ(refusal(in, spec).code, Errc::kNotFound);
    spec.field_name = "text";
    EXPECT_EQ(refusal(in, spec).detail, "field text is no signature field");
    EXPECT_EQ(refusal(in, visible("rect: 500, 50, 700, 110")).detail,
              "the rectangle leaves the page, which is 595.2756 x 841.8898 points");
    spec = approval();
    spec.reason = "\xFF";
    EXPECT_EQ(refusal(in, spec).field, "reason");
    spec.reason = std::string(5'000, 'x');
    EXPECT_EQ(refusal(in, spec).code, Errc::kLimitExceeded);
    spec = approval();
    spec.contents_size = 1;
    EXPECT_EQ(refusal(in, spec).field, "contents_size");
    spec = visible();
    spec.appearance.text[0].font = "Comic";
    EXPECT_EQ(refusal(in, spec).field, "font");
    spec = visible();
    spec.appearance.text[0].lines = {"{nobody}"};
    EXPECT_EQ(refusal(in, spec).detail, "there is no placeholder {nobody}");
    spec = visible();
    spec.appearance.text[0].lines = {"\xE4\xB8\xAD"};
    EXPECT_EQ(refusal(in, spec).detail, "no font has the character U+4E2D (\xE4\xB8\xAD)");
    spec = visible();
    spec.appearance.image = Image{to_bytes("GIF89a")};
    EXPECT_EQ(refusal(in, spec).detail, "the image is neither PNG nor JPEG");
    Limits limits;
    limits.document_bytes = 100;
    EXPECT_EQ(refusal(in, approval(), limits).code, Errc::kLimitExceeded);
}

TEST_F(Prepare, XfaFormsAreRefused) {
    const auto in = bench_.write(
        "in.pdf", sample({.form = AcroForm::kIndirect, .form_entries = "/XFA [(template) 3 0 R]"}).table());
    const Error error = refusal(in, approval());
    EXPECT_EQ(error.code, Errc::kUnsupported);
    EXPECT_NE(error.detail.find("XFA"), std::string::npos);
}

TEST_F(Prepare, EncryptedDocumentsAreRefusedAndInspectedAsSuch) {
    bench_.write("in.pdf", sample().table());
    for (const char* how : {"--encrypt '' owner 40 --", "--encrypt '' owner 128 --use-aes=y --",
                            "--encrypt user owner 256 --", "--encrypt '' owner 256 --"}) {
        const std::string path = bench_.path("encrypted.pdf").string();
        testing::run("qpdf --allow-weak-crypto " + std::string(how) + " '" + bench_.path("in.pdf").string() +
                     "' '" + path + "'");
        const Error error = refusal(path, approval());
        EXPECT_EQ(error.code, Errc::kUnsupported) << how;
        EXPECT_NE(error.detail.find("encrypted"), std::string::npos) << how;
        const auto info = bench_.inspect(path);
        ASSERT_TRUE(info.has_value()) << how;
        EXPECT_TRUE(info->encrypted) << how;
    }
}

}  // namespace
}  // namespace sigillo::pdf
