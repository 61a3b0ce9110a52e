// happyctl: the command that runs programs under libhappy, checks policies and
// shows what the library would do.
#include <algorithm>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "tools/happyctl/output.h"
#include "tools/happyctl/verb.h"

namespace {

using happyctl::Outcome;

// A new verb is one file, one declaration in verb.h and one line here.
constexpr void (*kVerbs[])(CLI::App&, Outcome*) = {
    happyctl::add_check, happyctl::add_connect, happyctl::add_doctor,
    happyctl::add_pin,   happyctl::add_resolve, happyctl::add_run,
    happyctl::add_state, happyctl::add_trace,
};

// One line, like all else that goes wrong.
std::string usage_line(const CLI::App* app, const CLI::Error& error) {
  std::string command = app->get_name();
  for (const CLI::App* verb : app->get_subcommands())
    command += " " + verb->get_name();
  std::string what = error.what();
  std::replace(what.begin(), what.end(), '\n', ' ');
  return command + ": " + what + "; see " + command + " --help\n";
}

bool has_verb(CLI::App* app, const std::string& name) {
  const auto verbs = app->get_subcommands({});
  return std::any_of(verbs.begin(), verbs.end(), [&name](const CLI::App* verb) {
    return verb->get_name() == name;
  });
}

Outcome run(int argc, char** argv) {
  CLI::App app("Runs programs under libhappy and shows what it would do.",
               "happyctl");
  app.set_version_flag("--version", "happyctl " HAPPY_VERSION,
                       "print the version and end");
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 good, 1 the thing failed, 2 usage or policy error.\n"
      "Example: happyctl run -- curl https://www.example.com/");
  app.failure_message(usage_line);
  Outcome outcome = Outcome::kGood;
  for (const auto add_verb : kVerbs) add_verb(app, &outcome);
  try {
    auto words = happyctl::guard_command({argv + 1, argv + argc});
    if (!words.empty() && !words[0].starts_with('-') &&
        !has_verb(&app, words[0])) {
      happyctl::complain("happyctl: there is no verb \"" + words[0] +
                         "\"; see happyctl --help\n");
      return Outcome::kUsage;
    }
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    // Prints help to stdout, with 0, and complaints to stderr.
    return app.exit(error) == 0 ? Outcome::kGood : Outcome::kUsage;
  }
  return outcome;
}

}  // namespace

int main(int argc, char** argv) {
  happyctl::guard_standard_descriptors();
  Outcome outcome = Outcome::kFailed;
  try {
    outcome = run(argc, argv);
  } catch (const std::exception& error) {
    happyctl::complain(std::string("happyctl: ") + error.what() + "\n");
  }
  if (!happyctl::finish_output() && outcome == Outcome::kGood)
    outcome = Outcome::kFailed;
  return static_cast<int>(outcome);
}
