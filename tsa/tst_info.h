// TSTInfo (RFC 3161 §2.4.2): what a time-stamp token says.
// Pure functions; safe from any thread.
#pragma once

#include <array>
#include <string_view>

#include "tsa/precise_time.h"
#include "tsa/request/time_stamp_request.h"
#include "tsa/serial_number.h"

namespace sigillo::tsa {

// Digits after the second that genTime has under this accuracy, 0 to 6: the fewest that lose no more than a
// tenth of it. Accuracy 1 s: one.
unsigned gen_time_digits(Microseconds accuracy);
// What cutting after that many digits loses at most.
Microseconds gen_time_resolution(unsigned digits);

// A GeneralizedTime in UTC as RFC 3161 §2.4.2 wants it: "20261123091500.4Z", cut (not rounded) after
// `digits`, without trailing zeros, and without the point when nothing follows.
class GenTime {
 public:
    GenTime(PreciseTime time, unsigned digits);
    std::string_view text() const { return {text_.data(), size_}; }
    PreciseTime time() const { return time_; }  // as cut

 private:
    PreciseTime time_;
    std::array<char, 24> text_{};
    std::size_t size_ = 0;
};

// DER of Accuracy: seconds, millis [0], micros [1], each left out when zero.
Bytes encode_accuracy(Microseconds accuracy);

// What is the same in each token of a unit, made once. Views.
struct TstInfoParts {
    ByteView accuracy;  // encode_accuracy()
    ByteView tsa;       // the DER of field tsa, [0] GeneralName, or empty
};

// DER of TSTInfo, version 1. `policy`: content octets. ordering is left out (FALSE): tokens of one second, or
// of two units, are not ordered by their genTime. There are no extensions.
Bytes encode_tst_info(const TimeStampRequest& request, ByteView policy, const SerialNumber& serial,
                      const GenTime& time, const TstInfoParts& parts);

}  // namespace sigillo::tsa
