// PoDoFo's input and output without its copies.
#pragma once

#include <podofo/podofo-base.h>

#include <streambuf>
#include <string>
#include <utility>

#include "appliance/base/bytes.h"

namespace sigillo::pdf {

// A stream over memory that is not copied: a file, and what is thought to stand behind it.
class MemoryBuffer final : public std::streambuf {
 public:
    MemoryBuffer(ByteView file, ByteView tail) : file_(file), tail_(tail) { look_at(file_, 0, 0); }

 protected:
    int_type underflow() override {
        if (begin_ == file_.size() || tail_.empty()) return traits_type::eof();
        look_at(tail_, file_.size(), 0);
        return traits_type::to_int_type(*gptr());
    }
    pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) override {
        const auto here = static_cast<off_type>(begin_) + (gptr() - eback());
        const auto size = static_cast<off_type>(file_.size() + tail_.size());
        const off_type base = from == std::ios_base::beg ? 0 : from == std::ios_base::cur ? here : size;
        if (offset < -base || offset > size - base) return {off_type(-1)};
        const auto at = static_cast<std::size_t>(base + offset);
        if (at < file_.size() || tail_.empty()) {
            look_at(file_, 0, at);
        } else {
            look_at(tail_, file_.size(), at - file_.size());
        }
        return {base + offset};
    }
    pos_type seekpos(pos_type position, std::ios_base::openmode which) override {
        return seekoff(off_type(position), std::ios_base::beg, which);
    }

 private:
    void look_at(ByteView part, std::size_t begin, std::size_t at) {
        begin_ = begin;
        char* const first = const_cast<char*>(reinterpret_cast<const char*>(part.data()));
        setg(first, first + at, first + part.size());
    }
    const ByteView file_;
    const ByteView tail_;
    std::size_t begin_ = 0;  // of the part that is looked at
};

// Stops a decompression that grows beyond its bound.
class BoundedOutput final : public PoDoFo::PdfOutputStream {
 public:
    explicit BoundedOutput(std::size_t limit) : limit_(limit) {}
    PoDoFo::pdf_long Write(const char* data, PoDoFo::pdf_long size) override {
        const std::string_view more(data, static_cast<std::size_t>(size));
        if (more.size() > limit_ - bytes_.size())
            throw PoDoFo::PdfError(PoDoFo::ePdfError_ValueOutOfRange, "", 0,
                                   "a stream is larger than " + std::to_string(limit_) + " octets");
        append(bytes_, more);
        return size;
    }
    void Close() override {}
    Bytes take() { return std::move(bytes_); }

 private:
    const std::size_t limit_;
    Bytes bytes_;
};

}  // namespace sigillo::pdf
