// Arguments that several commands take, and the paging of lists.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "appliance/base/ids.h"
#include "appliance/sigilloctl/context.h"

namespace sigillo::ctl {

// 32 hex digits, as every list prints them. Otherwise the command line is refused (exit 2).
inline CLI::Validator id_argument() {
    return {[](std::string& text) {
                return is_id(text) ? std::string()
                                   : "'" + text + "' is no id: 32 digits 0-9 a-f, as the lists print them";
            },
            "ID"};
}

// Decimal, at most 2^53: what JSON keeps exactly.
inline CLI::Validator index_argument() {
    return {[](std::string& text) {
                constexpr std::size_t kDigits = 16;
                const bool good = !text.empty() && text.size() <= kDigits &&
                                  text.find_first_not_of("0123456789") == std::string::npos;
                return good ? std::string()
                            : "'" + text + "' is no index in the log: sigillo-audit show prints them";
            },
            "INDEX"};
}

inline CLI::Validator tenant_argument() {
    return {[](std::string& text) {
                return is_tenant_name(text)
                           ? std::string()
                           : "'" + text + "' is no tenant name: 1 to 63 of a-z, 0-9, '-', a letter first";
            },
            "TENANT"};
}

inline CLI::Option* reason_option(CLI::App& command, std::string& reason) {
    return command.add_option("--reason", reason, "Why; goes into the audit log: no personal data")
        ->type_name("TEXT")
        ->check([](const std::string& text) { return text.empty() ? "the reason is empty" : std::string(); });
}

// Reads a list page by page until it ends or has `most` entries (0: no bound). `fetch(after, limit)` returns
// a Result of a repeated field; `id_of` names an entry. Pages shrink where an answer would not fit into a
// frame.
template <class Item, class Fetch, class IdOf>
Result<std::vector<Item>> read_pages(std::size_t most, Fetch fetch, IdOf id_of) {
    std::vector<Item> items;
    std::uint32_t limit = 200;
    std::string after;
    for (;;) {
        auto page = fetch(after, limit);
        if (!page && page.error().code == Errc::kLimitExceeded && limit > 1) {
            limit /= 4;
            if (limit == 0) limit = 1;
            continue;
        }
        if (!page) return std::unexpected(std::move(page).error());
        for (Item& item : *page) {
            if (most != 0 && items.size() >= most) return items;
            items.push_back(std::move(item));
        }
        if (page->empty() || static_cast<std::uint32_t>(page->size()) < limit) return items;
        after = id_of(items.back());
    }
}

}  // namespace sigillo::ctl
