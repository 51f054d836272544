#include "api/json/writer.h"

#include "appliance/base/encoding.h"

namespace sigillo::api::json {

void Writer::separate() {
    if (!first_) out_.push_back(',');
    first_ = false;
}

Writer& Writer::open(char bracket) {
    separate();
    out_.push_back(bracket);
    first_ = true;
    return *this;
}

Writer& Writer::close(char bracket) {
    out_.push_back(bracket);
    first_ = false;
    return *this;
}

Writer& Writer::key(std::string_view name) {
    string(name);
    out_.push_back(':');
    first_ = true;
    return *this;
}

Writer& Writer::string(std::string_view value) {
    separate();
    out_.push_back('"');
    for (const char c : value) {
        switch (c) {
            case '"':
                out_ += "\\\"";
                break;
            case '\\':
                out_ += "\\\\";
                break;
            case '\n':
                out_ += "\\n";
                break;
            case '\r':
                out_ += "\\r";
                break;
            case '\t':
                out_ += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    const std::uint8_t byte = static_cast<std::uint8_t>(c);
                    out_ += "\\u00" + hex_encode({&byte, 1});
                } else {
                    out_.push_back(c);
                }
        }
    }
    out_.push_back('"');
    return *this;
}

Writer& Writer::base64(ByteView value) {
    separate();
    out_.push_back('"');
    out_ += base64_encode(value);
    out_.push_back('"');
    return *this;
}

Writer& Writer::integer(std::int64_t value) {
    separate();
    out_ += std::to_string(value);
    return *this;
}

Writer& Writer::boolean(bool value) {
    separate();
    out_ += value ? "true" : "false";
    return *this;
}

}  // namespace sigillo::api::json
