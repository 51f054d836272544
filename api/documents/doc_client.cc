#include "api/documents/doc_client.h"

#include "appliance/ipc/fd_message.h"
#include "appliance/ipc/unix_socket.h"

namespace sigillo::api::documents {
namespace {

constexpr std::size_t kMessageBytes =
    60'000;  // what goes without a file; doc.proto's other end says the same

std::unexpected<Error> away(const Error& why) {
    return fail(Errc::kUnavailable, "sigillo-doc: " + why.detail, {}, why.native);
}

Error error_of(const doc::Error& error) {
    const auto code = error.code() >= 1 && error.code() <= static_cast<unsigned>(Errc::kInternal)
                          ? static_cast<Errc>(error.code())
                          : Errc::kInternal;
    return {code, error.detail(), error.field()};
}

Result<doc::Answer> read_long(const MemoryFile& file) {
    SIGILLO_ASSIGN(const auto size, file.size());
    std::string text(size, '\0');
    SIGILLO_TRY(file.read(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}));
    doc::Answer answer;
    if (!answer.ParseFromString(text)) return fail(Errc::kInternal, "sigillo-doc's answer cannot be read");
    return answer;
}

}  // namespace

Result<DocWorker> DocWorker::connect(const DocClientConfig& config) {
    auto socket = ipc::connect_unix(config.socket, ipc::SocketKind::kPackets);
    if (!socket) return away(socket.error());
    return DocWorker(std::move(*socket), config.deadline);
}

Result<doc::Answer> DocWorker::ask(const doc::Request& request,
                                   std::vector<std::shared_ptr<MemoryFile>> files,
                                   doc::Answer::ResultCase expected) {
    SIGILLO_ASSIGN(auto exchange, MemoryFile::create("exchange"));
    files.insert(files.begin(), exchange);
    std::vector<int> fds;
    for (const auto& file : files) fds.push_back(file->fd());
    std::string text = request.SerializeAsString();
    if (text.size() > kMessageBytes) {
        SIGILLO_TRY(exchange->append(as_bytes(text)));
        doc::Request in_file;
        in_file.set_in_file(true);
        text = in_file.SerializeAsString();
    }
    if (auto sent = ipc::send_fd_message(socket_.get(), as_bytes(text), fds, deadline_); !sent)
        return away(sent.error());
    auto message =
        ipc::receive_fd_message(socket_.get(), {.payload = kMessageBytes + 1'024, .fds = 1}, deadline_);
    if (!message) return away(message.error());
    if (!*message)
        return fail(Errc::kUnavailable, "sigillo-doc closed the connection: it stops, or has too much to do");
    doc::Answer answer;
    const Bytes& payload = (*message)->payload;
    if (!answer.ParseFromArray(payload.data(), static_cast<int>(payload.size())))
        return fail(Errc::kInternal, "sigillo-doc's answer cannot be read");
    if (answer.in_file()) {
        SIGILLO_ASSIGN(answer, read_long(*exchange));
    }
    if (answer.result_case() == doc::Answer::kError) return std::unexpected(error_of(answer.error()));
    if (answer.result_case() != expected)
        return fail(Errc::kInternal, "sigillo-doc's answer is of another kind than the question");
    return answer;
}

Result<doc::Answer> ask_worker(const DocClientConfig& config, const doc::Request& request,
                               std::vector<std::shared_ptr<MemoryFile>> files,
                               doc::Answer::ResultCase expected) {
    SIGILLO_ASSIGN(auto worker, DocWorker::connect(config));
    return worker.ask(request, std::move(files), expected);
}

bool doc_answers(const DocClientConfig& config) {
    return ipc::connect_unix(config.socket, ipc::SocketKind::kPackets).has_value();
}

}  // namespace sigillo::api::documents
