// happyctl resolve: asks for a name as the library would and shows who answered
// and how.
#include <fmt/format.h>

#include <memory>

#include "tools/happyctl/policy_file.h"
#include "tools/happyctl/resolve_ask.h"
#include "tools/happyctl/resolve_report.h"
#include "tools/happyctl/verb.h"

namespace happyctl {
namespace {

struct Options {
  Inquiry inquiry;
  std::vector<std::string> types{};
  std::optional<std::string> policy{};
  bool json = false;
};

Outcome complain(const std::string& text) {
  fmt::print(stderr, "happyctl resolve: {}\n", text);
  return Outcome::kUsage;
}

Outcome resolve(const Options& options) {
  Inquiry inquiry = options.inquiry;
  for (const std::string& text : options.types) {
    const auto type = parse_type(text);
    if (!type) return complain("\"" + text + "\" is not a record type");
    inquiry.types.push_back(*type);
  }
  if (inquiry.types.empty()) inquiry.types = {1, 28};  // A and AAAA
  const auto loaded = load_policy(options.policy);
  if (!loaded) {
    for (const std::string& line : loaded.error().lines())
      fmt::print(stderr, "{}\n", line);
    return Outcome::kUsage;
  }
  const auto findings = inquire(loaded->policy, inquiry);
  if (!findings) return complain(findings.error());
  if (options.json)
    fmt::print("{}\n",
               findings_json(loaded->policy, *findings)
                   .dump(2, ' ', false,
                         nlohmann::ordered_json::error_handler_t::replace));
  else
    fmt::print("{}", findings_text(loaded->policy, *findings));
  fmt::print(stderr, "{}", failure_text(*findings));
  return findings->found() ? Outcome::kGood : Outcome::kFailed;
}

}  // namespace

void add_resolve(CLI::App& app, Outcome* outcome) {
  CLI::App* const verb = app.add_subcommand(
      "resolve", "Asks for a name as the library would; shows who answered");
  const auto options = std::make_shared<Options>();
  verb->add_option("NAME", options->inquiry.name, "host name")->required();
  verb->add_option("TYPE", options->types,
                   "record types; without one, A and AAAA");
  verb->add_option("--policy", options->policy,
                   "policy file; without it, the one the library would take")
      ->type_name("F");
  verb->add_option("--resolver", options->inquiry.resolver,
                   "ask this resolver of the policy, whatever the rule says")
      ->type_name("NAME");
  verb->add_flag("--json", options->json, "print JSON");
  verb->callback([options, outcome] { *outcome = resolve(*options); });
}

}  // namespace happyctl
