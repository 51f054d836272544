#include "api/documents/base64_stream.h"

#include <gtest/gtest.h>

#include <random>

#include "appliance/base/encoding.h"

namespace sigillo::api::documents {
namespace {

// Fed in pieces of every size, and compared with the decoder that has it whole.
Result<Bytes> in_pieces(std::string_view text, std::size_t piece) {
    Base64Decoder decoder;
    Bytes out;
    bool good = true;
    for (std::size_t i = 0; i < text.size(); i += piece)
        good = decoder.feed(text.substr(i, piece), out) && good;
    if (!good || !decoder.finish()) return fail(Errc::kInvalidArgument, "no base64");
    return out;
}

TEST(Base64Stream, pieces_of_any_size_decode_as_the_whole_does) {
    std::mt19937 random(7);
    for (std::size_t size = 0; size < 70; ++size) {
        Bytes bytes(size);
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
        const std::string text = base64_encode(bytes);
        for (std::size_t piece = 1; piece <= text.size() + 1; ++piece) {
            const auto decoded = in_pieces(text, piece);
            ASSERT_TRUE(decoded) << text << ' ' << piece;
            EXPECT_EQ(*decoded, bytes);
        }
        Base64Encoder encoder;
        std::string encoded;
        for (std::size_t i = 0; i < size; i += 5)
            encoder.feed(ByteView(bytes).subspan(i, std::min<std::size_t>(5, size - i)), encoded);
        encoder.finish(encoded);
        EXPECT_EQ(encoded, text);
        EXPECT_EQ(encoded.size(), base64_size(size));
    }
}

TEST(Base64Stream, what_the_strict_decoder_refuses_is_refused_in_pieces_too) {
    for (const std::string text : {"A", "AA", "AAA", "AA=A", "A===", "====", "AAAA=", "AAAA====", "AA==AAAA",
                                   "AB==", "AAB=", "AA==\n", " AAAA", "AA-_", "AAAA\\", "\xc3\xa4QQ"}) {
        EXPECT_FALSE(base64_decode(text)) << text;
        for (std::size_t piece = 1; piece <= text.size(); ++piece)
            EXPECT_FALSE(in_pieces(text, piece)) << text << ' ' << piece;
    }
}

}  // namespace
}  // namespace sigillo::api::documents
