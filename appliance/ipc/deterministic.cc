#include "appliance/ipc/deterministic.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace sigillo::ipc {

std::string deterministic_bytes(const google::protobuf::MessageLite& message) {
    std::string bytes;
    {
        google::protobuf::io::StringOutputStream stream(&bytes);
        google::protobuf::io::CodedOutputStream coded(&stream);
        coded.SetSerializationDeterministic(true);
        message.SerializeWithCachedSizes((static_cast<void>(message.ByteSizeLong()), &coded));
    }
    return bytes;
}

}  // namespace sigillo::ipc
