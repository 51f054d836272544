#include "appliance/audit/verify/tiles.h"

#include <gtest/gtest.h>

#include <map>

#include "appliance/audit/tile_builder.h"

namespace sigillo::audit {
namespace {

TEST(TilePath, IsThatOfTheSpecification) {
    EXPECT_EQ(tile_path({false, 0, 1234067}), "tile/0/x001/x234/067");
    EXPECT_EQ(tile_path({false, 0, 0}), "tile/0/000");
    EXPECT_EQ(tile_path({false, 2, 999, 1}), "tile/2/999.p/1");
    EXPECT_EQ(tile_path({true, 0, 1000, 255}), "tile/entries/x001/000.p/255");
}

TEST(TilePath, IsReadBackInThatSpellingOnly) {
    for (const TileName name : {TileName{false, 0, 1234067}, TileName{true, 0, 5, 17},
                                TileName{false, 7, 0, 1}, TileName{true, 0, 123456789}})
        EXPECT_EQ(parse_tile_path(tile_path(name)), name);
    for (const std::string bad : {"tile/0/67",
                                  "tile/0/0067",
                                  "tile/0/x000/067",
                                  "tile/8/000",
                                  "tile/01/000",
                                  "tile/-1/000",
                                  "tile/0/000.p/0",
                                  "tile/0/000.p/256",
                                  "tile/0/000.p/01",
                                  "tile/0/000.p/",
                                  "tile/0/000.p",
                                  "tile/0/",
                                  "tile/0",
                                  "tile/entries/0a0",
                                  "tile/0/x001x/000",
                                  "tile/0/001/000",
                                  "tile/0/x99999999999999999999999/000",
                                  "checkpoint",
                                  "",
                                  "tile/data/000",
                                  "tile/0/000.p/1/2",
                                  "tile/0/000/"})
        EXPECT_FALSE(parse_tile_path(bad)) << bad;
}

TEST(TileWidth, IsThatOfTheSpecificationsExample) {
    // "A tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0 tile of width
    // 112, one full level 1 tile, one partial level 1 tile of width 17, and one partial level 2 tile of
    // width 1."
    EXPECT_EQ(tile_width(70'000, 0, 272), 256u);
    EXPECT_EQ(tile_width(70'000, 0, 273), 112u);
    EXPECT_EQ(tile_width(70'000, 0, 274), 0u);
    EXPECT_EQ(tile_width(70'000, 1, 0), 256u);
    EXPECT_EQ(tile_width(70'000, 1, 1), 17u);
    EXPECT_EQ(tile_width(70'000, 2, 0), 1u);
    EXPECT_EQ(tile_levels(70'000), 3u);
    EXPECT_EQ(tile_width(256, 0, 1), 0u);
    EXPECT_EQ(tile_width(256, 1, 0), 1u);
    EXPECT_EQ(tile_levels(0), 0u);
    EXPECT_EQ(tile_levels(~std::uint64_t{0}), 8u);
}

TEST(Bundle, HoldsEntriesOfEveryLength) {
    Bytes bundle;
    append_entry(bundle, {});
    append_entry(bundle, Bytes(kEntryLimit, 5));
    append_entry(bundle, as_bytes("x"));
    const auto entries = decode_bundle(bundle, 3);
    ASSERT_TRUE(entries);
    EXPECT_TRUE((*entries)[0].empty());
    EXPECT_EQ((*entries)[1].size(), kEntryLimit);
    EXPECT_EQ(as_text((*entries)[2]), "x");
    EXPECT_FALSE(decode_bundle(bundle, 2));
    EXPECT_FALSE(decode_bundle(bundle, 4));
    EXPECT_FALSE(decode_bundle(ByteView(bundle).first(bundle.size() - 1), 3));
    bundle.push_back(0);
    EXPECT_FALSE(decode_bundle(bundle, 3));
}

TEST(Tile, HasExactlyItsWidth) {
    const std::vector<Hash> hashes(3, empty_root());
    const Bytes bytes = encode_tile(hashes);
    EXPECT_EQ(*decode_tile(bytes, 3), hashes);
    EXPECT_FALSE(decode_tile(bytes, 2));
    EXPECT_FALSE(decode_tile(ByteView(bytes).first(95), 3));
}

using Files = std::map<std::string, Bytes>;

TileBuilder::Sink into(Files& files) {
    return [&files](const TileName& name, ByteView contents) -> Status {
        files[tile_path(name)] = to_bytes(contents);
        return {};
    };
}

TEST(TileBuilder, WritesTheTilesOfTheSpecificationsExample) {
    Files files;
    TileBuilder builder;
    Frontier tree;
    for (int i = 0; i < 70'000; ++i) {
        const std::string leaf = std::to_string(i);
        tree.append(leaf_hash(as_bytes(leaf)));
        ASSERT_TRUE(builder.append(as_bytes(leaf), into(files)));
    }
    ASSERT_TRUE(builder.write_partials(into(files)));
    EXPECT_EQ(builder.root(), tree.root());
    EXPECT_EQ(files.size(), 274u * 2 + 2 + 1);
    EXPECT_EQ(files.at("tile/0/273.p/112").size(), 112u * 32);
    EXPECT_EQ(files.at("tile/1/001.p/17").size(), 17u * 32);
    EXPECT_EQ(files.at("tile/2/000.p/1").size(), 32u);
    EXPECT_TRUE(decode_bundle(files.at("tile/entries/273.p/112"), 112));

    // Taken up anywhere, it goes on to the same files.
    const NodeReader nodes = [&](unsigned level, std::uint64_t index) -> Result<Hash> {
        std::vector<Hash> row;
        for (std::uint64_t i = index << level; i < (index + 1) << level; ++i)
            row.push_back(leaf_hash(as_bytes(std::to_string(i))));
        return subtree_root(row);
    };
    for (const std::uint64_t size : {0u, 1u, 255u, 256u, 257u, 65'535u, 65'536u, 69'999u}) {
        std::vector<Bytes> entries;
        for (std::uint64_t i = size / 256 * 256; i < size; ++i)
            entries.push_back(to_bytes(std::to_string(i)));
        auto taken_up = TileBuilder::create(size, entries, nodes);
        ASSERT_TRUE(taken_up);
        Files more;
        for (std::uint64_t i = size; i < 70'000; ++i)
            ASSERT_TRUE(taken_up->append(as_bytes(std::to_string(i)), into(more)));
        ASSERT_TRUE(taken_up->write_partials(into(more)));
        EXPECT_EQ(taken_up->root(), tree.root());
        for (const auto& [path, contents] : more) ASSERT_EQ(contents, files.at(path)) << path;
    }
}

}  // namespace
}  // namespace sigillo::audit
