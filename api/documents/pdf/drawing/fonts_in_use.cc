#include "api/documents/pdf/drawing/fonts_in_use.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace sigillo::pdf {

Result<std::size_t> FontsInUse::find(std::string_view name) const {
    if (files_.empty()) return fail(Errc::kInvalidArgument, "there is no font to write text with", "font");
    if (name.empty()) return std::size_t{0};
    const auto same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    };
    for (std::size_t i = 0; i < files_.size(); ++i)
        if (std::equal(name.begin(), name.end(), files_[i].name.begin(), files_[i].name.end(), same))
            return i;
    return fail(Errc::kInvalidArgument, "there is no font of the name " + std::string(name.substr(0, 64)),
                "font");
}

Result<Font*> FontsInUse::at(std::size_t index) {
    if (!loaded_[index]) {
        SIGILLO_ASSIGN(loaded_[index], Font::load(files_[index]));
    }
    return loaded_[index].get();
}

Status FontsInUse::write(Revision& revision) {
    for (const std::unique_ptr<Font>& font : loaded_)
        if (font) SIGILLO_TRY(font->write(revision));
    return {};
}

}  // namespace sigillo::pdf
