#include "tests/store/store_contract.h"

namespace sigillo::testing {

void put_text(Store& store, Space space, const std::string& key, const std::string& value) {
    const Status put =
        store.update([&](WriteTransaction& txn) { return txn.put(space, as_bytes(key), as_bytes(value)); });
    ASSERT_TRUE(put) << to_string(put.error());
}

std::optional<std::string> get_text(Store& store, Space space, const std::string& key) {
    std::optional<std::string> text;
    const Status got = store.view([&](ReadTransaction& txn) -> Status {
        SIGILLO_ASSIGN(const auto value, txn.get(space, as_bytes(key)));
        if (value) text = std::string(as_text(*value));
        return {};
    });
    EXPECT_TRUE(got) << to_string(got.error());
    return text;
}

Rows scan_text(ReadTransaction& txn, Space space, const std::string& prefix, const std::string& from) {
    Rows rows;
    const Status scanned =
        txn.scan(space, as_bytes(prefix), as_bytes(from), [&](ByteView key, ByteView value) -> Result<bool> {
            rows.emplace_back(as_text(key), as_text(value));
            return true;
        });
    EXPECT_TRUE(scanned) << to_string(scanned.error());
    return rows;
}

Rows scan_text(Store& store, Space space, const std::string& prefix, const std::string& from) {
    Rows rows;
    const Status viewed = store.view([&](ReadTransaction& txn) -> Status {
        rows = scan_text(txn, space, prefix, from);
        return {};
    });
    EXPECT_TRUE(viewed) << to_string(viewed.error());
    return rows;
}

}  // namespace sigillo::testing
