// An otpauth URI as a picture, for the signer's authenticator app: QR code, ISO/IEC 18004.
// Pure function; safe from any thread.
#pragma once

#include <string>
#include <string_view>

#include "appliance/base/result.h"

namespace sigillo::api::v1 {

// SVG 1.1 text without double quotes, one unit a module, the quiet zone of four modules included, dark on
// white. The picture is as secret as `text`. kLimitExceeded: longer than a QR code holds (2,331 bytes);
// kInternal.
Result<std::string> qr_svg(std::string_view text);

}  // namespace sigillo::api::v1
