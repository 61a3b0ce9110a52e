#include <utility>

#include "config/diagnostics.h"
#include "config/host_pattern.h"
#include "config/json_document.h"
#include "config/policy.h"
#include "config/resolver_reader.h"
#include "config/rule_settings.h"
#include "config/schema_check.h"

namespace happy::config {
namespace {

std::vector<HostPattern> read_hosts(const Value& rule, const std::string& path,
                                    Diagnostics* out) {
  return read_strings<HostPattern>(usable(rule, Scope::kRule, "hosts"),
                                   child(path, "hosts"), parse_host_pattern,
                                   out);
}

RuleSettings read_defaults(const Value& root,
                           const std::vector<Resolver>& resolvers,
                           Diagnostics* out) {
  const Value* const defaults = usable(root, Scope::kPolicy, "defaults");
  if (defaults == nullptr) return {};
  return read_settings(*defaults, "defaults", resolvers, out);
}

std::vector<Rule> read_rules(const Value& root,
                             const std::vector<Resolver>& resolvers,
                             Diagnostics* out) {
  const RuleSettings defaults = read_defaults(root, resolvers, out);
  std::vector<Rule> rules;
  const Value* const list = usable(root, Scope::kPolicy, "rules");
  if (list == nullptr) return rules;
  for (size_t i = 0; i < list->elements.size(); ++i) {
    const Value& element = list->elements[i];
    if (element.kind != Value::Kind::kObject) continue;
    const std::string path = child("rules", i);
    RuleSettings own = read_settings(element, path, resolvers, out);
    rules.push_back(make_rule(merged(std::move(own), defaults), out));
    rules.back().hosts = read_hosts(element, path, out);
  }
  return rules;
}

bool read_state(const Value& root) {
  const Value* const state = usable(root, Scope::kPolicy, "state");
  if (state == nullptr) return true;
  const Value* const enabled = usable(*state, Scope::kState, "enabled");
  return enabled == nullptr || enabled->boolean;
}

}  // namespace

tl::expected<Policy, std::vector<PolicyError>> parse_policy(
    std::string_view text) {
  Diagnostics diagnostics;
  const auto root = parse_json(text);
  if (!root) {
    diagnostics.add(root.error().at, "", root.error().message);
    return tl::unexpected(diagnostics.take());
  }
  check_schema(*root, &diagnostics);
  Policy policy;
  policy.resolvers = read_resolvers(*root, &diagnostics);
  policy.rules = read_rules(*root, policy.resolvers, &diagnostics);
  policy.prefetch =
      read_strings<std::string>(usable(*root, Scope::kPolicy, "prefetch"),
                                "prefetch", parse_host_name, &diagnostics);
  policy.shares_state = read_state(*root);
  if (!diagnostics.empty()) return tl::unexpected(diagnostics.take());
  return policy;
}

}  // namespace happy::config
