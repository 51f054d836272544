// The fonts of one revision: loaded when first asked for, written once at the end.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "api/documents/pdf/drawing/font.h"
#include "api/documents/pdf/fonts.h"

namespace sigillo::pdf {

class FontsInUse {
 public:
    // `files` must outlive this.
    explicit FontsInUse(const Fonts& files) : files_(files), loaded_(files.size()) {}

    std::size_t size() const { return files_.size(); }
    // The font of this name, in any case; the first for "". kInvalidArgument (field "font"): there is none.
    Result<std::size_t> find(std::string_view name) const;
    // As Font::load. The Font lives as long as this.
    Result<Font*> at(std::size_t index);
    Status write(Revision& revision);

 private:
    const Fonts& files_;
    std::vector<std::unique_ptr<Font>> loaded_;
};

}  // namespace sigillo::pdf
