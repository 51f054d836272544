// Records that are remembered: only what has the very same bytes is taken for verified.
#include "appliance/store/record_memory.h"

#include <gtest/gtest.h>

#include "appliance/store/records.h"

namespace sigillo::testing {
namespace {

constexpr Table<record::Credential> kTable = tables::kCredentials;

// One row, and how often it was asked for.
class OneRow final : public ReadTransaction {
 public:
    Result<std::optional<ByteView>> get(Space, ByteView key) override {
        if (as_text(key) != "id" || stored.empty()) return std::optional<ByteView>();
        return std::optional<ByteView>(stored);
    }
    Status scan(Space, ByteView, ByteView, const Visit&) override { return {}; }
    Bytes stored;
};

RecordCodec codec_of(std::uint8_t fill, std::size_t remembered = kRecordsRemembered) {
    SecretBytes key(32);
    for (auto& byte : key.expose_mutable()) byte = fill;
    return RecordCodec(std::move(key), remembered);
}

Bytes row_of(const RecordCodec& codec, const std::string& tenant, std::uint64_t version = 1) {
    record::Credential credential;
    credential.set_tenant(tenant);
    return codec.encode(kTable.space, as_bytes("id"), version, as_bytes(credential.SerializeAsString()));
}

TEST(RecordMemory, TheSameBytesAreDecodedOnce) {
    const RecordCodec codec = codec_of(1);
    OneRow row;
    row.stored = row_of(codec, "a", 4);
    const auto first = load_shared(row, codec, kTable, as_bytes("id"));
    ASSERT_TRUE(first && *first);
    EXPECT_EQ((*first)->value.tenant(), "a");
    EXPECT_EQ((*first)->version, 4U);
    EXPECT_EQ(*load_shared(row, codec, kTable, as_bytes("id")), *first);
}

TEST(RecordMemory, AChangedRecordIsReadAnew) {
    const RecordCodec codec = codec_of(1);
    OneRow row;
    row.stored = row_of(codec, "a", 1);
    const auto before = *load_shared(row, codec, kTable, as_bytes("id"));
    row.stored = row_of(codec, "b", 2);
    const auto after = *load_shared(row, codec, kTable, as_bytes("id"));
    EXPECT_EQ(after->value.tenant(), "b");
    EXPECT_EQ(after->version, 2U);
    EXPECT_EQ(before->value.tenant(), "a");  // whoever holds it keeps what he read
    // An older one that comes back is what it says it is: finding that out is the sweep's, not the codec's.
    row.stored = row_of(codec, "a", 1);
    EXPECT_EQ((*load_shared(row, codec, kTable, as_bytes("id")))->version, 1U);
}

TEST(RecordMemory, AnyBitFlippedInARememberedRecordIsFound) {
    const RecordCodec codec = codec_of(1);
    OneRow row;
    const Bytes good = row_of(codec, "a");
    row.stored = good;
    ASSERT_TRUE(load_shared(row, codec, kTable, as_bytes("id")));
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        row.stored = good;
        row.stored[bit / 8] = static_cast<std::uint8_t>(row.stored[bit / 8] ^ (1U << (bit % 8)));
        EXPECT_EQ(load_shared(row, codec, kTable, as_bytes("id")).error().code, Errc::kCorrupt);
    }
    row.stored = good;
    row.stored.pop_back();
    EXPECT_FALSE(load_shared(row, codec, kTable, as_bytes("id")));
    row.stored = good;
    row.stored.push_back(0);
    EXPECT_FALSE(load_shared(row, codec, kTable, as_bytes("id")));
}

TEST(RecordMemory, BytesOfAnotherKeyOrSpaceAreNotTakenForVerified) {
    const RecordCodec codec = codec_of(1);
    OneRow row;
    row.stored = row_of(codec, "a");
    ASSERT_TRUE(load_shared(row, codec, kTable, as_bytes("id")));
    EXPECT_EQ(codec.memory().find(kTable.space, as_bytes("di"), row.stored), nullptr);
    EXPECT_EQ(codec.memory().find(tables::kClients.space, as_bytes("id"), row.stored), nullptr);
    EXPECT_EQ(load_shared(row, codec, tables::kClients, as_bytes("id")).error().code, Errc::kCorrupt);
}

TEST(RecordMemory, WhatWasErasedIsNotThere) {
    const RecordCodec codec = codec_of(1);
    OneRow row;
    row.stored = row_of(codec, "a");
    ASSERT_TRUE(load_shared(row, codec, kTable, as_bytes("id")));
    row.stored.clear();
    EXPECT_EQ(*load_shared(row, codec, kTable, as_bytes("id")), nullptr);
    EXPECT_EQ(require_shared(row, codec, kTable, as_bytes("id"), "credentialID").error().code,
              Errc::kNotFound);
}

TEST(RecordMemory, IsBoundedAndKeepsWhatIsAskedFor) {
    RecordMemory memory(10);
    const Space space = kTable.space;
    const auto key = [](int i) { return to_bytes(std::to_string(i)); };
    const auto known = [&](int i) { return memory.find(space, key(i), as_bytes("x")) != nullptr; };
    for (int i = 0; i < 1000; ++i) {
        memory.remember(space, key(i), as_bytes("x"), std::make_shared<int>(i));
        EXPECT_TRUE(known(i));
        EXPECT_TRUE(known(0)) << "asked for all the time, after " << i;
    }
    int left = 0;
    for (int i = 0; i < 1000; ++i) left += known(i) ? 1 : 0;
    EXPECT_LE(left, 20);
    RecordMemory none(0);
    none.remember(space, key(1), as_bytes("x"), std::make_shared<int>(1));
    EXPECT_EQ(none.find(space, key(1), as_bytes("x")), nullptr);
}

}  // namespace
}  // namespace sigillo::testing
