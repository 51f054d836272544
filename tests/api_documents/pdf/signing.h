// Documents on disk, signed with libcrypto's CMS, and checked by it and by other people's programs.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "api/documents/pdf/inspect.h"
#include "api/documents/pdf/prepare.h"
#include "appliance/base/file.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::testing {

// A key and a certificate that it signed itself, made once a process.
class CmsSigner {
 public:
    static const CmsSigner& instance();
    // Detached, with signing-certificate-v2 and without more attributes than CMS itself wants.
    Bytes sign(ByteView content) const;
    // Whether `cms` is this signer's over `content`.
    bool verifies(ByteView cms, ByteView content) const;
    const std::string& certificate_pem() const { return pem_; }

 private:
    CmsSigner();
    struct Free;
    std::shared_ptr<void> key_;
    std::shared_ptr<void> certificate_;
    std::string pem_;
};

class Workbench {
 public:
    std::filesystem::path write(const std::string& name, std::string_view bytes) const;
    std::filesystem::path path(const std::string& name) const { return folder_ / name; }
    static Bytes read(const std::filesystem::path& path);

    // prepare_signature over files.
    Result<pdf::Prepared> prepare(const std::filesystem::path& in, const pdf::SignatureSpec& spec,
                                  const std::filesystem::path& out, const pdf::Limits& limits = {}) const;
    // Prepares, signs the ByteRange, embeds. Fails the test when anything does.
    pdf::Prepared sign(const std::filesystem::path& in, const pdf::SignatureSpec& spec,
                       const std::filesystem::path& out) const;
    Result<pdf::DocumentInfo> inspect(const std::filesystem::path& in) const;
    Result<pdf::Extended> extend(const std::filesystem::path& in, const pdf::ValidationData& data,
                                 const std::vector<pdf::SignatureValidationData>& signatures,
                                 const std::filesystem::path& out) const;

    // Every signature's range is sound, its CMS verifies over the range, and there are `count`. qpdf finds no
    // fault.
    void expect_valid(const std::filesystem::path& file, std::size_t count) const;
    // `longer` begins with `shorter`, octet for octet.
    static void expect_continues(const std::filesystem::path& longer, const std::filesystem::path& shorter);

 private:
    ScratchDirectory folder_;
};

// DejaVu Sans of Debian's fonts-dejavu-core.
const pdf::Fonts& test_fonts();
// A command's output, and that it exits with 0.
std::string run(const std::string& command);

}  // namespace sigillo::testing
