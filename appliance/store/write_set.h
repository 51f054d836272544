// The writes of an update, or of a group of them, before they are anywhere else.
//
// Internal to appliance/store. Not thread-safe.
#pragma once

#include <map>
#include <memory_resource>
#include <optional>

#include "appliance/store/room.h"
#include "appliance/store/row_cursor.h"

namespace sigillo {

class WriteSet {
 private:
    struct Place {
        std::size_t space;
        ByteView key;
    };
    struct Before {
        bool operator()(const Place& a, const Place& b) const;
    };
    using Rows = std::pmr::map<Place, RowValue, Before>;

 public:
    // Takes all memory from `arena`, for as long as that lives.
    explicit WriteSet(std::pmr::memory_resource* arena) : arena_(arena), rows_(arena) {}

    // Copies both.
    void write(std::size_t space, ByteView key, const RowValue& value);
    // Nothing when it says nothing of this row. Valid until the row is written again.
    std::optional<RowValue> get(std::size_t space, ByteView key) const;
    // Takes over the writes of `later`, which has the same arena, over its own.
    void take(WriteSet& later);

    bool empty() const { return rows_.empty(); }
    Load load() const;
    // visit(space, key, value) of each row, by space and key.
    template <class Visit>
    Status for_each(Visit&& visit) const {
        for (const auto& [place, value] : rows_) SIGILLO_TRY(visit(place.space, place.key, value));
        return {};
    }

    class Cursor final : public RowCursor {
     public:
        Cursor(const WriteSet& set, std::size_t space) : rows_(set.rows_), space_(space) {}
        Status seek(ByteView from) override;
        Status next() override;
        bool live() const override { return at_ != rows_.end() && at_->first.space == space_; }
        ByteView key() const override { return at_->first.key; }
        RowValue value() const override { return at_->second; }

     private:
        const Rows& rows_;
        const std::size_t space_;
        Rows::const_iterator at_;
    };

 private:
    ByteView keep(ByteView bytes);

    std::pmr::memory_resource* const arena_;
    Rows rows_;
};

}  // namespace sigillo
