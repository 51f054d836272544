// Prints the api face's routes, "get /healthz plain" a line, for openapi_test.py; with the argument "public"
// the public face's, with "text" the served description.
#include <cctype>
#include <cstdio>
#include <string>
#include <string_view>

#include "api/openapi_text.h"
#include "api/routes.h"

int main(int argc, char** argv) {
    const std::string_view wanted = argc > 1 ? argv[1] : "";
    if (wanted == "text") {
        std::fputs(std::string(sigillo::api::openapi_text()).c_str(), stdout);
        return 0;
    }
    for (const auto& route :
         wanted == "public" ? sigillo::api::public_routes() : sigillo::api::api_routes()) {
        std::string method(sigillo::api::method_name(route.method));
        for (char& c : method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        std::printf("%s %s %s\n", method.c_str(), std::string(route.pattern).c_str(),
                    route.retry == sigillo::api::Retry::kIdempotencyKey ? "idempotency-key" : "plain");
    }
}
