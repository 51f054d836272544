#include "tests/sigillod/contract.h"

#include <algorithm>
#include <fstream>
#include <regex>
#include <stdexcept>

namespace sigillo::testing {
namespace {

void append_varint(std::string& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
    out.push_back(static_cast<char>(value));
}

bool is_number(const std::string& type) {
    return type == "uint32" || type == "uint64" || type == "int64" || type == "bool";
}
bool is_text(const std::string& type) {
    return type == "string" || type == "bytes";
}

}  // namespace

Contract Contract::read(const std::filesystem::path& proto) {
    static const std::regex kMessage(R"(\s*message (\w+) \{(.*))");
    static const std::regex kOneof(R"(\s*oneof \w+ \{\s*)");
    static const std::regex kField(R"(\s*(repeated )?(?:map<string, (\w+)>|([\w.]+)) (\w+) = (\d+);(.*))");
    static const std::regex kNothing(R"(\s*|\s*\}\s*|(syntax|package|option) .*;)");
    std::ifstream file(proto);
    if (!file) throw std::runtime_error("cannot read " + proto.string());
    Contract contract;
    std::string message;
    bool in_oneof = false;
    const auto take = [&](const std::smatch& match) {
        ContractField field;
        field.repeated = match[1].matched;
        field.map_value = match[2].str();
        field.type = match[3].str();
        field.name = match[4].str();
        field.number = static_cast<std::uint32_t>(std::stoul(match[5].str()));
        field.is_body = in_oneof;
        contract.messages_[message].push_back(field);
    };
    int number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        line = line.substr(0, line.find("//"));
        std::smatch match;
        if (std::regex_match(line, match, kMessage)) {
            message = match[1].str();
            contract.messages_[message];
            std::string rest = match[2].str();  // "message GetSigner { string signer_id = 1; }"
            std::smatch field;
            if (std::regex_match(rest, field, kField)) {
                take(field);
                rest = field[6].str();
            }
            if (rest.find('}') != std::string::npos) message.clear();
        } else if (std::regex_match(line, match, kOneof)) {
            in_oneof = true;
        } else if (!message.empty() && std::regex_match(line, match, kField)) {
            take(match);
        } else if (!std::regex_match(line, kNothing)) {
            throw std::runtime_error(proto.string() + ":" + std::to_string(number) +
                                     ": not understood: " + line);
        } else if (line.find('}') != std::string::npos) {
            if (in_oneof)
                in_oneof = false;
            else
                message.clear();
        }
    }
    for (const auto& [name, fields] : contract.messages_)
        for (const ContractField& field : fields) {
            const std::string& type = field.map_value.empty() ? field.type : field.map_value;
            if (!is_text(type) && !is_number(type) && type != "double" && !contract.messages_.contains(type))
                throw std::runtime_error(name + "." + field.name + ": unknown type " + type);
        }
    return contract;
}

const std::vector<ContractField>& Contract::fields(const std::string& message) const {
    return messages_.at(message);
}

std::vector<ContractField> Contract::bodies(const std::string& request) const {
    std::vector<ContractField> found;
    std::ranges::copy_if(fields(request), std::back_inserter(found), &ContractField::is_body);
    std::ranges::sort(found, {}, &ContractField::number);
    return found;
}

std::string Contract::wrap(std::uint32_t number, const std::string& payload) {
    constexpr std::uint64_t kLengthDelimited = 2;
    std::string out;
    append_varint(out, std::uint64_t{number} << 3 | kLengthDelimited);
    append_varint(out, payload.size());
    return out + payload;
}

void Contract::encode_field(const ContractField& field, const Values& values, std::mt19937& dice,
                            std::string& out) const {
    if (!field.map_value.empty()) {
        ContractField key = field;
        key.name += ".key";
        ContractField value = field;
        value.name += ".value";
        out += wrap(field.number, wrap(1, values.text(key)) + wrap(2, values.text(value)));
    } else if (is_text(field.type)) {
        out += wrap(field.number, values.text(field));
    } else if (is_number(field.type)) {
        append_varint(out, std::uint64_t{field.number} << 3);
        append_varint(out, values.number(field));
    } else {
        out += wrap(field.number, encode(field.type, values, dice));
    }
}

std::string Contract::encode(const std::string& message, const Values& values, std::mt19937& dice) const {
    std::string out;
    for (const ContractField& field : fields(message)) {
        if (below(dice, 16) == 0) continue;
        const bool many = field.repeated || !field.map_value.empty();
        for (std::size_t left = many ? below(dice, 4) : 1; left > 0; --left)
            encode_field(field, values, dice, out);
    }
    return out;
}

}  // namespace sigillo::testing
