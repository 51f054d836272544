#include "api/documents/sigillo-doc/worker.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <new>

#include "appliance/base/bytes.h"
#include "appliance/ipc/fd_message.h"

namespace sigillo::doc {
namespace {

constexpr std::uint64_t kMib = std::uint64_t{1} << 20;
constexpr std::chrono::milliseconds kPatience{3'600'000};  // the parent's deadline is shorter

std::uint64_t size_of(int fd) {
    struct stat info{};
    return ::fstat(fd, &info) == 0 && info.st_size > 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

WorkerLimits limits_for(const WorkerSetting& setting, const std::vector<UniqueFd>& fds) {
    std::uint64_t given = 0;
    for (const auto& fd : fds) given += size_of(fd.get());
    const WorkerConfig& config = setting.config;
    return {.address_space =
                setting.base_address_space + config.memory_base_mib * kMib + config.memory_factor * given,
            .file_size = config.output_base_mib * kMib + config.output_factor * given,
            .cpu_s = static_cast<unsigned>(config.cpu.count()),
            .descriptors = config.descriptors};
}

Answer failed(Errc code, std::string detail, std::string field = {}) {
    Answer answer;
    auto& error = *answer.mutable_error();
    error.set_code(static_cast<std::uint32_t>(code));
    error.set_detail(std::move(detail));
    error.set_field(std::move(field));
    return answer;
}

// The first descriptor is the way for messages that are too long for the socket.
bool read_long(int file, Request& request) {
    std::string text(size_of(file), '\0');
    std::size_t done = 0;
    while (done < text.size()) {
        const auto count = ::pread(file, text.data() + done, text.size() - done, static_cast<off_t>(done));
        if (count <= 0) return false;
        done += static_cast<std::size_t>(count);
    }
    return request.ParseFromString(text);
}

bool write_long(int file, std::string_view text) {
    if (::ftruncate(file, 0) != 0) return false;
    std::size_t done = 0;
    while (done < text.size()) {
        const auto count = ::pwrite(file, text.data() + done, text.size() - done, static_cast<off_t>(done));
        if (count <= 0) return false;
        done += static_cast<std::size_t>(count);
    }
    return true;
}

Answer carry_out(Jobs jobs, const Request& request, std::vector<UniqueFd>& fds) {
    try {
        return jobs(request, fds);
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& e) {
        return failed(Errc::kInternal, std::string("the document worker failed: ") + e.what());
    }
}

Status send(int connection, const WorkerConfig& config, const Answer& answer,
            const std::vector<UniqueFd>& fds) {
    std::string text = answer.SerializeAsString();
    if (text.size() > config.message_bytes) {
        Answer in_file;
        in_file.set_in_file(true);
        if (fds.empty() || !write_long(fds.front().get(), text))
            in_file =
                failed(Errc::kLimitExceeded, "the answer is larger than a worker may write", "document");
        text = in_file.SerializeAsString();
    }
    return ipc::send_fd_message(connection, as_bytes(text), {}, kPatience);
}

// One request from the message in hand. False: it was none.
bool serve(const WorkerSetting& setting, int connection, ipc::FdMessage& message) {
    Request request;
    if (!request.ParseFromArray(message.payload.data(), static_cast<int>(message.payload.size())))
        return false;
    if (request.in_file() && (message.fds.empty() || !read_long(message.fds.front().get(), request)))
        return false;
    const Answer answer = carry_out(setting.jobs, request, message.fds);
    return send(connection, setting.config, answer, message.fds).has_value();
}

}  // namespace

int run_worker(const WorkerSetting& setting, UniqueFd connection) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGXFSZ, SIG_IGN);  // EFBIG is an answer
    std::set_new_handler([] { ::_exit(kOutOfMemory); });
    const ipc::FdMessageLimits limits{.payload = setting.config.message_bytes + 1'024, .fds = 16};
    bool confined = false;
    for (;;) {
        auto message = ipc::receive_fd_message(connection.get(), limits, kPatience);
        if (!message) return kBrokenConnection;
        if (!*message) return kDone;
        if (!confined && setting.confinement.apply(limits_for(setting, (*message)->fds)) != 0)
            return kConfinementFailed;
        confined = true;
        try {
            if (!serve(setting, connection.get(), **message)) return kBrokenConnection;
        } catch (const std::bad_alloc&) {  // thrown by a library by itself
            return kOutOfMemory;
        }
    }
}

}  // namespace sigillo::doc
