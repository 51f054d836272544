#include "api/json/decode.h"

#include <nlohmann/json.hpp>

namespace sigillo::api::json {
namespace {

constexpr std::int64_t kLargest = (std::int64_t{1} << 53) - 1;

// Builds the tree; returns false, with `fault_`, at the first thing that is not admitted.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
    Builder(Limits limits, std::span<const std::size_t> blobs) : limits_(limits), blobs_(blobs) {}

    bool null() override { return put(Value{}); }
    bool boolean(bool value) override { return put(Value{value}); }
    bool number_integer(number_integer_t value) override { return number(value >= -kLargest, value); }
    bool number_unsigned(number_unsigned_t value) override {
        return number(value <= static_cast<std::uint64_t>(kLargest), static_cast<std::int64_t>(value));
    }
    bool number_float(number_float_t, const string_t&) override { return number(false, 0); }
    bool string(string_t& value) override {
        if (next_is_blob()) return put(Value{Blob{blob_ - 1}});
        if (value.find('\0') != string_t::npos) return stop("a string holds U+0000");
        return put(Value{std::move(value)});
    }
    bool binary(binary_t&) override { return stop("binary values are not JSON"); }
    bool start_object(std::size_t) override { return open(Value{Object{}}); }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(Value{Array{}}); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        if (next_is_blob()) return stop("a key is too long");
        if (name.find('\0') != string_t::npos) return stop("a key holds U+0000");
        auto& object = std::get<Object>(open_.back()->data);
        if (find(object, name) != nullptr) return stop("a key is given twice", name);
        object.push_back({std::move(name), {}});
        return true;
    }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
        return stop("syntax error at byte " + std::to_string(position));
    }

    Value take() { return std::move(root_); }
    Error fault() { return std::move(fault_); }

 private:
    bool stop(std::string what, std::string field = {}) {
        fault_ = {Errc::kInvalidArgument, std::move(what), std::move(field)};
        return false;
    }
    bool number(bool fits, std::int64_t value) {
        return fits ? put(Value{value}) : stop("numbers must be whole and below 2^53");
    }
    Value* place(Value value) {
        if (open_.empty()) return &(root_ = std::move(value));
        if (auto* array = std::get_if<Array>(&open_.back()->data))
            return &array->emplace_back(std::move(value));
        Value& last = std::get<Object>(open_.back()->data).back().value;
        return &(last = std::move(value));
    }
    bool put(Value value) {
        if (++count_ > limits_.values) return stop("more than " + std::to_string(limits_.values) + " values");
        place(std::move(value));
        return true;
    }
    // The pointers in open_ stay valid: a container grows only while it is the innermost open one.
    bool open(Value value) {
        if (open_.size() >= limits_.depth)
            return stop("nested deeper than " + std::to_string(limits_.depth) + " levels");
        if (++count_ > limits_.values) return stop("more than " + std::to_string(limits_.values) + " values");
        open_.push_back(place(std::move(value)));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    bool next_is_blob() {
        const std::size_t place = strings_++;
        if (blob_ == blobs_.size() || blobs_[blob_] != place) return false;
        ++blob_;
        return true;
    }

    const Limits limits_;
    const std::span<const std::size_t> blobs_;
    std::size_t strings_ = 0;  // seen so far, keys included
    std::size_t blob_ = 0;     // the next of blobs_
    Value root_;
    std::vector<Value*> open_;
    std::size_t count_ = 0;
    Error fault_;
};

Error not_json(Error error) {
    error.detail = "the body is not acceptable JSON: " + error.detail;
    return error;
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned lead = byte(i);
        if (lead < 0x80) {
            ++i;
            continue;
        }
        std::size_t more = 0;
        unsigned least = 0x80,
                 most = 0xbf;  // of the second byte: no overlong forms, surrogates, nothing past U+10FFFF
        if (lead >= 0xc2 && lead <= 0xdf)
            more = 1;
        else if (lead >= 0xe0 && lead <= 0xef) {
            more = 2;
            if (lead == 0xe0) least = 0xa0;
            if (lead == 0xed) most = 0x9f;
        } else if (lead >= 0xf0 && lead <= 0xf4) {
            more = 3;
            if (lead == 0xf0) least = 0x90;
            if (lead == 0xf4) most = 0x8f;
        } else
            return i;
        if (text.size() - i <= more) return i;
        if (byte(i + 1) < least || byte(i + 1) > most) return i;
        for (std::size_t k = 2; k <= more; ++k)
            if ((byte(i + k) & 0xc0) != 0x80) return i;
        i += more + 1;
    }
    return std::string_view::npos;
}

Result<Value> decode(std::string_view text, Limits limits) {
    return decode(text, limits, {});
}

Result<Value> decode(std::string_view text, Limits limits, std::span<const std::size_t> blobs) {
    if (const auto at = find_invalid_utf8(text); at != std::string_view::npos)
        return std::unexpected(
            not_json({Errc::kInvalidArgument, "invalid UTF-8 at byte " + std::to_string(at + 1)}));
    // nlohmann takes a NUL for the end of the text and passes over a byte order mark.
    if (const auto at = text.find('\0'); at != std::string_view::npos)
        return std::unexpected(not_json({Errc::kInvalidArgument, "NUL at byte " + std::to_string(at + 1)}));
    if (text.starts_with("\xef\xbb\xbf"))
        return std::unexpected(not_json({Errc::kInvalidArgument, "it begins with a byte order mark"}));
    Builder builder(limits, blobs);
    try {
        if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder))
            return std::unexpected(not_json(builder.fault()));
    } catch (const std::exception&) {
        return std::unexpected(not_json({Errc::kInvalidArgument, "it could not be read"}));
    }
    return builder.take();
}

}  // namespace sigillo::api::json
