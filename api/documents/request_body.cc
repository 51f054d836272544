#include "api/documents/request_body.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "api/documents/base64_stream.h"
#include "appliance/base/encoding.h"

namespace sigillo::api::documents {
namespace {

constexpr std::size_t kPiece = std::size_t{128} * 1024;

std::unexpected<Error> not_acceptable(std::string what) {
    return fail(Errc::kInvalidArgument, "the body is not acceptable JSON: " + std::move(what));
}

// Takes a JSON text in pieces and keeps all of it but its long strings. It knows no more of JSON than where
// strings begin and end; whether the rest is JSON, the decoder says that reads it afterwards.
class Cutter {
 public:
    explicit Cutter(const BodyLimits& limits) : limits_(limits) {}

    Status feed(std::string_view piece) {
        while (!piece.empty()) {
            const std::size_t used = in_string_ ? string_part(piece) : other_part(piece);
            piece.remove_prefix(used);
            if (fault_) return std::unexpected(*fault_);
            if (text_.size() > limits_.text_bytes)
                return fail(Errc::kLimitExceeded,
                            "the body has more than " + std::to_string(limits_.text_bytes) +
                                " bytes beside its documents",
                            "body");
        }
        return {};
    }

    std::string text_;
    std::vector<std::size_t> places_;  // of the long strings among all strings
    std::vector<LongString> long_strings_;

 private:
    // Both: how many characters of the piece they have used.
    std::size_t other_part(std::string_view piece) {
        const auto quote = piece.find('"');
        if (quote == std::string_view::npos) {
            text_ += piece;
            return piece.size();
        }
        text_ += piece.substr(0, quote + 1);
        in_string_ = true;
        begin_ = text_.size();
        return quote + 1;
    }

    std::size_t string_part(std::string_view piece) {
        if (!escape_.empty()) return escaped(piece);
        const auto end = piece.find_first_of("\"\\");
        const auto plain = piece.substr(0, end);
        put(plain);
        if (end == std::string_view::npos) return piece.size();
        if (piece[end] == '\\')
            escape_ = "\\";
        else
            close();
        return end + 1;
    }

    // One character of an escape. In a short string it stays as it is; in a long one it is what it stands
    // for.
    std::size_t escaped(std::string_view piece) {
        escape_ += piece.front();
        if (escape_[1] == 'u' && escape_.size() < 6) return 1;
        if (!decoder_)
            put(escape_);
        else if (escape_ == "\\/")  // as PHP writes it
            put("/");
        else if (escape_[1] == 'u' && escape_.starts_with("\\u00"))  // as .NET writes '+'
            put(ascii_of(escape_.substr(4)));
        else
            put("\\");  // which no base64 has
        escape_.clear();
        return 1;
    }
    // Of two hexadecimal digits; what is none of ASCII becomes what no base64 has.
    static std::string ascii_of(std::string_view digits) {
        unsigned code = 0x80;
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
        return std::string(1, code < 0x80 ? static_cast<char>(code) : '\\');
    }

    void put(std::string_view part) {
        if (decoder_) {
            decode(part);
            return;
        }
        text_ += part;
        if (text_.size() - begin_ > limits_.long_string) become_long();
    }

    void become_long() {
        if (long_strings_.size() >= limits_.long_strings) {
            stop({Errc::kLimitExceeded,
                  "the body has more than " + std::to_string(limits_.long_strings) + " documents", "body"});
            return;
        }
        auto file = MemoryFile::create("document");
        if (!file) {
            stop(std::move(file).error());
            return;
        }
        places_.push_back(strings_);
        long_strings_.push_back({std::move(*file), 0, std::nullopt});
        decoder_.emplace();
        hasher_.emplace(HashAlgorithm::kSha256);
        const std::string begun = text_.substr(begin_);
        text_.resize(begin_);
        // What has been kept of it is JSON's spelling.
        for (std::size_t i = 0; i < begun.size();) {
            if (begun[i] != '\\') {
                const auto end = std::min(begun.find('\\', i), begun.size());
                decode(std::string_view(begun).substr(i, end - i));
                i = end;
                continue;
            }
            const std::size_t size = begun[i + 1] == 'u' ? 6 : 2;  // escapes are put whole
            escape_ = begun.substr(i, size - 1);
            escaped(begun.substr(i + size - 1, 1));
            i += size;
        }
    }

    void decode(std::string_view part) {
        LongString& out = long_strings_.back();
        bytes_.clear();
        if (!out.file) return;
        if (!decoder_->feed(part, bytes_)) {
            out.file.reset();
            return;
        }
        hasher_->update(bytes_);
        if (auto written = out.file->write(out.size, bytes_); !written) stop(std::move(written).error());
        out.size += bytes_.size();
    }

    void close() {
        if (decoder_) {
            LongString& out = long_strings_.back();
            if (!decoder_->finish()) out.file.reset();
            out.sha256 = hasher_->digest();
            decoder_.reset();
            hasher_.reset();
        }
        text_ += '"';
        in_string_ = false;
        ++strings_;
    }

    void stop(Error fault) {
        if (!fault_) fault_ = std::move(fault);
    }

    const BodyLimits& limits_;
    bool in_string_ = false;
    std::string escape_;                    // begun, and not complete
    std::size_t begin_ = 0;                 // of the present string, in text_
    std::size_t strings_ = 0;               // complete ones
    std::optional<Base64Decoder> decoder_;  // of the present string, if it is long
    std::optional<Hasher> hasher_;
    Bytes bytes_;
    std::optional<Error> fault_;
};

Status feed_file(const SpoolFile& file, Cutter& cutter) {
    std::string piece(kPiece, '\0');
    for (std::uint64_t offset = 0; offset < file.size();) {
        const auto count = ::pread(file.fd(), piece.data(), piece.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0)
            return std::unexpected(errno_error(count < 0 ? errno : EIO, "read a body from the spool"));
        SIGILLO_TRY(cutter.feed({piece.data(), static_cast<std::size_t>(count)}));
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

}  // namespace

Result<RequestBody> read_body(const Request& request, const BodyLimits& limits) {
    Cutter cutter(limits);
    SIGILLO_TRY(request.body_file ? feed_file(*request.body_file, cutter) : cutter.feed(request.body));
    SIGILLO_ASSIGN(auto value, json::decode(cutter.text_, limits.json, cutter.places_));
    auto* object = std::get_if<json::Object>(&value.data);
    if (object == nullptr) return not_acceptable("it must be an object");
    return RequestBody{std::move(*object), std::move(cutter.long_strings_)};
}

Result<LongString> content_of(const json::Value& value, const RequestBody& body) {
    const auto not_base64 = [] { return fail(Errc::kInvalidArgument, "it is not standard base64"); };
    if (const auto* blob = value.blob()) {
        const LongString& content = body.long_strings.at(blob->number);
        if (!content.file) return not_base64();
        return content;
    }
    const auto* text = value.string();
    if (text == nullptr) return fail(Errc::kInvalidArgument, "it is no string");
    const auto bytes = base64_decode(*text);
    if (!bytes) return not_base64();
    SIGILLO_ASSIGN(auto file, MemoryFile::of(*bytes, "document"));
    return LongString{std::move(file), bytes->size(), digest_of(HashAlgorithm::kSha256, *bytes)};
}

}  // namespace sigillo::api::documents
