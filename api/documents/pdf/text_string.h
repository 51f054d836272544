// Text between UTF-8 and PDF's spellings (ISO 32000-1 §7.9.2, §7.3.5). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "appliance/base/bytes.h"
#include "appliance/base/clock.h"

namespace sigillo::pdf {

// Code points; nothing when `text` is not UTF-8.
std::optional<std::u32string> from_utf8(std::string_view text);
std::string to_utf8(std::u32string_view text);

// A text string's source: "(ASCII)" or "<FEFF…>". `text` must be UTF-8.
std::string text_string(std::string_view text);
// A byte string's source, in hexadecimal.
std::string hex_string(ByteView bytes);
// A name's source, with its slash.
std::string name_source(std::string_view name);
// "(D:20261123091500Z)"
std::string date_string(WallTime time);

// The text of a decoded PDF text string: UTF-16BE or UTF-8 by its mark, else PDFDocEncoding.
std::string decode_text_string(ByteView bytes);

// "12", "0.5", "-3.25": at most four decimals, for coordinates of ours.
std::string number(double value);
// The shortest spelling that reads as the same number again, always with a point.
std::string real(double value);

}  // namespace sigillo::pdf
