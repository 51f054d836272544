#include "appliance/base/config_file.h"

#include <toml++/toml.h>

#include <set>

#include "appliance/base/bytes.h"
#include "appliance/base/file.h"

namespace sigillo {

struct ConfigFile::State {
    std::string path;
    toml::table root;
    std::set<std::string, std::less<>> known_keys;
    std::set<std::string, std::less<>> read_tables;
    std::vector<std::string> complaints;

    // The node at "table.name" (tables may be nested), or null; remembers that the key is known.
    toml::node* find(std::string_view key) {
        known_keys.emplace(key);
        const auto dot = key.rfind('.');
        read_tables.emplace(key.substr(0, dot));
        return root.at_path(key).node();
    }
    void complain(std::string_view key, std::string_view what, const toml::node* node = nullptr) {
        std::string line = path;
        if (node != nullptr) line += ":" + std::to_string(node->source().begin.line);
        line += ": " + std::string(key) + ": " + std::string(what);
        complaints.push_back(std::move(line));
    }
};

ConfigFile::ConfigFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
ConfigFile::ConfigFile(ConfigFile&&) noexcept = default;
ConfigFile& ConfigFile::operator=(ConfigFile&&) noexcept = default;
ConfigFile::~ConfigFile() = default;

Result<ConfigFile> ConfigFile::load(const std::filesystem::path& path) {
    constexpr std::size_t kLimit = std::size_t{1} << 20;  // bytes: a configuration, not data
    SIGILLO_ASSIGN(const Bytes contents, read_file(path, kLimit));
    auto state = std::make_unique<State>();
    state->path = path.string();
    try {
        state->root = toml::parse(as_text(contents), state->path);
    } catch (const toml::parse_error& error) {
        return fail(Errc::kInvalidArgument, state->path + ":" + std::to_string(error.source().begin.line) +
                                                ":" + std::to_string(error.source().begin.column) + ": " +
                                                std::string(error.description()));
    }
    return ConfigFile(std::move(state));
}

ConfigFile& ConfigFile::integer(std::string_view key, std::int64_t& value, std::int64_t least,
                                std::int64_t most) {
    if (toml::node* node = state_->find(key)) {
        const auto* number = node->as_integer();
        if (number == nullptr) {
            state_->complain(key, "must be a whole number", node);
        } else if (number->get() < least || number->get() > most) {
            state_->complain(key,
                             "must be from " + std::to_string(least) + " to " + std::to_string(most) +
                                 ", is " + std::to_string(number->get()),
                             node);
        } else {
            value = number->get();
        }
    }
    return *this;
}

ConfigFile& ConfigFile::flag(std::string_view key, bool& value) {
    if (toml::node* node = state_->find(key)) {
        if (const auto* flag = node->as_boolean()) {
            value = flag->get();
        } else {
            state_->complain(key, "must be true or false", node);
        }
    }
    return *this;
}

ConfigFile& ConfigFile::text(std::string_view key, std::string& value) {
    if (toml::node* node = state_->find(key)) {
        if (const auto* text = node->as_string()) {
            value = text->get();
        } else {
            state_->complain(key, "must be a string", node);
        }
    }
    return *this;
}

ConfigFile& ConfigFile::required_text(std::string_view key, std::string& value) {
    text(key, value);
    if (value.empty()) state_->complain(key, "is required");
    return *this;
}

ConfigFile& ConfigFile::texts(std::string_view key, std::vector<std::string>& value) {
    toml::node* node = state_->find(key);
    if (node == nullptr) return *this;
    auto* array = node->as_array();
    if (array == nullptr) {
        state_->complain(key, "must be an array of strings", node);
        return *this;
    }
    std::vector<std::string> texts;
    for (toml::node& item : *array) {
        if (const auto* text = item.as_string()) {
            texts.push_back(text->get());
        } else {
            state_->complain(key, "must hold strings only", &item);
        }
    }
    value = std::move(texts);
    return *this;
}

ConfigFile& ConfigFile::complain(std::string_view key, std::string_view what) {
    state_->complain(key, what, state_->root.at_path(key).node());
    return *this;
}

bool ConfigFile::has_table(std::string_view table) const {
    return state_->root.at_path(table).is_table();
}

Status ConfigFile::finish() {
    for (const std::string& table : state_->read_tables) {
        const auto* node = state_->root.at_path(table).as_table();
        if (node == nullptr) continue;
        for (const auto& [name, child] : *node) {
            const std::string key = table + "." + std::string(name.str());
            if (child.is_table() || state_->known_keys.contains(key)) continue;
            state_->complain(key, "unknown key", &child);
        }
    }
    if (state_->complaints.empty()) return {};
    std::string all;
    for (const std::string& complaint : state_->complaints) all += (all.empty() ? "" : "\n") + complaint;
    return fail(Errc::kInvalidArgument, std::move(all));
}

}  // namespace sigillo
