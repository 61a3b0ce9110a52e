// happyctl: the command that runs programs under libhappy, checks policies and
// shows what the library would do.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "tools/happyctl/verb.h"

namespace {

using happyctl::Outcome;

// A new verb is one file, one declaration in verb.h and one line here.
constexpr void (*kVerbs[])(CLI::App&, Outcome*) = {
    happyctl::add_check, happyctl::add_connect, happyctl::add_resolve,
    happyctl::add_run,   happyctl::add_state,   happyctl::add_trace,
};

Outcome run(int argc, char** argv) {
  CLI::App app("Runs programs under libhappy and shows what it would do.",
               "happyctl");
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 good, 1 the thing failed, 2 usage or policy error.");
  Outcome outcome = Outcome::kGood;
  for (const auto add_verb : kVerbs) add_verb(app, &outcome);
  try {
    auto words = happyctl::guard_command({argv + 1, argv + argc});
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    // Prints help to stdout, with 0, and complaints to stderr.
    return app.exit(error) == 0 ? Outcome::kGood : Outcome::kUsage;
  }
  return outcome;
}

// What was printed must have arrived, or a script takes half of it for all.
Outcome checked(Outcome outcome) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return outcome;
  std::fprintf(stderr, "happyctl: standard output: %s\n",
               errno != 0 ? std::strerror(errno) : "cannot be written");
  return outcome == Outcome::kGood ? Outcome::kFailed : outcome;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return static_cast<int>(checked(run(argc, argv)));
  } catch (const std::exception& error) {
    // Not fmt::print(), which throws where standard error is closed.
    std::fprintf(stderr, "happyctl: %s\n", error.what());
    return static_cast<int>(Outcome::kFailed);
  }
}
