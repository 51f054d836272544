// A message's bytes, the same for the same contents: protobuf alone writes maps in any order.
#pragma once

#include <google/protobuf/message_lite.h>

#include <string>

namespace sigillo::ipc {

// For digests of messages; within one build of the program. Thread-safe.
std::string deterministic_bytes(const google::protobuf::MessageLite& message);

}  // namespace sigillo::ipc
