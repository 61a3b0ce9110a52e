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
  std::vector<HostPattern> hosts;
  const Value* const list = usable(rule, Scope::kRule, "hosts");
  if (list == nullptr) return hosts;
  for (size_t i = 0; i < list->elements.size(); ++i) {
    const Value& element = list->elements[i];
    if (!is_usable_string(element)) continue;
    auto pattern = parse_host_pattern(element.text);
    if (pattern) {
      hosts.push_back(*std::move(pattern));
    } else {
      out->add(element.at, child(child(path, "hosts"), i), pattern.error());
    }
  }
  return hosts;
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

std::vector<std::string> read_prefetch(const Value& root, Diagnostics* out) {
  std::vector<std::string> names;
  const Value* const list = usable(root, Scope::kPolicy, "prefetch");
  if (list == nullptr) return names;
  for (size_t i = 0; i < list->elements.size(); ++i) {
    const Value& element = list->elements[i];
    if (!is_usable_string(element)) continue;
    auto name = parse_host_name(element.text);
    if (name) {
      names.push_back(*std::move(name));
    } else {
      out->add(element.at, child("prefetch", i), name.error());
    }
  }
  return names;
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
  policy.prefetch = read_prefetch(*root, &diagnostics);
  policy.shares_state = read_state(*root);
  if (!diagnostics.empty()) return tl::unexpected(diagnostics.take());
  return policy;
}

}  // namespace happy::config
