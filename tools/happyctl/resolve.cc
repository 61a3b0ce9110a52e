// happyctl resolve: asks for a name as the library would and shows who answered
// and how.
#include <memory>

#include "tools/happyctl/output.h"
#include "tools/happyctl/policy_faults.h"
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

Outcome refuse(const std::string& text) {
  complain("happyctl resolve: " + text + "\n");
  return Outcome::kUsage;
}

Outcome resolve(const Options& options) {
  Inquiry inquiry = options.inquiry;
  for (const std::string& text : options.types) {
    const auto type = parse_type(text);
    if (!type) return refuse("\"" + text + "\" is not a record type");
    inquiry.types.push_back(*type);
  }
  if (inquiry.types.empty()) inquiry.types = {1, 28};  // A and AAAA
  const auto loaded = load_policy(options.policy);
  if (!loaded) {
    complain(faults_text(loaded.error(), stderr));
    return Outcome::kUsage;
  }
  const auto findings = inquire(loaded->policy, inquiry);
  if (!findings) return refuse(findings.error());
  if (options.json)
    show_json(findings_json(loaded->policy, *findings));
  else
    show(findings_text(loaded->policy, *findings));
  complain(failure_text(*findings));
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
  verb->footer("Example: happyctl resolve www.example.com A HTTPS");
  verb->callback([options, outcome] { *outcome = resolve(*options); });
}

}  // namespace happyctl
