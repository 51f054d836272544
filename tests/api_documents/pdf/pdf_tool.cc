// The PDF library from the command line, for tests in other languages and for measurements.
//
//   pdf_tool prepare IN OUT SPEC     SPEC: a JSON file; the answer, JSON, on standard output
//   pdf_tool embed FILE OFFSET SIZE CMS
//   pdf_tool extend IN OUT DATA      DATA: {"certificates": [file…], "crls", "ocsps", "signatures":
//   [{"vri_key", …}]} pdf_tool inspect IN pdf_tool measure IN SPEC TIMES   processor time of one preparation,
//   and the largest resident set
//
// Exit: 0 done; 1 refused, with {"error", "detail", "field"} on standard output; 2 usage.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "api/documents/pdf/inspect.h"
#include "api/documents/pdf/prepare.h"
#include "appliance/base/encoding.h"
#include "appliance/base/file.h"

namespace sigillo::pdf {
namespace {

using nlohmann::json;

[[noreturn]] void give_up(const Error& error) {
    std::cout << json{{"error", errc_name(error.code)}, {"detail", error.detail}, {"field", error.field}}
              << "\n";
    std::exit(1);
}

template <class T>
T value_of(Result<T> result) {
    if (!result) give_up(result.error());
    return *std::move(result);
}

UniqueFd open_input(const char* path) {
    UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
    if (!fd) give_up({Errc::kNotFound, path});
    return fd;
}

UniqueFd open_output(const char* path) {
    UniqueFd fd(::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!fd) give_up({Errc::kNotFound, path});
    return fd;
}

json read_json(const char* path) {
    return json::parse(as_text(value_of(read_file(path))));
}

std::optional<Colour> colour_of(const json& from, const char* key) {
    if (!from.contains(key)) return std::nullopt;
    const json& c = from[key];
    return Colour{c[0].get<std::uint8_t>(), c[1].get<std::uint8_t>(), c[2].get<std::uint8_t>()};
}

TextBlock text_of(const json& from) {
    TextBlock block;
    block.lines = from.at("lines").get<std::vector<std::string>>();
    block.font = from.value("font", "");
    block.font_size = from.value("size", block.font_size);
    const std::string align = from.value("align", "left");
    if (align == "middle") block.align = HorizontalAlignment::kMiddle;
    if (align == "right") block.align = HorizontalAlignment::kRight;
    const std::string vertical = from.value("valign", "middle");
    if (vertical == "top") block.vertical_align = VerticalAlignment::kTop;
    if (vertical == "bottom") block.vertical_align = VerticalAlignment::kBottom;
    block.colour = colour_of(from, "colour").value_or(block.colour);
    return block;
}

Handwriting handwriting_of(const json& from) {
    Handwriting handwriting;
    for (const json& stroke : from.at("strokes")) {
        Stroke points;
        for (const json& p : stroke)
            points.push_back({p[0].get<float>(), p[1].get<float>(), p.size() > 2 ? p[2].get<float>() : 0.5F});
        handwriting.strokes.push_back(std::move(points));
    }
    handwriting.colour = colour_of(from, "colour").value_or(handwriting.colour);
    handwriting.pen_width = from.value("pen", handwriting.pen_width);
    return handwriting;
}

Appearance appearance_of(const json& from) {
    Appearance appearance;
    appearance.background = colour_of(from, "background");
    appearance.border = colour_of(from, "border");
    appearance.padding = from.value("padding", appearance.padding);
    for (const json& block : from.value("text", json::array())) appearance.text.push_back(text_of(block));
    if (from.contains("image"))
        appearance.image = Image{value_of(read_file(from["image"].get<std::string>()))};
    if (from.contains("handwriting")) appearance.handwriting = handwriting_of(from["handwriting"]);
    const std::string place = from.value("picture", "auto");
    if (place == "left") appearance.picture_place = PicturePlace::kLeft;
    if (place == "right") appearance.picture_place = PicturePlace::kRight;
    if (place == "above") appearance.picture_place = PicturePlace::kAbove;
    if (place == "behind") appearance.picture_place = PicturePlace::kBehind;
    return appearance;
}

std::optional<FieldLock> lock_of(const json& from) {
    if (!from.contains("lock")) return std::nullopt;
    FieldLock lock;
    const std::string action = from["lock"].at("action");
    if (action == "Include") lock.action = LockAction::kInclude;
    if (action == "Exclude") lock.action = LockAction::kExclude;
    lock.fields = from["lock"].value("fields", lock.fields);
    return lock;
}

SignatureSpec spec_of(const json& from) {
    SignatureSpec spec;
    spec.field_name = from.value("field", "");
    if (from.value("existing", false)) spec.field_use = FieldUse::kExisting;
    if (from.value("timestamp", false)) spec.sub_filter = SubFilter::kRfc3161;
    spec.certification = static_cast<Certification>(from.value("certification", 0));
    spec.lock = lock_of(from);
    spec.name = from.value("name", "");
    spec.reason = from.value("reason", "");
    spec.location = from.value("location", "");
    spec.contact_info = from.value("contact", "");
    if (from.contains("time")) spec.signing_time = from_unix_millis(from["time"].get<std::int64_t>() * 1000);
    spec.contents_size = from.value("contents_size", spec.contents_size);
    spec.page = from.value("page", 1U);
    if (from.contains("position"))
        spec.rectangle = value_of(parse_position(from["position"].get<std::string>()));
    if (from.contains("appearance")) spec.appearance = appearance_of(from["appearance"]);
    for (const json& clause : from.value("clauses", json::array()))
        spec.clauses.push_back({clause.at("page"),
                                value_of(parse_position(clause.at("position").get<std::string>())),
                                appearance_of(clause.at("appearance"))});
    for (const json& field : from.value("later_fields", json::array()))
        spec.later_fields.push_back({field.at("name"), field.value("page", 1U),
                                     value_of(parse_position(field.at("position").get<std::string>()))});
    const json placeholders = from.value("placeholders", json::object());
    for (const auto& [key, word] : placeholders.items()) spec.placeholders[key] = word;
    return spec;
}

// The fonts' bytes, and the views into them.
struct LoadedFonts {
    std::vector<Bytes> bytes;
    Fonts fonts;
    explicit LoadedFonts(const json& from) {
        const json fonts_json = from.value("fonts", json::array());
        bytes.reserve(fonts_json.size());
        for (const json& font : fonts_json) {
            bytes.push_back(value_of(read_file(font.at("file").get<std::string>())));
            fonts.push_back({font.at("name"), bytes.back(), font.value("face", 0U)});
        }
    }
};

json json_of(const Prepared& prepared) {
    return {{"original_size", prepared.original_size},
            {"byte_range", prepared.byte_range},
            {"contents_offset", prepared.gap.contents_offset},
            {"contents_size", prepared.gap.contents_size},
            {"field", prepared.field_name}};
}

int prepare(char** arguments) {
    const json spec = read_json(arguments[2]);
    const LoadedFonts fonts(spec);
    const UniqueFd in = open_input(arguments[0]);
    const UniqueFd out = open_output(arguments[1]);
    std::cout << json_of(
                     value_of(prepare_signature(in.get(), spec_of(spec), fonts.fonts, Limits(), out.get())))
              << "\n";
    return 0;
}

int embed(char** arguments) {
    const UniqueFd file = open_output(arguments[0]);
    const SignatureGap gap{std::strtoull(arguments[1], nullptr, 10),
                           std::strtoull(arguments[2], nullptr, 10)};
    const Bytes cms = value_of(read_file(arguments[3]));
    if (const Status done = embed_signature(file.get(), gap, cms); !done) give_up(done.error());
    return 0;
}

std::vector<Bytes> files_of(const json& from, const char* key) {
    std::vector<Bytes> files;
    for (const json& path : from.value(key, json::array()))
        files.push_back(value_of(read_file(path.get<std::string>())));
    return files;
}

ValidationData data_of(const json& from) {
    return {files_of(from, "certificates"), files_of(from, "crls"), files_of(from, "ocsps")};
}

int extend(char** arguments) {
    const json data = read_json(arguments[2]);
    std::vector<SignatureValidationData> signatures;
    for (const json& signature : data.value("signatures", json::array()))
        signatures.push_back({signature.at("vri_key"), data_of(signature), std::nullopt});
    const UniqueFd in = open_input(arguments[0]);
    const UniqueFd out = open_output(arguments[1]);
    const Extended extended =
        value_of(add_validation_data(in.get(), data_of(data), signatures, Limits(), out.get()));
    std::cout << json{{"original_size", extended.original_size}, {"size", extended.size}} << "\n";
    return 0;
}

json json_of(const SignatureInfo& info) {
    return {{"fields", info.fields},
            {"type", info.type},
            {"sub_filter", info.sub_filter},
            {"byte_range", info.byte_range},
            {"cms", base64_encode(info.cms)},
            {"vri_key", info.vri_key},
            {"byte_range_sound", info.byte_range_sound},
            {"covers_whole_file", info.covers_whole_file},
            {"revision_size", info.revision_size},
            {"certification", info.certification ? static_cast<int>(*info.certification) : 0},
            {"name", info.name},
            {"reason", info.reason},
            {"location", info.location},
            {"signing_time", info.signing_time}};
}

int inspect_file(char** arguments) {
    const UniqueFd in = open_input(arguments[0]);
    const DocumentInfo info = value_of(inspect(in.get(), Limits()));
    json out{{"encrypted", info.encrypted},
             {"xfa", info.xfa},
             {"version", info.version},
             {"signatures", json::array()},
             {"empty_fields", json::array()},
             {"pages", info.pages.size()},
             {"vri_keys", info.vri_keys},
             {"certification", info.certification ? static_cast<int>(*info.certification) : 0},
             {"certificates", info.validation_data.certificates.size()},
             {"crls", info.validation_data.crls.size()},
             {"ocsps", info.validation_data.ocsps.size()}};
    for (const SignatureInfo& signature : info.signatures) out["signatures"].push_back(json_of(signature));
    for (const EmptyField& field : info.empty_fields)
        out["empty_fields"].push_back(
            {{"name", field.name}, {"page", field.page.value_or(0)}, {"visible", field.visible}});
    if (!info.pages.empty())
        out["first_page"] = {info.pages[0].width, info.pages[0].height, info.pages[0].rotation};
    std::cout << out << "\n";
    return 0;
}

double processor_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

int measure(char** arguments) {
    const json spec_json = read_json(arguments[1]);
    const LoadedFonts fonts(spec_json);
    const SignatureSpec spec = spec_of(spec_json);
    const int times = std::atoi(arguments[2]);
    const UniqueFd in = open_input(arguments[0]);
    const UniqueFd out(::memfd_create("prepared", MFD_CLOEXEC));
    const double start = processor_seconds();
    for (int i = 0; i < times; ++i)
        static_cast<void>(value_of(prepare_signature(in.get(), spec, fonts.fonts, Limits(), out.get())));
    const double used = processor_seconds() - start;
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    std::cout << json{{"cpu_us_per_op", used / times * 1e6}, {"max_rss_kib", usage.ru_maxrss}} << "\n";
    return 0;
}

int run(int count, char** arguments) {
    const std::string command = count > 1 ? arguments[1] : "";
    char** const rest = arguments + 2;
    if (command == "prepare" && count == 5) return prepare(rest);
    if (command == "embed" && count == 6) return embed(rest);
    if (command == "extend" && count == 5) return extend(rest);
    if (command == "inspect" && count == 3) return inspect_file(rest);
    if (command == "measure" && count == 5) return measure(rest);
    std::cerr << "usage: pdf_tool prepare|embed|extend|inspect|measure …\n";
    return 2;
}

}  // namespace
}  // namespace sigillo::pdf

int main(int count, char** arguments) {
    return sigillo::pdf::run(count, arguments);
}
