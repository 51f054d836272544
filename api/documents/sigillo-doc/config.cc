#include "api/documents/sigillo-doc/config.h"

#include "appliance/base/config_file.h"

namespace sigillo::doc {

Result<DocConfig> load_config(const std::filesystem::path& path) {
    SIGILLO_ASSIGN(ConfigFile file, ConfigFile::load(path));
    DocConfig config;
    WorkerConfig& worker = config.worker;
    constexpr std::int64_t kMostMib = 1'048'576;  // a TiB
    file.required_text("doc.socket", config.socket)
        .count("doc.socket_mode", config.socket_mode, 0, 0777)
        .texts("doc.users", config.users)
        .texts("doc.fonts", config.fonts)
        .count("doc.workers", config.workers, 1, 4'096)
        .count("doc.queue_limit", config.queue_limit, 1, 65'536)
        .count("doc.memory_base_mib", worker.memory_base_mib, 16, kMostMib)
        .count("doc.memory_factor", worker.memory_factor, 1, 64)
        .count("doc.output_base_mib", worker.output_base_mib, 1, kMostMib)
        .count("doc.output_factor", worker.output_factor, 1, 64)
        .duration("doc.cpu_s", worker.cpu, 1, 3'600)
        .duration("doc.deadline_s", worker.deadline, 1, 3'600);
    read_hardening_config(file, "doc", config.hardening);
    SIGILLO_TRY(file.finish());
    return config;
}

}  // namespace sigillo::doc
