# Writes OUT, a C++ source that holds the text of IN line by line.
file(READ ${IN} text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
file(WRITE ${OUT} "#include \"api/openapi_text.h\"\n\n#include <string_view>\n\nnamespace sigillo::api {\n
std::string_view openapi_text() {\n    static constexpr std::string_view kText =\n    \"${text}\";\n    return kText;\n}\n
}  // namespace sigillo::api\n")
