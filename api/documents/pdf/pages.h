// The pages of a document: which there are, and how their user space lies on the visible page.
#pragma once

#include <functional>
#include <optional>

#include "api/documents/pdf/document.h"
#include "api/documents/pdf/placement.h"

namespace sigillo::pdf {

// A rectangle in default user space (ISO 32000-1 §8.3.2.3), x0 < x1 and y0 < y1.
struct Box {
    double x0 = 0;
    double y0 = 0;
    double x1 = 0;
    double y1 = 0;
};

struct Page {
    const Object* object = nullptr;
    Reference reference;
    Box visible;           // CropBox within MediaBox
    int rotation = 0;      // /Rotate, clockwise: 0, 90, 180, 270
    double user_unit = 1;  // points of 1/72 inch for one unit of user space

    // As displayed, in points.
    double width() const;
    double height() const;
    // Where a rectangle of the page as displayed lies in user space.
    // kInvalidArgument (field "position"): it leaves the page.
    Result<Box> place(const Rectangle& rectangle) const;
};

// Calls `visit` with each page in order and its number (from 1) until it answers false. Nodes that are no
// pages, and loops, are passed over. kLimitExceeded (field "document"): more pages or levels than Limits say.
Status for_each_page(const Document& document, const std::function<bool(unsigned, const Page&)>& visit);

// kNotFound (field "page"). kInvalidArgument (field "document"): there are no pages at all. kUnsupported
// (field "document"): the page is no object of its own.
Result<Page> find_page(const Document& document, unsigned number);
// The page that has this object number.
Result<std::optional<Page>> find_page(const Document& document, Reference reference);

// Four numbers in any order of corners; nothing for anything else, or without area.
std::optional<Box> read_box(const Document& document, const Object* array);

}  // namespace sigillo::pdf
