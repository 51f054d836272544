#include "tsa/serial_number.h"

#include <span>

namespace sigillo::tsa {

SerialNumbers::SerialNumbers(std::uint16_t node, Random& random) {
    base_[0] = 0x01;  // keeps the INTEGER positive and its length fixed
    base_[1] = static_cast<std::uint8_t>(node >> 8U);
    base_[2] = static_cast<std::uint8_t>(node);
    random.fill(std::span(base_).subspan(3, 8));
}

SerialNumber SerialNumbers::next() {
    std::uint64_t counter = counter_.fetch_add(1, std::memory_order_relaxed) + 1;
    SerialNumber serial = base_;
    for (std::size_t at = serial.size(); at > serial.size() - sizeof counter; counter >>= 8U)
        serial[--at] = static_cast<std::uint8_t>(counter);
    return serial;
}

}  // namespace sigillo::tsa
