#include "api/documents/pdf/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>

namespace sigillo::pdf {
namespace {

std::unexpected<Error> broken() {
    return fail(Errc::kInvalidArgument, "the document's cross-reference stream cannot be decoded",
                "document");
}

std::size_t number_of(const DictionaryText& dictionary, std::string_view key, std::size_t otherwise) {
    const auto text = dictionary.find(key);
    std::size_t value = otherwise;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

Result<Bytes> inflate(ByteView data, std::size_t limit) {
    z_stream stream{};
    if (::inflateInit(&stream) != Z_OK)
        return fail(Errc::kUnavailable, "no memory to decompress", "document");
    const std::unique_ptr<z_stream, decltype(&::inflateEnd)> end(&stream, &::inflateEnd);
    stream.next_in = const_cast<Bytef*>(data.data());
    stream.avail_in = static_cast<uInt>(data.size());
    Bytes out;
    std::array<std::uint8_t, 16'384> piece{};
    for (int status = Z_OK; status == Z_OK;) {
        stream.next_out = piece.data();
        stream.avail_out = static_cast<uInt>(piece.size());
        status = ::inflate(&stream, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END) return broken();
        append(out, ByteView(piece).first(piece.size() - stream.avail_out));
        if (out.size() > limit)
            return fail(Errc::kLimitExceeded,
                        "the document's cross-reference is larger than " + std::to_string(limit), "document");
    }
    return out;
}

std::uint8_t paeth(int left, int up, int corner) {
    const int estimate = left + up - corner;
    const int by_left = std::abs(estimate - left);
    const int by_up = std::abs(estimate - up);
    const int by_corner = std::abs(estimate - corner);
    if (by_left <= by_up && by_left <= by_corner) return static_cast<std::uint8_t>(left);
    return static_cast<std::uint8_t>(by_up <= by_corner ? up : corner);
}

// PNG §9: each row begins with the number of its filter; a pixel is one octet.
Result<Bytes> undo_predictor(ByteView data, std::size_t columns) {
    Bytes out;
    Bytes above(columns, 0);
    while (data.size() > columns) {
        const std::uint8_t filter = data.front();
        Bytes row = to_bytes(data.subspan(1, columns));
        data = data.subspan(columns + 1);
        for (std::size_t i = 0; i < columns; ++i) {
            const int left = i > 0 ? row[i - 1] : 0;
            const int up = above[i];
            const int corner = i > 0 ? above[i - 1] : 0;
            int predicted = 0;
            switch (filter) {
                case 0:
                    break;
                case 1:
                    predicted = left;
                    break;
                case 2:
                    predicted = up;
                    break;
                case 3:
                    predicted = (left + up) / 2;
                    break;
                case 4:
                    predicted = paeth(left, up, corner);
                    break;
                default:
                    return broken();
            }
            row[i] = static_cast<std::uint8_t>(row[i] + predicted);
        }
        append(out, row);
        above = std::move(row);
    }
    return out;
}

}  // namespace

Result<Bytes> decode(const DictionaryText& dictionary, ByteView data, std::size_t limit) {
    const auto filter = dictionary.find("Filter");
    if (!filter) return to_bytes(data);
    // An array of one filter is the same.
    std::string_view name = *filter;
    if (name.starts_with('[')) name = name.substr(skip_space(name, 1));
    if (!name.starts_with("/FlateDecode")) return broken();
    name.remove_prefix(std::string_view("/FlateDecode").size());
    name.remove_prefix(skip_space(name, 0));
    if (!name.empty() && name != "]") return broken();
    SIGILLO_ASSIGN(Bytes plain, inflate(data, limit));
    std::string_view parameters = dictionary.find("DecodeParms").value_or("<<>>");
    if (parameters.starts_with('[')) parameters.remove_prefix(1);
    SIGILLO_ASSIGN(const DictionaryText decoding, DictionaryText::parse(parameters));
    const std::size_t predictor = number_of(decoding, "Predictor", 1);
    if (predictor == 1) return plain;
    const std::size_t columns = number_of(decoding, "Columns", 1);
    if (predictor < 10 || columns == 0 || columns > 64) return broken();
    return undo_predictor(plain, columns);
}

}  // namespace sigillo::pdf
