#include "api/v1/qr.h"

#include <qrencode.h>

#include <cerrno>
#include <cstddef>
#include <limits>
#include <memory>
#include <vector>

#include "appliance/base/secret.h"

namespace sigillo::api::v1 {
namespace {

constexpr int kQuietZone = 4;                    // modules, ISO/IEC 18004
constexpr int kSmallest = 0;                     // version: the smallest that holds the text
constexpr QRecLevel kCorrection = QR_ECLEVEL_M;  // 15 %: reflections on a screen
constexpr unsigned char kDark = 1;               // the lowest bit of a module

struct FreeCode {
    void operator()(QRcode* code) const {
        // It is the seed, drawn.
        const auto size = static_cast<std::size_t>(code->width) * static_cast<std::size_t>(code->width);
        volatile unsigned char* module = code->data;
        for (std::size_t i = 0; i < size; ++i) module[i] = 0;
        QRcode_free(code);
    }
};

// Each run of dark modules in a row is a rectangle of the path.
std::string dark_runs(const QRcode& code) {
    std::string path;
    for (int row = 0; row < code.width; ++row) {
        const unsigned char* modules = code.data + static_cast<std::ptrdiff_t>(row) * code.width;
        for (int from = 0; from < code.width;) {
            int to = from;
            while (to < code.width && (modules[to] & kDark) != 0) ++to;
            if (to > from) {
                const std::string length = std::to_string(to - from);
                path.append("M").append(std::to_string(from + kQuietZone));
                path.append(" ").append(std::to_string(row + kQuietZone));
                path.append("h").append(length).append("v1h-").append(length).append("z");
            }
            from = to + 1;
        }
    }
    return path;
}

}  // namespace

Result<std::string> qr_svg(std::string_view text) {
    if (text.empty() || text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
        return fail(Errc::kLimitExceeded, "nothing that a QR code could hold");
    std::vector<unsigned char> bytes(text.begin(), text.end());
    const std::unique_ptr<QRcode, FreeCode> code(
        QRcode_encodeData(static_cast<int>(bytes.size()), bytes.data(), kSmallest, kCorrection));
    const int reason = errno;
    cleanse(bytes);
    if (code == nullptr)
        return reason == ERANGE ? fail(Errc::kLimitExceeded, "longer than a QR code holds")
                                : fail(Errc::kInternal, "libqrencode made no QR code");
    const std::string size = std::to_string(code->width + 2 * kQuietZone);
    return "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " + size + ' ' + size +
           "' shape-rendering='crispEdges'><path fill='#fff' d='M0 0h" + size + 'v' + size +
           "H0z'/><path d='" + dark_runs(*code) + "'/></svg>";
}

}  // namespace sigillo::api::v1
