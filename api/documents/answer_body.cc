#include "api/documents/answer_body.h"

#include <algorithm>

#include "api/documents/base64_stream.h"

namespace sigillo::api::documents {
namespace {

constexpr std::size_t kPiece = std::size_t{192} * 1024;  // a multiple of three

}  // namespace

Status AnswerBody::text(std::string_view part) {
    text_ += part;
    return text_.size() > in_memory_ ? flush() : Status();
}

Status AnswerBody::base64(const MemoryFile& file) {
    SIGILLO_ASSIGN(const std::uint64_t size, file.size());
    text_ += '"';
    Base64Encoder encoder;
    Bytes piece(std::min<std::uint64_t>(size, kPiece));
    for (std::uint64_t offset = 0; offset < size;) {
        const std::span<std::uint8_t> part(piece.data(),
                                           std::min<std::uint64_t>(piece.size(), size - offset));
        SIGILLO_TRY(file.read(offset, part));
        encoder.feed(part, text_);
        offset += part.size();
        if (text_.size() > in_memory_) SIGILLO_TRY(flush());
    }
    encoder.finish(text_);
    text_ += '"';
    return {};
}

Status AnswerBody::flush() {
    if (!file_) {
        SIGILLO_ASSIGN(file_, spool_.make());
    }
    SIGILLO_TRY(file_->append(as_bytes(text_)));
    text_.clear();
    return {};
}

Result<Response> AnswerBody::finish(int status) {
    if (file_) SIGILLO_TRY(flush());
    return Response{.status = status,
                    .content_type = "application/json",
                    .body = std::move(text_),
                    .headers = {},
                    .body_file = std::move(file_)};
}

}  // namespace sigillo::api::documents
