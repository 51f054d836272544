// The contract of one transaction at a time.
#include "tests/store/store_contract.h"

#include <random>
#include <stdexcept>

namespace sigillo::testing {
namespace {

Errc code_of(const Status& status) {
    return status ? Errc{} : status.error().code;
}

// ---- one transaction at a time ------------------------------------------------------------------

TEST_P(StoreContract, WhatWasPutIsReadByLaterTransactions) {
    put_text(store(), kFirst, "key", "value");
    EXPECT_EQ(get_text(store(), kFirst, "key"), "value");
    EXPECT_EQ(get_text(store(), kSecond, "key"), std::nullopt);
    EXPECT_EQ(get_text(store(), kFirst, "ke"), std::nullopt);
}

TEST_P(StoreContract, AnEmptyValueIsAValue) {
    put_text(store(), kFirst, "key", "");
    EXPECT_EQ(get_text(store(), kFirst, "key"), "");
    EXPECT_EQ(scan_text(store(), kFirst), (Rows{{"key", ""}}));
}

TEST_P(StoreContract, ATransactionReadsItsOwnWrites) {
    put_text(store(), kFirst, "b", "old");
    put_text(store(), kFirst, "d", "gone soon");
    const Status done = store().update([&](WriteTransaction& txn) -> Status {
        SIGILLO_TRY(txn.put(kFirst, as_bytes("b"), as_bytes("new")));
        SIGILLO_TRY(txn.put(kFirst, as_bytes("a"), as_bytes("1")));
        SIGILLO_TRY(txn.put(kFirst, as_bytes("c"), as_bytes("")));
        SIGILLO_TRY(txn.erase(kFirst, as_bytes("d")));
        EXPECT_EQ(scan_text(txn, kFirst), (Rows{{"a", "1"}, {"b", "new"}, {"c", ""}}));
        SIGILLO_ASSIGN(const auto erased, txn.get(kFirst, as_bytes("d")));
        EXPECT_FALSE(erased);
        SIGILLO_ASSIGN(const auto fresh, txn.get(kFirst, as_bytes("b")));
        EXPECT_TRUE(fresh && as_text(*fresh) == "new");
        EXPECT_TRUE(scan_text(txn, kSecond).empty());
        return {};
    });
    ASSERT_TRUE(done) << to_string(done.error());
    EXPECT_EQ(scan_text(store(), kFirst), (Rows{{"a", "1"}, {"b", "new"}, {"c", ""}}));
}

TEST_P(StoreContract, ErasingWhatIsAbsentIsFine) {
    const Status done =
        store().update([](WriteTransaction& txn) { return txn.erase(kFirst, as_bytes("nothing")); });
    EXPECT_TRUE(done);
}

TEST_P(StoreContract, AnErrorUndoesAllWrites) {
    put_text(store(), kFirst, "kept", "before");
    const Status refused = store().update([](WriteTransaction& txn) -> Status {
        SIGILLO_TRY(txn.put(kFirst, as_bytes("kept"), as_bytes("after")));
        SIGILLO_TRY(txn.insert_once(kSecond, as_bytes("new"), as_bytes("row")));
        SIGILLO_TRY(txn.erase(kFirst, as_bytes("kept")));
        return fail(Errc::kOtpInvalid, "no", "value");
    });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kOtpInvalid);
    EXPECT_EQ(refused.error().field, "value");
    EXPECT_EQ(get_text(store(), kFirst, "kept"), "before");
    EXPECT_EQ(get_text(store(), kSecond, "new"), std::nullopt);
}

TEST_P(StoreContract, AnExceptionUndoesAllWritesAndIsAnInternalError) {
    EXPECT_EQ(code_of(store().update([](WriteTransaction& txn) -> Status {
                  SIGILLO_TRY(txn.put(kFirst, as_bytes("key"), as_bytes("value")));
                  throw std::runtime_error("a bug");
              })),
              Errc::kInternal);
    EXPECT_EQ(code_of(store().update([](WriteTransaction&) -> Status { throw 7; })), Errc::kInternal);
    EXPECT_EQ(code_of(store().view([](ReadTransaction&) -> Status { throw std::runtime_error("a bug"); })),
              Errc::kInternal);
    EXPECT_EQ(get_text(store(), kFirst, "key"), std::nullopt);
}

TEST_P(StoreContract, InsertOnceRefusesWhatIsThere) {
    const auto insert = [&](const char* value) {
        return store().update(
            [&](WriteTransaction& txn) { return txn.insert_once(kFirst, as_bytes("key"), as_bytes(value)); });
    };
    EXPECT_TRUE(insert("first"));
    EXPECT_EQ(code_of(insert("second")), Errc::kAlreadyExists);
    EXPECT_EQ(get_text(store(), kFirst, "key"), "first");
    const Status twice = store().update([](WriteTransaction& txn) -> Status {
        SIGILLO_TRY(txn.insert_once(kSecond, as_bytes("key"), as_bytes("1")));
        EXPECT_EQ(code_of(txn.insert_once(kSecond, as_bytes("key"), as_bytes("2"))), Errc::kAlreadyExists);
        SIGILLO_TRY(txn.erase(kSecond, as_bytes("key")));
        return txn.insert_once(kSecond, as_bytes("key"), as_bytes("3"));
    });
    EXPECT_TRUE(twice);
    EXPECT_EQ(get_text(store(), kSecond, "key"), "3");
}

TEST_P(StoreContract, KeysAndValuesOfTheGreatestSizeAreKept) {
    const std::string key(400, 'k');
    const std::string value(std::size_t{16} << 20, 'v');
    put_text(store(), kFirst, key, value);
    EXPECT_TRUE(get_text(store(), kFirst, key) == value);
}

TEST_P(StoreContract, KeysAndValuesBeyondTheLimitsAreRefused) {
    const std::string too_long(401, 'k');
    const std::string too_large((std::size_t{16} << 20) + 1, 'v');
    const auto put = [&](const std::string& key, const std::string& value) {
        return code_of(store().update(
            [&](WriteTransaction& txn) { return txn.put(kFirst, as_bytes(key), as_bytes(value)); }));
    };
    EXPECT_EQ(put("", "value"), Errc::kInvalidArgument);
    EXPECT_EQ(put(too_long, "value"), Errc::kInvalidArgument);
    EXPECT_EQ(put("key", too_large), Errc::kInvalidArgument);
    const auto other = [&](auto&& body) { return code_of(store().update(body)); };
    EXPECT_EQ(other([&](WriteTransaction& txn) { return txn.erase(kFirst, as_bytes(too_long)); }),
              Errc::kInvalidArgument);
    EXPECT_EQ(other([&](WriteTransaction& txn) { return txn.erase(kFirst, {}); }), Errc::kInvalidArgument);
    EXPECT_EQ(other([&](WriteTransaction& txn) { return txn.insert_once(kFirst, {}, {}); }),
              Errc::kInvalidArgument);
    EXPECT_EQ(other([&](WriteTransaction& txn) { return txn.put(Space{"third"}, as_bytes("k"), {}); }),
              Errc::kInvalidArgument);
    EXPECT_EQ(code_of(store().view([&](ReadTransaction& txn) -> Status {
                  SIGILLO_TRY(txn.get(kFirst, as_bytes(too_long)));
                  return {};
              })),
              Errc::kInvalidArgument);
    EXPECT_TRUE(scan_text(store(), kFirst).empty());
}

// ---- scans --------------------------------------------------------------------------------------

TEST_P(StoreContract, AScanGoesInOrderOfUnsignedBytes) {
    for (const char* key : {"b", "\xff", "a", "ab", "\x7f", "\x80", "B", "aa"})
        put_text(store(), kFirst, key, "");
    Rows expected;
    for (const char* key : {"B", "a", "aa", "ab", "b", "\x7f", "\x80", "\xff"})
        expected.emplace_back(key, "");
    EXPECT_EQ(scan_text(store(), kFirst), expected);
}

TEST_P(StoreContract, AScanKeepsToItsPrefixAndBegin) {
    for (const char* key : {"a1", "a2", "a3", "b1", "b2", "c"}) put_text(store(), kFirst, key, "");
    const auto keys = [&](const std::string& prefix, const std::string& from) {
        std::string out;
        for (const auto& row : scan_text(store(), kFirst, prefix, from)) out += row.first + ' ';
        return out;
    };
    EXPECT_EQ(keys("a", ""), "a1 a2 a3 ");
    EXPECT_EQ(keys("a", "a2"), "a2 a3 ");
    EXPECT_EQ(keys("a", std::string("a2") + '\0'), "a3 ");
    EXPECT_EQ(keys("b", "a2"), "b1 b2 ");
    EXPECT_EQ(keys("a", "b"), "");
    EXPECT_EQ(keys("", "b2"), "b2 c ");
    EXPECT_EQ(keys("d", ""), "");
    EXPECT_EQ(keys(std::string(450, 'z'), ""), "");
}

TEST_P(StoreContract, AScanStopsWhenToldAndHandsErrorsOn) {
    for (const char* key : {"a", "b", "c"}) put_text(store(), kFirst, key, "");
    int seen = 0;
    const auto scan = [&](ReadTransaction& txn) {
        return txn.scan(kFirst, {}, {}, [&](ByteView key, ByteView) -> Result<bool> {
            ++seen;
            if (as_text(key) == "c") return fail(Errc::kCorrupt, "c");
            return seen != 2;
        });
    };
    EXPECT_TRUE(store().view(scan));
    EXPECT_EQ(seen, 2);
    seen = 10;
    EXPECT_EQ(code_of(store().view(scan)), Errc::kCorrupt);
    seen = 10;
    EXPECT_EQ(code_of(store().update(scan)), Errc::kCorrupt);
}

TEST_P(StoreContract, AVisitMayReadAndScanButNotWrite) {
    for (const char* key : {"a", "b"}) put_text(store(), kFirst, key, "");
    put_text(store(), kSecond, "a", "found");
    const Status done = store().update([](WriteTransaction& txn) -> Status {
        std::size_t inner = 0;
        SIGILLO_TRY(txn.scan(kFirst, {}, {}, [&](ByteView key, ByteView) -> Result<bool> {
            inner += scan_text(txn, kFirst).size();
            SIGILLO_ASSIGN(const auto value, txn.get(kSecond, key));
            if (value) inner += 10;
            EXPECT_EQ(code_of(txn.put(kFirst, key, {})), Errc::kInternal);
            EXPECT_EQ(code_of(txn.erase(kFirst, key)), Errc::kInternal);
            EXPECT_EQ(code_of(txn.insert_once(kFirst, as_bytes("new"), {})), Errc::kInternal);
            return true;
        }));
        EXPECT_EQ(inner, 14U);
        return txn.put(kFirst, as_bytes("c"), {});
    });
    EXPECT_TRUE(done) << to_string(done.error());
}

std::string random_key(std::mt19937& rng) {
    // Few and short, over the bytes that are interesting: most operations then meet each other.
    static constexpr std::array<char, 4> kBytes{'\0', 'a', 'b', '\xff'};
    std::string key(1 + rng() % 3, 'a');
    for (char& c : key) c = kBytes[rng() % kBytes.size()];
    return key;
}

Rows model_scan(const std::map<std::string, std::string>& model, const std::string& prefix,
                const std::string& from) {
    Rows rows;
    for (const auto& [key, value] : model)
        if (key >= from && key.starts_with(prefix)) rows.emplace_back(key, value);
    return rows;
}

TEST_P(StoreContract, ReadsAndScansAgreeWithAMapUnderRandomWork) {
    std::mt19937 rng(20261123);
    std::map<std::string, std::string> model;
    for (int round = 0; round < 200; ++round) {
        auto next = model;
        const bool commits = rng() % 4 != 0;
        const auto seed = rng();
        const Status done = store().update([&](WriteTransaction& txn) -> Status {
            std::mt19937 steps(seed);
            next = model;
            for (int i = 0; i < 30; ++i) {
                const std::string key = random_key(steps);
                switch (steps() % 6) {
                    case 0:
                    case 1: {
                        const std::string value(steps() % 5, static_cast<char>('0' + i % 10));
                        SIGILLO_TRY(txn.put(kFirst, as_bytes(key), as_bytes(value)));
                        next[key] = value;
                        break;
                    }
                    case 2:
                        SIGILLO_TRY(txn.erase(kFirst, as_bytes(key)));
                        next.erase(key);
                        break;
                    case 3: {
                        const Status inserted = txn.insert_once(kFirst, as_bytes(key), as_bytes("once"));
                        EXPECT_EQ(inserted.has_value(), next.emplace(key, "once").second);
                        break;
                    }
                    case 4: {
                        SIGILLO_ASSIGN(const auto value, txn.get(kFirst, as_bytes(key)));
                        const auto found = next.find(key);
                        EXPECT_EQ(value.has_value(), found != next.end());
                        EXPECT_TRUE(!value || found == next.end() || as_text(*value) == found->second);
                        break;
                    }
                    default: {
                        const std::string prefix = steps() % 2 == 0 ? "" : key.substr(0, 1);
                        const std::string from = steps() % 2 == 0 ? "" : random_key(steps);
                        EXPECT_EQ(scan_text(txn, kFirst, prefix, from), model_scan(next, prefix, from));
                    }
                }
            }
            if (!commits) return fail(Errc::kConflict, "undone");
            return {};
        });
        ASSERT_EQ(done.has_value(), commits);
        if (commits) model = next;
        ASSERT_EQ(scan_text(store(), kFirst), model_scan(model, "", "")) << "round " << round;
    }
}

}  // namespace
}  // namespace sigillo::testing
