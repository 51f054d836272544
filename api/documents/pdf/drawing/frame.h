// A rectangle of a drawing: points from the bottom left corner of the appearance.
#pragma once

#include <algorithm>

namespace sigillo::pdf {

struct Size {
    double width = 0;
    double height = 0;
};

struct Frame {
    double x = 0;
    double y = 0;
    double width = 0;
    double height = 0;

    Frame inset(double by) const {
        return {x + by, y + by, std::max(0.0, width - 2 * by), std::max(0.0, height - 2 * by)};
    }
};

}  // namespace sigillo::pdf
