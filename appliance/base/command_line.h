// What a program says of a wrong command line. A header alone: only programs know CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace sigillo {

// For CLI::App::failure_message(). CLI11 looks for what is missing before it looks at what is too much, so
// that a mistyped command would be told as "A subcommand is required".
inline std::string usage_message(const CLI::App* app, const CLI::Error& error) {
    const CLI::App* named = app;  // the innermost command
    while (!named->get_subcommands().empty()) named = named->get_subcommands().front();
    if (dynamic_cast<const CLI::RequiredError*>(&error) == nullptr ||
        named->get_require_subcommand_min() == 0)
        return CLI::FailureMessage::simple(app, error);
    const auto unknown = app->remaining(true);  // what a command does not know goes up to the program
    return (unknown.empty() ? std::string("a command is missing") : "no command '" + unknown.front() + "'") +
           "\nRun with --help for those that there are.\n";
}

}  // namespace sigillo
