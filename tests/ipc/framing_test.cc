#include "appliance/ipc/framing.h"

#include <gtest/gtest.h>

#include "appliance/ipc/sam.pb.h"

namespace sigillo::ipc {
namespace {

TEST(Framing, AFrameIsFourBytesOfBigEndianLengthThenThePayload) {
    EXPECT_EQ(encode_frame(as_bytes("abc")), (Bytes{0, 0, 0, 3, 'a', 'b', 'c'}));
}

TEST(Framing, AStreamCutAtEveryPlaceGivesTheSameFrames) {
    const Bytes stream = concat(encode_frame(as_bytes("first")), encode_frame(as_bytes("x")),
                                encode_frame(as_bytes("third frame")));
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        FrameReader reader;
        std::vector<std::string> frames;
        for (const ByteView part : {ByteView(stream).first(cut), ByteView(stream).subspan(cut)}) {
            reader.feed(part);
            for (auto frame = reader.next(); frame && *frame; frame = reader.next())
                frames.emplace_back(as_text(**frame));
        }
        EXPECT_EQ(frames, (std::vector<std::string>{"first", "x", "third frame"})) << "cut at " << cut;
    }
}

TEST(Framing, BytesThatComeOneByOneAreFrames) {
    FrameReader reader;
    std::size_t frames = 0;
    for (int round = 0; round < 100; ++round) {
        for (const std::uint8_t byte : encode_frame(as_bytes("payload"))) {
            reader.feed({&byte, 1});
            const auto frame = reader.next();
            ASSERT_TRUE(frame);
            if (*frame) ++frames;
        }
    }
    EXPECT_EQ(frames, 100U);
}

TEST(Framing, AnEmptyFrameIsRefused) {
    FrameReader reader;
    reader.feed(Bytes{0, 0, 0, 0});
    EXPECT_EQ(reader.next().error().code, Errc::kInvalidArgument);
}

TEST(Framing, AFrameOfExactlyTheLimitPassesAndOneByteMoreIsRefusedAtItsHeader) {
    FrameReader reader(8);
    reader.feed(encode_frame(as_bytes("12345678")));
    EXPECT_EQ((*reader.next())->size(), 8U);
    reader.feed(Bytes{0, 0, 0, 9});
    EXPECT_EQ(reader.next().error().code, Errc::kLimitExceeded);
}

TEST(Framing, AHugeLengthIsRefusedWithoutAllocatingIt) {
    FrameReader reader;
    reader.feed(Bytes{0xff, 0xff, 0xff, 0xff});
    EXPECT_EQ(reader.next().error().code, Errc::kLimitExceeded);
}

TEST(MessageId, IsWhatProtobufWroteForEveryWidth) {
    for (unsigned shift = 0; shift < 64; ++shift) {
        for (const std::uint64_t id : {std::uint64_t{1} << shift, ~std::uint64_t{0} >> shift}) {
            sam::SigningResponse response;
            response.set_id(id);
            response.mutable_done();
            EXPECT_EQ(message_id(to_bytes(response.SerializeAsString())), id);
        }
    }
}

TEST(MessageId, AnythingElseAtTheBeginningIsNone) {
    EXPECT_FALSE(message_id({}));
    EXPECT_FALSE(message_id(Bytes{0x08}));
    EXPECT_FALSE(message_id(Bytes{0x08, 0x00}));        // 0 is "no id"
    EXPECT_FALSE(message_id(Bytes{0x10, 0x01}));        // field 2
    EXPECT_FALSE(message_id(Bytes{0x0a, 0x01}));        // field 1, but bytes
    EXPECT_FALSE(message_id(Bytes{0x08, 0x81}));        // cut off
    EXPECT_FALSE(message_id(Bytes{0x08, 0x81, 0x00}));  // 1 in two bytes
    EXPECT_FALSE(
        message_id(Bytes{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}));  // 65 bits
    EXPECT_FALSE(message_id(Bytes{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}));
}

}  // namespace
}  // namespace sigillo::ipc
