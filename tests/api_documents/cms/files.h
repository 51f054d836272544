// Files for the programs of other people, and the openssl command line over them.
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>

#include "appliance/base/file.h"
#include "tests/api_documents/cms/pki.h"
#include "tests/support/openssl_command.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::cms::testing {

// Not thread-safe.
class Files {
 public:
    Files() { put("root.pem", as_bytes(pem_of(pki().root.certificate))); }

    std::string put(const std::string& name, ByteView bytes) const {
        std::ofstream file(folder_ / name, std::ios::binary);
        file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        if (!file.flush()) throw std::runtime_error("cannot write " + name);
        return path(name);
    }
    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    Bytes get(const std::string& name) const {
        auto bytes = read_file(folder_ / name);
        if (!bytes) throw std::runtime_error(to_string(bytes.error()));
        return *std::move(bytes);
    }

    // openssl cms -verify -cades: signatures, signing-certificate attributes, chains to the root.
    sigillo::testing::CommandResult verify(ByteView cms, const std::string& content = {}) const {
        std::vector<std::string> arguments{"cms",     "-verify",
                                           "-cades",  "-binary",
                                           "-inform", "DER",
                                           "-in",     put("checked.cms", cms),
                                           "-CAfile", path("root.pem"),
                                           "-out",    path("out.bin")};
        if (!content.empty()) arguments.insert(arguments.end(), {"-content", content});
        return sigillo::testing::openssl(arguments);
    }

 private:
    sigillo::testing::ScratchDirectory folder_;
};

}  // namespace sigillo::cms::testing
