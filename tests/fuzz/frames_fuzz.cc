// Frames on sigillod's sockets and the messages in them.
#include "appliance/ipc/framing.h"
#include "appliance/ipc/sam.pb.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;

FUZZ_TARGET(input) {
    ipc::FrameReader reader(4096);
    for (std::size_t at = 0; at < input.size(); at += 7) {
        reader.feed(input.subspan(at, std::min<std::size_t>(7, input.size() - at)));
        for (;;) {
            const auto frame = reader.next();
            if (!frame) return;
            if (!*frame) break;
            FUZZ_CHECK(!(*frame)->empty() && (*frame)->size() <= 4096);
            sam::SigningRequest signing;
            (void)signing.ParseFromArray((*frame)->data(), static_cast<int>((*frame)->size()));
            sam::AdminRequest admin;
            (void)admin.ParseFromArray((*frame)->data(), static_cast<int>((*frame)->size()));
        }
    }
}
