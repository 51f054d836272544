#include "api/documents/cms/libcrypto.h"

#include <openssl/objects.h>

#include <array>
#include <chrono>
#include <ctime>

#include "appliance/base/encoding.h"

namespace sigillo::cms {
namespace {

// Octets of the UTF-8 character that `text` begins with; 0 when it does not begin with one (RFC 3629 §4).
std::size_t character_size(std::string_view text) {
    const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = octet(0);
    if (lead < 0x80U) return 1;
    const std::size_t size = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : 2;
    if (lead < 0xC2U || lead > 0xF4U || size > text.size()) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((octet(i) & 0xC0U) != 0x80U) return 0;
    const std::uint8_t second = octet(1);
    const bool overlong = (lead == 0xE0U && second < 0xA0U) || (lead == 0xF0U && second < 0x90U);
    const bool outside = (lead == 0xEDU && second > 0x9FU) || (lead == 0xF4U && second > 0x8FU);
    return overlong || outside ? 0 : size;
}

std::string only_utf8(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        out += size == 0 ? std::string_view("?") : text.substr(0, size);
        text.remove_prefix(size == 0 ? 1 : size);
    }
    return out;
}

}  // namespace

std::string oid_text(const ASN1_OBJECT* object) {
    std::array<char, 256> text{};
    const int size = OBJ_obj2txt(text.data(), static_cast<int>(text.size()), object, 1);
    return size > 0 && static_cast<std::size_t>(size) < text.size() ? std::string(text.data())
                                                                    : std::string();
}

std::string name_text(const X509_NAME* name) {
    const BioPtr out(BIO_new(BIO_s_mem()));
    constexpr unsigned long kFlags = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
    if (out == nullptr || X509_NAME_print_ex(out.get(), name, 0, kFlags) < 0) {
        ERR_clear_error();
        return {};
    }
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return size > 0 ? only_utf8({text, static_cast<std::size_t>(size)}) : std::string();
}

std::string serial_text(const ASN1_INTEGER* serial) {
    std::string hex = hex_encode(view_of(serial));
    for (char& c : hex)
        if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
    if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER) hex.insert(0, "-");
    return hex;
}

std::optional<WallTime> wall_time(const ASN1_TIME* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
        ERR_clear_error();
        return std::nullopt;
    }
    using namespace std::chrono;
    const year_month_day date(year(parts.tm_year + 1900), month(static_cast<unsigned>(parts.tm_mon + 1)),
                              day(static_cast<unsigned>(parts.tm_mday)));
    WallTime out = sys_days(date) + hours(parts.tm_hour) + minutes(parts.tm_min) + seconds(parts.tm_sec);
    const std::string_view text = as_text(view_of(time));
    if (const std::size_t point = text.find('.'); point != std::string_view::npos) {
        int unit = 100;
        for (std::size_t at = point + 1; at < text.size() && text[at] >= '0' && text[at] <= '9';
             ++at, unit /= 10)
            out += milliseconds((text[at] - '0') * unit);
    }
    return out;
}

}  // namespace sigillo::cms
