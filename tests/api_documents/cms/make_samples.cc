// Writes signatures of every kind and level into a folder, for validators of other people:
// tests/interop/test_cades.py.
//
//   cms_make_samples FOLDER URL
//
// root.pem: the anchor. content.bin: what is signed. root.crl, ca.crl, tsa.crl, ca.crt: to be served below
// URL. Signatures: ENVELOPE-KEY-LEVEL.p7m or .p7s; the level "renewed" is B-LTA twice.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/api_documents/cms/sample.h"

using namespace sigillo;
using namespace sigillo::cms;
using namespace sigillo::cms::testing;

namespace {

class Samples {
 public:
    explicit Samples(std::filesystem::path folder)
        : folder_(std::move(folder)),
          story_(SystemClock().now()),
          content_(100'000, 0x5A),
          source_(content_) {}

    void make_all() {
        write("root.pem", as_bytes(pem_of(pki().root.certificate)));
        write("content.bin", content_);
        write("ca.crt", pki().ca.certificate);
        CrlOptions crl;
        crl.this_update = story_.renewed_at;
        crl.next_update = story_.next_update;
        write("root.crl", make_crl(pki().root, crl));
        write("ca.crl", make_crl(pki().ca, crl));
        write("tsa.crl", make_crl(pki().tsa_ca, crl));
        for (const KeyKind kind : all_key_kinds()) {
            const std::string key = name_of(kind);
            raise("attached-" + key, ".p7m", attached(kind));
            raise("detached-" + key, ".p7s", detached(kind));
            SignedData two = attached(KeyKind::kP256 == kind ? KeyKind::kP384 : KeyKind::kP256);
            must_hold(add_signature(two, parts(kind), std::nullopt));
            raise("parallel-" + key, ".p7m", std::move(two));
        }
    }

 private:
    Content content() const { return Content::whole(source_); }
    SignatureParts parts(KeyKind kind) const {
        return sign_content(kind, value_of(content().digest(scheme_of(kind).hash)), story_.signed_at);
    }
    SignedData attached(KeyKind kind) const {
        MemorySink sink(1 << 20);
        must_hold(assemble_attached(parts(kind), content(), sink));
        return reread(sink.take());
    }
    SignedData detached(KeyKind kind) const { return reread(value_of(assemble_detached(parts(kind)))); }
    static SignedData reread(const Bytes& der) {
        static std::vector<std::unique_ptr<Bytes>> kept;  // the content is read from it
        kept.push_back(std::make_unique<Bytes>(der));
        return value_of(SignedData::read(*kept.back()));
    }

    void raise(const std::string& name, const std::string& suffix, SignedData document) {
        const auto save = [&](const std::string& level) {
            const Bytes der = value_of(document.write(16U << 20));
            write(name + "-" + level + suffix, der);
            document = reread(der);  // each level begins with what was written, as in life
        };
        save("B-B");
        add_time_stamps(document, story_);
        save("B-T");
        add_proofs(document, story_);
        save("B-LT");
        add_archives(document, content(), story_.archived_at);
        save("B-LTA");
        add_later_proofs(document, story_);
        add_archives(document, content(), story_.renewed_at);
        save("renewed");
    }

    void write(const std::string& name, ByteView bytes) const {
        std::ofstream file(folder_ / name, std::ios::binary);
        file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        if (!file.flush()) throw std::runtime_error("cannot write " + name);
    }

    std::filesystem::path folder_;
    Story story_;
    Bytes content_;
    MemorySource source_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: cms_make_samples FOLDER URL\n");
        return 2;
    }
    try {
        use_base_url(argv[2]);
        Samples(argv[1]).make_all();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
