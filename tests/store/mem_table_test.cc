// The table in memory: versions, order, and readers beside the one that writes.
#include "appliance/store/mem_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "tests/store/store_contract.h"

namespace sigillo::testing {
namespace {

using Model =
    std::map<std::pair<std::size_t, std::string>, std::map<std::uint64_t, std::optional<std::string>>>;

std::optional<std::optional<std::string>> expected(const Model& model, std::size_t space,
                                                   const std::string& key, std::uint64_t sequence) {
    const auto row = model.find({space, key});
    if (row == model.end()) return std::nullopt;
    const auto later = row->second.upper_bound(sequence);
    if (later == row->second.begin()) return std::nullopt;
    return std::prev(later)->second;
}

TEST(MemTable, ShowsTheNewestVersionOfNoLaterSequence) {
    std::mt19937 rng(3);
    MemTable table;
    Model model;
    EXPECT_TRUE(table.empty());
    constexpr std::uint64_t kLast = 2000;
    for (std::uint64_t sequence = 1; sequence <= kLast; ++sequence) {
        const std::size_t space = rng() % 3;
        // One row gets most of the versions.
        const std::string key = rng() % 3 == 0 ? "hot" : std::to_string(rng() % 200);
        RowValue value;
        std::string text(rng() % 40 == 0 ? 40'000 : rng() % 30, static_cast<char>('a' + sequence % 26));
        if (rng() % 4 != 0) value = as_bytes(text);
        table.add(sequence, space, as_bytes(key), value);
        model[{space, key}][sequence] = value ? std::optional(text) : std::nullopt;
    }
    for (const std::uint64_t sequence : {std::uint64_t{0}, std::uint64_t{1}, kLast / 2, kLast - 1, kLast}) {
        std::size_t rows = 0;
        for (const auto& [place, versions] : model) {
            const auto want = expected(model, place.first, place.second, sequence);
            const auto got = table.get(place.first, as_bytes(place.second), sequence);
            ASSERT_EQ(got.has_value(), want.has_value());
            if (!got) continue;
            ++rows;
            ASSERT_EQ(got->has_value(), want->has_value());
            if (*got) {
                ASSERT_EQ(as_text(**got), **want);
            }
        }
        // The same rows by cursor, over all spaces and in each.
        MemTable::Cursor all(table, 0, sequence);
        std::size_t seen = 0;
        for (all.seek_first(); all.live(); ++seen) {
            const auto want = expected(model, all.space(), std::string(as_text(all.key())), sequence);
            ASSERT_TRUE(want && want->has_value() == all.value().has_value());
            ASSERT_TRUE(all.next());
        }
        EXPECT_EQ(seen, rows);
        seen = 0;
        for (std::size_t space = 0; space < 4; ++space) {
            MemTable::Cursor cursor(table, space, sequence);
            std::string before;
            ASSERT_TRUE(cursor.seek({}));
            for (; cursor.live(); ++seen) {
                ASSERT_LT(before, as_text(cursor.key()));
                before = as_text(cursor.key());
                ASSERT_TRUE(cursor.next());
            }
        }
        EXPECT_EQ(seen, rows);
    }
    EXPECT_EQ(table.load().rows, kLast);
    EXPECT_GE(table.memory(), table.load().bytes);
}

// Rows of a batch come by space and key; the search for their places goes on from the last one's.
TEST(MemTable, TakesBatchesOfOrderedRows) {
    std::mt19937 rng(11);
    MemTable table;
    Model model;
    std::uint64_t next_leaf = 0;
    constexpr std::uint64_t kBatches = 300;
    for (std::uint64_t sequence = 1; sequence <= kBatches; ++sequence) {
        std::map<std::pair<std::size_t, std::string>, std::optional<std::string>> batch;
        for (auto i = rng() % 40; i > 0; --i) {
            std::string leaf = std::to_string(1'000'000 + next_leaf++);  // always the last of its space
            batch[{1, leaf}] = "leaf";
            std::string id = std::to_string(rng());
            batch[{rng() % 4, id.substr(0, 2 + rng() % 6)}] = id;
        }
        batch[{2, "hot"}] = std::to_string(sequence);
        if (rng() % 2 == 0) batch[{3, "erased"}] = std::nullopt;
        for (const auto& [place, value] : batch) {
            table.add(sequence, place.first, as_bytes(place.second),
                      value ? RowValue(as_bytes(*value)) : std::nullopt);
            model[place][sequence] = value;
        }
    }
    for (const std::uint64_t sequence : {kBatches / 3, kBatches}) {
        auto want = model.begin();
        MemTable::Cursor all(table, 0, sequence);
        for (all.seek_first(); all.live();) {
            while (!expected(model, want->first.first, want->first.second, sequence)) ++want;
            ASSERT_EQ(all.space(), want->first.first);
            ASSERT_EQ(as_text(all.key()), want->first.second);
            const auto value = *expected(model, want->first.first, want->first.second, sequence);
            ASSERT_EQ(all.value().has_value(), value.has_value());
            if (value) {
                ASSERT_EQ(as_text(*all.value()), *value);
            }
            ++want;
            ASSERT_TRUE(all.next());
        }
        for (; want != model.end(); ++want)
            ASSERT_FALSE(expected(model, want->first.first, want->first.second, sequence));
        for (const auto& [place, versions] : model)
            ASSERT_EQ(table.get(place.first, as_bytes(place.second), sequence).has_value(),
                      expected(model, place.first, place.second, sequence).has_value());
    }
}

TEST(MemTable, ReadersSeeWholeBatchesWhileItGrows) {
    constexpr std::size_t kRows = 50;
    constexpr std::uint64_t kBatches = 400;
    MemTable table;
    std::atomic<std::uint64_t> published{0};
    Threads readers(3, [&](int) {
        while (published.load(std::memory_order_acquire) < kBatches) {
            const std::uint64_t sequence = published.load(std::memory_order_acquire);
            const std::string want = std::to_string(sequence);
            std::size_t rows = 0;
            MemTable::Cursor cursor(table, 1, sequence);
            ASSERT_TRUE(cursor.seek({}));
            for (; cursor.live(); ++rows) {
                ASSERT_EQ(as_text(*cursor.value()), want);
                ASSERT_TRUE(cursor.next());
            }
            ASSERT_EQ(rows, sequence == 0 ? 0 : kRows);
            const auto one = table.get(1, as_bytes("row7"), sequence);
            ASSERT_EQ(one.has_value(), sequence != 0);
            if (one) {
                ASSERT_EQ(as_text(**one), want);
            }
        }
    });
    for (std::uint64_t sequence = 1; sequence <= kBatches; ++sequence) {
        const std::string value = std::to_string(sequence);
        for (std::size_t row = 0; row < kRows; ++row)
            table.add(sequence, 1, as_bytes("row" + std::to_string(row)), as_bytes(value));
        published.store(sequence, std::memory_order_release);
    }
    readers.join();
}

}  // namespace
}  // namespace sigillo::testing
