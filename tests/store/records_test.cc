// Records in their envelope: what is altered, moved or foreign is found, and its place named.
#include "appliance/store/records.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "appliance/base/encoding.h"
#include "appliance/store/lmdb_store.h"
#include "appliance/store/place.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::testing {
namespace {

RecordCodec codec_of(std::uint8_t fill) {
    SecretBytes key(32);
    for (auto& byte : key.expose_mutable()) byte = fill;
    return RecordCodec(std::move(key));
}

const Bytes kKey = to_bytes("00112233445566778899aabbccddeeff");
constexpr Space kPlace = tables::kCredentials.space;

Errc decode_code(const RecordCodec& codec, Space space, ByteView key, ByteView stored) {
    const auto decoded = codec.decode(space, key, stored);
    return decoded ? Errc{} : decoded.error().code;
}

TEST(Records, EncodedIsDecoded) {
    const RecordCodec codec = codec_of(1);
    for (const char* payload : {"", "payload"}) {
        const Bytes stored = codec.encode(kPlace, kKey, 77, as_bytes(payload));
        EXPECT_EQ(stored.size(), 41 + std::strlen(payload));
        const auto decoded = codec.decode(kPlace, kKey, stored);
        ASSERT_TRUE(decoded);
        EXPECT_EQ(decoded->version, 77U);
        EXPECT_EQ(as_text(decoded->payload), payload);
    }
}

// Computed apart from this code, by the recipe of FORMAT.md.
TEST(Records, EnvelopeIsTheOneOfTheFormatDocument) {
    const Bytes stored = codec_of(1).encode(Space{"sads"}, as_bytes("k"), 2, as_bytes("p"));
    EXPECT_EQ(hex_encode(stored),
              "010000000000000002"
              "a026a2a54334248685dce6da2aa170eea32e1291f9cac44fd568900241ad4c88"
              "70");
}

TEST(Records, CrashAnyBitFlippedIsFound) {
    const RecordCodec codec = codec_of(1);
    const Bytes stored = codec.encode(kPlace, kKey, 3, as_bytes("a payload of some length"));
    for (std::size_t bit = 0; bit < stored.size() * 8; ++bit) {
        Bytes altered = stored;
        altered[bit / 8] = static_cast<std::uint8_t>(altered[bit / 8] ^ (1U << (bit % 8)));
        const auto decoded = codec.decode(kPlace, kKey, altered);
        ASSERT_FALSE(decoded) << "bit " << bit;
        EXPECT_EQ(decoded.error().code, Errc::kCorrupt);
        EXPECT_NE(decoded.error().detail.find("credentials/00112233445566778899aabbccddeeff"),
                  std::string::npos);
    }
}

TEST(Records, TruncatedOrExtendedIsFound) {
    const RecordCodec codec = codec_of(1);
    Bytes stored = codec.encode(kPlace, kKey, 3, as_bytes("payload"));
    for (std::size_t size = 0; size < stored.size(); ++size)
        EXPECT_EQ(decode_code(codec, kPlace, kKey, ByteView(stored).first(size)), Errc::kCorrupt);
    stored.push_back(0);
    EXPECT_EQ(decode_code(codec, kPlace, kKey, stored), Errc::kCorrupt);
}

TEST(Records, MovedToAnotherKeySpaceOrApplianceIsFound) {
    const RecordCodec codec = codec_of(1);
    const Bytes stored = codec.encode(kPlace, kKey, 3, as_bytes("payload"));
    EXPECT_EQ(decode_code(codec, kPlace, as_bytes("ffeeddccbbaa99887766554433221100"), stored),
              Errc::kCorrupt);
    EXPECT_EQ(decode_code(codec, tables::kFactors.space, kKey, stored), Errc::kCorrupt);
    EXPECT_EQ(decode_code(codec_of(2), kPlace, kKey, stored), Errc::kCorrupt);
    // Bytes that slide from the space's name to the key, or from the key to the payload, make another MAC.
    EXPECT_NE(codec.encode(Space{"ab"}, as_bytes("c"), 0, {}),
              codec.encode(Space{"a"}, as_bytes("bc"), 0, {}));
}

TEST(Records, KeyedDigestDependsOnPurposeValueAndAppliance) {
    const RecordCodec codec = codec_of(1);
    const Bytes digest = codec.keyed_digest("reference", as_bytes("12"));
    EXPECT_EQ(digest.size(), 32U);
    EXPECT_EQ(digest, codec.keyed_digest("reference", as_bytes("12")));
    EXPECT_NE(digest, codec.keyed_digest("reference1", as_bytes("2")));
    EXPECT_NE(digest, codec.keyed_digest("reference", as_bytes("13")));
    EXPECT_NE(digest, codec_of(2).keyed_digest("reference", as_bytes("12")));
}

TEST(Records, APlaceIsReadable) {
    EXPECT_EQ(place_of(kPlace, as_bytes("4f1a")), "credentials/4f1a");
    EXPECT_EQ(place_of(kPlace, Bytes{0x00, 0xff}), "credentials/0x00ff");
    EXPECT_EQ(place_of(kPlace, as_bytes("0x00ff")), "credentials/0x307830306666");
    EXPECT_EQ(place_of(kPlace, {}), "credentials/");
}

TEST(Records, KeysAreMadeOfTheirParts) {
    EXPECT_EQ(key_of("ab"), to_bytes("ab"));
    EXPECT_EQ(key_of("ab", "cd"), to_bytes("abcd"));
    EXPECT_EQ(hex_encode(key_of("ab", std::uint64_t{258})), "61620000000000000102");
    EXPECT_EQ(hex_encode(tenant_key("t", "r")), "740072");
    EXPECT_EQ(hex_encode(number_key(1)), "0000000000000001");
}

class StoredRecords : public ::testing::Test {
 protected:
    StoredRecords() { open(); }
    void open() {
        LmdbConfig config;
        config.directory = (scratch_ / "store").string();
        auto opened = LmdbStore::open(config, kAllSpaces, clock_, logger_);
        ASSERT_TRUE(opened) << to_string(opened.error());
        store_ = *std::move(opened);
    }
    Status put_signer(std::uint64_t version, const std::string& tenant) {
        return store_->update([&](WriteTransaction& txn) {
            record::Signer signer;
            signer.set_tenant(tenant);
            return txn.put(tables::kSigners.space, kKey,
                           codec_.encode(tables::kSigners.space, kKey, version, detail::serialize(signer)));
        });
    }
    Result<std::optional<Record<record::Signer>>> load_signer() {
        return view_returning(
            *store_, [&](ReadTransaction& txn) { return load(txn, codec_, tables::kSigners, kKey); });
    }

