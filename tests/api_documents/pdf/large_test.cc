// Large documents cost time and memory by what is in the revision, not by their size.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/api_documents/pdf/sample_pdf.h"
#include "tests/api_documents/pdf/signing.h"

namespace sigillo::pdf {
namespace {

using testing::sample;
using testing::Workbench;

class Large : public ::testing::Test {
 protected:
    // One preparation in a process of its own: microseconds of processor time, and KiB resident at most.
    struct Cost {
        double microseconds = 0;
        double kib = 0;
    };
    Cost cost_of(const std::filesystem::path& in, int times = 1) {
        bench_.write("spec.json", R"({"name": "Mario Rossi", "page": 1})");
        std::string command = SIGILLO_PDF_TOOL;
        command.append(" measure '").append(in).append("' '").append(bench_.path("spec.json")).append("' ");
        const std::string answer = testing::run(command.append(std::to_string(times)));
        const auto number = [&](const char* key) {
            const std::size_t at = answer.find(key);
            return at == std::string::npos ? 1e12
                                           : std::atof(answer.c_str() + at + std::string(key).size() + 2);
        };
        return {number("cpu_us_per_op"), number("max_rss_kib")};
    }
    Workbench bench_;
};

// A stream of zeroes that takes no room on the disk.
std::filesystem::path sparse_document(const Workbench& bench, std::size_t stream_bytes) {
    testing::PdfBuilder pdf = sample();
    const std::string marker = "@@@@";
    pdf.set(60, "<</Length " + std::to_string(stream_bytes) + ">>\nstream\n" + marker + "\nendstream");
    std::string text = pdf.table();
    const std::size_t at = text.find(marker);
    const std::size_t moved = stream_bytes - marker.size();
    // The table's offsets behind the stream move with it: here only the table itself stands there.
    const std::size_t table = text.find("xref\n", at);
    const std::string start = std::to_string(table);
    text.replace(text.rfind(start), start.size(), std::to_string(table + moved));
    const auto path = bench.write("large.pdf", text.substr(0, at));
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    const std::string rest = text.substr(at + marker.size());
    EXPECT_EQ(::pwrite(fd.get(), rest.data(), rest.size(), static_cast<off_t>(at + stream_bytes)),
              static_cast<ssize_t>(rest.size()));
    return path;
}

TEST_F(Large, AHundredMebibytesTakeTheMemoryOfASmallDocument) {
    const auto in = sparse_document(bench_, std::size_t{100} << 20);
    const Cost cost = cost_of(in);
    EXPECT_LT(cost.kib, 48 * 1024);
    EXPECT_LT(cost.microseconds, 2e6);
    bench_.sign(in, SignatureSpec(), bench_.path("out.pdf"));
    const auto info = bench_.inspect(bench_.path("out.pdf"));
    ASSERT_TRUE(info.has_value());
    EXPECT_TRUE(info->signatures.at(0).covers_whole_file);
    Workbench::expect_continues(bench_.path("out.pdf"), in);
}

TEST_F(Large, TwoThousandPagesAreSignedOnTheLastOne) {
    for (const auto build : {&testing::PdfBuilder::table, &testing::PdfBuilder::object_stream}) {
        testing::Shape shape;
        shape.pages = 2'000;
        const auto in = bench_.write("in.pdf", (sample(shape).*build)());
        SignatureSpec spec;
        spec.page = 2'000;
        bench_.sign(in, spec, bench_.path("out.pdf"));
        bench_.expect_valid(bench_.path("out.pdf"), 1);
        EXPECT_EQ(bench_.inspect(bench_.path("out.pdf"))->pages.size(), 2'000U);
        // Two digits a kept octet of the gap, and little else.
        EXPECT_LT(std::filesystem::file_size(bench_.path("out.pdf")),
                  std::filesystem::file_size(in) + 2 * spec.contents_size + 3'000);
        EXPECT_LT(cost_of(in).kib, 96 * 1024);
    }
}

TEST_F(Large, AHundredRevisionsAreReadAndTheNextIsMade) {
    std::filesystem::path file = bench_.write("in.pdf", sample().table());
    for (int i = 0; i < 100; ++i) {
        const auto next = bench_.path(i % 2 == 0 ? "even.pdf" : "odd.pdf");
        SignatureSpec spec;
        spec.contents_size = 2'048;
        bench_.sign(file, spec, next);
        file = next;
    }
    bench_.expect_valid(file, 100);
}

}  // namespace
}  // namespace sigillo::pdf
