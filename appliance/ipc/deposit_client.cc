#include "appliance/ipc/deposit_client.h"

#include <array>

#include "appliance/ipc/fd_message.h"
#include "appliance/ipc/sam.pb.h"

namespace sigillo::ipc {

Result<DepositReceipt> deposit(const std::string& socket_path, int fd, std::chrono::milliseconds patience) {
    SIGILLO_ASSIGN(const UniqueFd socket, connect_unix(socket_path, SocketKind::kPackets));
    sam::DepositRequest request;
    request.set_id(1);
    const std::array fds{fd};
    SIGILLO_TRY(send_fd_message(socket.get(), as_bytes(request.SerializeAsString()), fds, patience));
    SIGILLO_ASSIGN(const auto message, receive_fd_message(socket.get(), {4'096, 0}, patience));
    sam::DepositResponse response;
    if (!message ||
        !response.ParseFromArray(message->payload.data(), static_cast<int>(message->payload.size())))
        return fail(Errc::kUnavailable, "sigillod did not take the document");
    if (response.has_error())
        return fail(static_cast<Errc>(response.error().code()), response.error().detail(),
                    response.error().field());
    return DepositReceipt{to_bytes(response.deposited().deposit()),
                          std::chrono::seconds(response.deposited().expires_in_s())};
}

}  // namespace sigillo::ipc
