// happyctl doctor: will the library act in a program? Without one: is the
// installation sound?
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/happyctl/checkup.h"
#include "tools/happyctl/diagnosis.h"
#include "tools/happyctl/output.h"
#include "tools/happyctl/program.h"
#include "tools/happyctl/run_environment.h"
#include "tools/happyctl/terminal.h"
#include "tools/happyctl/verb.h"

namespace happyctl {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::optional<std::string> program{};
  std::optional<std::string> policy{};
  bool json = false;
};

std::string verdict_text(const Diagnosis& diagnosis) {
  if (diagnosis.why_not)
    return "will not be intercepted: " + *diagnosis.why_not;
  if (diagnosis.but.empty()) return "will be intercepted";
  return fmt::format("will be intercepted, but {}",
                     fmt::join(diagnosis.but, "; "));
}

void show_diagnosis(const Diagnosis& diagnosis) {
  const auto color = diagnosis.why_not       ? fmt::terminal_color::red
                     : diagnosis.but.empty() ? fmt::terminal_color::green
                                             : fmt::terminal_color::yellow;
  show(diagnosis.path + ": " +
       painted(verdict_text(diagnosis), fmt::fg(color), stdout) + "\n");
  for (const Fact& fact : diagnosis.facts)
    show(fmt::format("  {:<12}  {}\n", fact.what, fact.text));
}

Json diagnosis_json(const Diagnosis& diagnosis) {
  Json why, imports = Json::array(), facts = Json::array();
  if (diagnosis.why_not) why = *diagnosis.why_not;
  for (const HookedImports& one : diagnosis.imports)
    imports.push_back({{"file", one.file}, {"functions", one.functions}});
  for (const Fact& fact : diagnosis.facts)
    facts.push_back({{"what", fact.what}, {"text", fact.text}});
  return {{"program", diagnosis.path},
          {"intercepted", !diagnosis.why_not},
          {"why_not", why},
          {"but", diagnosis.but},
          {"imports", imports},
          {"facts", facts}};
}

Outcome examine_program(const std::string& name, bool json) {
  const Program program = find_program(name);
  // What may not be started can be looked at all the same.
  if (program.error != 0 && program.error != EACCES) {
    const bool missing = program.error == ENOENT || program.error == ENOTDIR;
    complain(fmt::format("happyctl doctor: {}: {}\n", name,
                         missing ? "not found" : std::strerror(program.error)));
    return Outcome::kFailed;
  }
  const auto library = find_library();
  Diagnosis diagnosis = diagnose(program.path, library.value_or(""));
  if (!library && !diagnosis.why_not)
    diagnosis.why_not = "libhappy.so is not installed";
  if (json)
    show_json(diagnosis_json(diagnosis));
  else
    show_diagnosis(diagnosis);
  return diagnosis.why_not ? Outcome::kFailed : Outcome::kGood;
}

std::string_view word(Finding::Grade grade) {
  switch (grade) {
    case Finding::Grade::kOk:
      return "ok";
    case Finding::Grade::kNote:
      return "note";
    case Finding::Grade::kFail:
      break;
  }
  return "FAIL";
}

void show_finding(const Finding& finding) {
  const auto color =
      finding.grade == Finding::Grade::kOk     ? fmt::terminal_color::green
      : finding.grade == Finding::Grade::kNote ? fmt::terminal_color::yellow
                                               : fmt::terminal_color::red;
  show(painted(fmt::format("{:<4}", word(finding.grade)), fmt::fg(color),
               stdout) +
       fmt::format("  {}: {}{}\n", finding.what, finding.text,
                   finding.next.empty() ? "" : "; " + finding.next));
}

Outcome examine_installation(const Options& options) {
  bool good = true;
  Json findings = Json::array();
  check_up(options.policy, [&](const Finding& finding) {
    good = good && finding.grade != Finding::Grade::kFail;
    if (!options.json) return show_finding(finding);
    Json next;  // null
    if (!finding.next.empty()) next = finding.next;
    findings.push_back({{"what", finding.what},
                        {"grade", word(finding.grade)},
                        {"text", finding.text},
                        {"next", next}});
  });
  if (options.json) show_json({{"good", good}, {"findings", findings}});
  return good ? Outcome::kGood : Outcome::kFailed;
}

Outcome doctor(const Options& options) {
  if (options.program) return examine_program(*options.program, options.json);
  return examine_installation(options);
}

}  // namespace

void add_doctor(CLI::App& app, Outcome* outcome) {
  CLI::App* const verb = app.add_subcommand(
      "doctor", "Will a program be intercepted? Is the installation sound?");
  const auto options = std::make_shared<Options>();
  CLI::Option* const program = verb->add_option(
      "PROGRAM", options->program,
      "file or command to examine; without it, the installation is");
  verb->add_option("--policy", options->policy,
                   "policy file to check the installation with; without it, "
                   "the one the library would take")
      ->type_name("F")
      ->excludes(program);
  verb->add_flag("--json", options->json, "print JSON");
  verb->footer(
      "Exit status: 0 if it will be intercepted, or nothing fails; 1 if not.\n"
      "Examples: happyctl doctor curl\n"
      "          happyctl doctor");
  verb->callback([options, outcome] { *outcome = doctor(*options); });
}

}  // namespace happyctl
