# Writes OUT, a C++ source that holds the octets of IN: as an array, because no compiler need take a literal of more than
# 64 KiB.
file(READ ${IN} text HEX)
string(REGEX REPLACE "(................................)" "\\1\n    " text "${text}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," text "${text}")
file(WRITE ${OUT} "#include \"api/openapi_text.h\"\n\nnamespace sigillo::api {\n
std::string_view openapi_text() {\n    static constexpr unsigned char kText[] = {\n    ${text}};
    return {reinterpret_cast<const char*>(kText), sizeof kText};\n}\n
}  // namespace sigillo::api\n")
