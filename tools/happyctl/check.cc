// happyctl check: is a policy good, and what does it say about a host?
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "config/host_pattern.h"
#include "tools/happyctl/effective_settings.h"
#include "tools/happyctl/output.h"
#include "tools/happyctl/policy_faults.h"
#include "tools/happyctl/rule_choice.h"
#include "tools/happyctl/terminal.h"
#include "tools/happyctl/verb.h"

namespace happyctl {
namespace {

using happy::config::Policy;
using Json = nlohmann::ordered_json;

struct Options {
  std::optional<std::string> file;
  std::optional<std::string> host;
  bool json = false;
};

std::string counted(size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

Json json_of(const PolicyFile& file) {
  Json path;  // null
  if (!file.path.empty()) path = file.path;
  return {{"file", path}, {"source", to_string(file.source)}};
}

void report_faults(const PolicyFault& fault, bool json) {
  if (!json) {
    complain(faults_text(fault, stderr));
    return;
  }
  Json out = json_of(fault.file);
  out["good"] = false;
  out["errors"] = Json::array();
  for (const auto& error : fault.errors) {
    out["errors"].push_back({{"line", error.line},
                             {"column", error.column},
                             {"key", error.key},
                             {"message", error.message}});
  }
  if (fault.file.error != 0) {
    out["errors"].push_back({{"message", fault.lines().front()}});
  }
  show_json(out);
}

Json host_json(const Policy& policy, const std::string& host) {
  const auto verdicts = judge_rules(policy, host);
  Json out = {{"name", host}, {"rule", nullptr}};
  for (const RuleVerdict& verdict : verdicts) {
    if (!verdict.wins) continue;
    out["rule"] = verdict.rule;
    out["pattern"] = *verdict.pattern;
    out["settings"] = settings_json(policy, policy.rules[verdict.rule]);
  }
  out["rules"] = verdicts_json(verdicts);
  return out;
}

void report_json(const LoadedPolicy& loaded,
                 const std::optional<std::string>& host) {
  Json out = json_of(loaded.file);
  out["good"] = true;
  out["resolvers"] = loaded.policy.resolvers.size();
  out["rules"] = loaded.policy.rules.size();
  if (host) out["host"] = host_json(loaded.policy, *host);
  show_json(out);
}

void report_host(const Policy& policy, const std::string& host) {
  const auto verdicts = judge_rules(policy, host);
  const auto winner =
      std::find_if(verdicts.begin(), verdicts.end(),
                   [](const RuleVerdict& verdict) { return verdict.wins; });
  if (winner == verdicts.end()) {
    show(fmt::format("{}: no rule names it; everything is libc's\n{}", host,
                     verdicts_text(verdicts)));
    return;
  }
  show(fmt::format("{}: rules[{}], by \"{}\"\n{}", host, winner->rule,
                   *winner->pattern,
                   settings_text(policy, policy.rules[winner->rule])));
  if (verdicts.size() > 1)
    show(fmt::format(
        "why rules[{}]: the first that names a host is its rule\n{}",
        winner->rule, verdicts_text(verdicts)));
}

void report_text(const LoadedPolicy& loaded,
                 const std::optional<std::string>& host) {
  const Policy& policy = loaded.policy;
  if (loaded.file.source == PolicySource::kEmbedded) {
    show(
        "no policy file; the embedded default applies: every host name, "
        "resolver system, race on\n");
  } else {
    show(fmt::format(
        "{}: {}; {}, {}\n", loaded.file.path,
        painted("good", fmt::fg(fmt::terminal_color::green), stdout),
        counted(policy.resolvers.size(), "resolver"),
        counted(policy.rules.size(), "rule")));
  }
  if (host) report_host(policy, *host);
}

Outcome check(const Options& options) {
  std::optional<std::string> host;
  if (options.host) {
    auto name = happy::config::parse_host_name(*options.host);
    if (!name) {
      complain(fmt::format("happyctl check: --host: {}\n", name.error()));
      return Outcome::kUsage;
    }
    host = *std::move(name);
  }
  const auto loaded = load_policy(options.file);
  if (!loaded) {
    report_faults(loaded.error(), options.json);
    return Outcome::kUsage;
  }
  (options.json ? report_json : report_text)(*loaded, host);
  return Outcome::kGood;
}

}  // namespace

void add_check(CLI::App& app, Outcome* outcome) {
  CLI::App* const verb = app.add_subcommand(
      "check", "Validates a policy; shows what it says about a host");
  const auto options = std::make_shared<Options>();
  verb->add_option("F", options->file,
                   "policy file; without it, the one the library would take");
  verb->add_option("--host", options->host,
                   "show the rule and the effective settings for NAME")
      ->type_name("NAME");
  verb->add_flag("--json", options->json, "print JSON");
  verb->footer("Example: happyctl check policy.json --host www.example.com");
  verb->callback([options, outcome] { *outcome = check(*options); });
}

}  // namespace happyctl
