#include "api/config.h"

#include "api/routes.h"
#include "appliance/base/config_file.h"

namespace sigillo::api {
namespace {

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;

void read_service_info(ConfigFile& file, ServiceInfo& info) {
    file.text("api.name", info.name)
        .text("api.logo", info.logo)
        .text("api.region", info.region)
        .text("api.lang", info.lang)
        .text("api.description", info.description);
    // CSC §11.1
    if (info.name.empty() || info.name.size() > 255) file.complain("api.name", "has 1 to 255 bytes");
    if (info.description.size() > 255) file.complain("api.description", "has at most 255 bytes");
    if (info.region.size() != 2) file.complain("api.region", "is an ISO 3166-1 code of two letters");
}

documents::DocumentsConfig read_documents(ConfigFile& file, ApiConfig& api) {
    documents::DocumentsConfig config;
    std::string spool;
    file.text("api.doc_socket", config.doc.socket)
        .text("api.deposit_socket", config.deposit.socket)
        .text("api.spool_directory", spool)
        .count("api.spool_mib", config.spool.total_mib, 1, kMiB)
        .count("api.documents_memory_mib", config.memory_mib, 1, kMiB)
        .count("api.max_document_body_mib", config.max_body_mib, 1, 4'096)
        .count("api.max_document_text_bytes", config.body.text_bytes, kKiB, 64 * kMiB)
        .count("api.documents_limit", config.sign_doc.documents, 1, 256)
        .count("api.document_threads", config.threads, 1, 1'024)
        .count("api.document_queue_limit", config.queue_limit, 1, 65'536)
        .count("api.document_answer_bytes", config.answer_bytes, kKiB, 64 * kMiB)
        .duration("api.doc_deadline_ms", config.doc.deadline, 100, 3'600'000)
        .duration("api.validity_ms", config.sign_doc.async.default_validity, 1, 86'400'000)
        .duration("api.max_validity_ms", config.sign_doc.async.max_validity, 1, 604'800'000)
        .count("api.results_limit", config.results, 1, 1'000'000)
        .count("api.waiting_answer_bytes", config.waiting_answer_bytes, kKiB, 64 * kMiB)
        .count("api.prepared_limit", config.prepared, 1, 1'000'000)
        .count("api.prepared_mib", config.prepared_mib, 1, kMiB)
        .duration("api.prepared_s", config.prepared_life, 1, 31'536'000)
        .duration("api.prepared_completed_s", config.prepared_life_after, 1, 31'536'000);
    config.spool.directory = spool;
    if (config.doc.socket.empty()) return config;
    if (config.deposit.socket.empty())
        file.complain("api.deposit_socket", "is wanted where api.doc_socket is given");
    if (spool.empty()) file.complain("api.spool_directory", "is wanted where api.doc_socket is given");
    config.sign_doc.async.callbacks = !api.fetch.socket.empty();
    api.http.limits.large_body_bytes = config.max_body_mib << 20;
    api.http.limits.large_body_paths = large_body_paths();
    return config;
}

}  // namespace

Result<ApiConfig> load_config(const std::filesystem::path& path, Face face) {
    SIGILLO_ASSIGN(ConfigFile file, ConfigFile::load(path));
    const std::string table = face == Face::kApi ? "api" : "public";
    const auto key = [&](std::string_view name) { return table + '.' + std::string(name); };
    ApiConfig config;
    config.http.with_client_certificate = face == Face::kApi;
    if (face == Face::kPublic)
        config.http.limits.body_bytes = std::size_t{64} * 1024;  // a time-stamp request has 8 KiB at most

    file.required_text(key("socket"), config.http.socket)
        .required_text(key("sam_socket"), config.sam.path)
        .count(key("threads"), config.http.threads, 1, 64)
        .count(key("socket_mode"), config.http.socket_mode, 0, 0777)
        .count(key("max_head_bytes"), config.http.limits.head_bytes, 4 * kKiB, kMiB)
        .count(key("max_body_bytes"), config.http.limits.body_bytes, kKiB, 64 * kMiB)
        .count(key("connection_limit"), config.http.connection_limit, 1, 65'536)
        .duration(key("request_timeout_s"), config.http.request_timeout, 1, 3600)
        .count(key("sam_in_flight_limit"), config.sam.in_flight_limit, 1, 65'536)
        .duration(key("sam_deadline_ms"), config.sam.deadline, 100, 600'000)
        .duration(key("shutdown_deadline_s"), config.shutdown_deadline, 0, 600);
    file.count(key("max_time_stamp_bytes"), config.time_stamps.max_bytes, 256, kMiB)
        .count(key("max_nonce_bytes"), config.time_stamps.max_nonce_bytes, 8, 1'024)
        .count(key("max_policy_bytes"), config.time_stamps.max_policy_bytes, 8, 1'024)
        .flag(key("negative_nonce"), config.time_stamps.negative_nonce);
    if (face == Face::kPublic)
        file.count(key("max_ocsp_bytes"), config.ocsp.max_bytes, 256, 64 * kKiB)
            .count(key("max_ocsp_certificates"), config.ocsp.max_certificates, 1, 1'000)
            .count(key("max_ocsp_nonce_bytes"), config.ocsp.max_nonce_bytes, 1, 128);
    if (face == Face::kApi) {
        file.count(key("certificate_cache"), config.certificate_cache, 1, 1'000'000)
            .count(key("hashes_limit"), config.requests.hashes, 1, 1'000)
            .text(key("fetch_socket"), config.fetch.socket)
            .count(key("fetch_in_flight_limit"), config.fetch.in_flight_limit, 1, 65'536)
            .duration(key("fetch_deadline_ms"), config.fetch.deadline, 100, 600'000)
            .duration(key("fetch_health_deadline_ms"), config.fetch.health_deadline, 10, 60'000);
        read_service_info(file, config.info);
        auto documents = read_documents(file, config);
        if (!documents.doc.socket.empty()) config.documents = std::move(documents);
    }
    read_hardening_config(file, table, config.hardening);
    SIGILLO_TRY(file.finish());
    return config;
}

}  // namespace sigillo::api