    const ScratchDirectory scratch_;
    const ManualClock clock_;
    Logger logger_{"test", -1};
    const RecordCodec codec_ = codec_of(7);
    std::unique_ptr<LmdbStore> store_;
};

TEST_F(StoredRecords, LoadsWhatWasStoredAndRequiresWhatMustBe) {
    const auto required = [&] {
        return view_returning(*store_, [&](ReadTransaction& txn) {
            return require(txn, codec_, tables::kSigners, kKey, "signerID");
        });
    };
    const auto absent = load_signer();
    ASSERT_TRUE(absent);
    EXPECT_FALSE(*absent);
    ASSERT_FALSE(required());
    EXPECT_EQ(required().error().code, Errc::kNotFound);
    EXPECT_EQ(required().error().field, "signerID");
    ASSERT_TRUE(put_signer(5, "bank"));
    const auto present = required();
    ASSERT_TRUE(present);
    EXPECT_EQ(present->version, 5U);
    EXPECT_EQ(present->value.tenant(), "bank");
}

TEST_F(StoredRecords, APayloadThatIsNoSuchRecordIsFound) {
    ASSERT_TRUE(store_->update([&](WriteTransaction& txn) {
        return txn.put(tables::kSigners.space, kKey,
                       codec_.encode(tables::kSigners.space, kKey, 1, as_bytes("\xff\xff")));
    }));
    const auto loaded = load_signer();
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, Errc::kCorrupt);
}

// Every bit of the record where it lies on the disk, key and value alike.
TEST_F(StoredRecords, CrashBitFlippedOnDiskIsFoundWithItsPlace) {
    ASSERT_TRUE(put_signer(5, "a tenant that can be found in the file"));
    const Bytes stored = codec_.encode(tables::kSigners.space, kKey, 5, [&] {
        record::Signer signer;
        signer.set_tenant("a tenant that can be found in the file");
        return detail::serialize(signer);
    }());
    store_.reset();
    const auto path = scratch_ / "store" / "data.mdb";
    std::string file;
    {
        std::ifstream in(path, std::ios::binary);
        file.assign(std::istreambuf_iterator<char>(in), {});
    }
    const std::size_t value_at = file.find(as_text(stored));
    ASSERT_NE(value_at, std::string::npos);
    ASSERT_EQ(file.find(as_text(stored), value_at + 1), std::string::npos);
    const std::size_t key_at = value_at - kKey.size();  // LMDB puts the value behind its key
    ASSERT_EQ(file.compare(key_at, kKey.size(), as_text(kKey)), 0);

    for (std::size_t at = key_at; at < value_at + stored.size(); at += 3) {
        std::string altered = file;
        altered[at] = static_cast<char>(altered[at] ^ (1 << (at % 8)));
        std::ofstream(path, std::ios::binary | std::ios::trunc) << altered;
        open();
        // As the sweep reads it: every record, by the key that it is found under.
        std::optional<Error> found;
        std::string place;
        ASSERT_TRUE(store_->view([&](ReadTransaction& txn) {
            return txn.scan(
                tables::kSigners.space, {}, {}, [&](ByteView key, ByteView value) -> Result<bool> {
                    place = place_of(tables::kSigners.space, key);
                    if (auto decoded = codec_.decode(tables::kSigners.space, key, value); !decoded)
                        found = std::move(decoded).error();
                    return true;
                });
        }));
        ASSERT_TRUE(found) << "byte " << at;
        EXPECT_EQ(found->code, Errc::kCorrupt);
        EXPECT_NE(found->detail.find(place), std::string::npos);
        store_.reset();
    }
}

}  // namespace
}  // namespace sigillo::testing
