// happyctl check: is a policy good, and what does it say about a host?
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "config/host_pattern.h"
#include "tools/happyctl/effective_settings.h"
#include "tools/happyctl/policy_file.h"
#include "tools/happyctl/terminal.h"
#include "tools/happyctl/verb.h"

namespace happyctl {
namespace {

using happy::config::Policy;
using happy::config::Rule;
using Json = nlohmann::ordered_json;

struct Options {
  std::optional<std::string> file;
  std::optional<std::string> host;
  bool json = false;
};

std::string counted(size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// "policy.json" or what stands for it.
std::string name_of(const PolicyFile& file) {
  return file.path.empty() ? "embedded default policy" : file.path;
}

// The pattern of `rule` that names `host`. There is one: the rule matched.
std::string pattern_for(const Rule& rule, std::string_view host) {
  const auto found = std::find_if(
      rule.hosts.begin(), rule.hosts.end(),
      [host](const auto& pattern) { return pattern.matches(host); });
  return to_string(*found);
}

void print_json(const Json& json) {
  // A file's name need not be UTF-8.
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

Json json_of(const PolicyFile& file) {
  Json path;  // null
  if (!file.path.empty()) path = file.path;
  return {{"file", path}, {"source", to_string(file.source)}};
}

void report_faults(const PolicyFault& fault, bool json) {
  if (!json) {
    for (const std::string& line : fault.lines()) {
      fmt::print(stderr, "{}\n",
                 painted(line, fmt::fg(fmt::terminal_color::red), stderr));
    }
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
  print_json(out);
}

Json host_json(const Policy& policy, const std::string& host) {
  const auto index = policy.match_index(host);
  if (!index) return {{"name", host}, {"rule", nullptr}};
  const Rule& rule = policy.rules[*index];
  return {{"name", host},
          {"rule", *index},
          {"pattern", pattern_for(rule, host)},
          {"settings", settings_json(policy, rule)}};
}

void report_json(const LoadedPolicy& loaded,
                 const std::optional<std::string>& host) {
  Json out = json_of(loaded.file);
  out["good"] = true;
  out["resolvers"] = loaded.policy.resolvers.size();
  out["rules"] = loaded.policy.rules.size();
  if (host) out["host"] = host_json(loaded.policy, *host);
  print_json(out);
}

void report_host(const Policy& policy, const std::string& host) {
  const auto index = policy.match_index(host);
  if (!index) {
    fmt::print("{}: no rule names it; everything is libc's\n", host);
    return;
  }
  const Rule& rule = policy.rules[*index];
  fmt::print("{}: rules[{}], by \"{}\"\n{}", host, *index,
             pattern_for(rule, host), settings_text(policy, rule));
}

void report_text(const LoadedPolicy& loaded,
                 const std::optional<std::string>& host) {
  const Policy& policy = loaded.policy;
  if (loaded.file.source == PolicySource::kEmbedded) {
    fmt::print(
        "no policy file; the embedded default applies: every host name, "
        "resolver system, race on\n");
  } else {
    fmt::print("{}: {}; {}, {}\n", name_of(loaded.file),
               painted("good", fmt::fg(fmt::terminal_color::green), stdout),
               counted(policy.resolvers.size(), "resolver"),
               counted(policy.rules.size(), "rule"));
  }
  if (host) report_host(policy, *host);
}

Outcome check(const Options& options) {
  std::optional<std::string> host;
  if (options.host) {
    auto name = happy::config::parse_host_name(*options.host);
    if (!name) {
      fmt::print(stderr, "happyctl check: --host: {}\n", name.error());
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
  verb->callback([options, outcome] { *outcome = check(*options); });
}

}  // namespace happyctl
