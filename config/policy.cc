#include "config/policy.h"

#include <algorithm>

namespace happy::config {

std::optional<size_t> Policy::match_index(std::string_view host) const {
  for (size_t i = 0; i < rules.size(); ++i) {
    const auto& hosts = rules[i].hosts;
    const bool matched = std::any_of(
        hosts.begin(), hosts.end(),
        [host](const HostPattern& pattern) { return pattern.matches(host); });
    if (matched) return i;
  }
  return std::nullopt;
}

const Rule* Policy::match(std::string_view host) const {
  const auto index = match_index(host);
  return index ? &rules[*index] : nullptr;
}

bool Policy::discovers_nat64() const {
  return std::any_of(rules.begin(), rules.end(), [](const Rule& rule) {
    return rule.nat64 && !rule.nat64->prefix;
  });
}

bool Policy::uses_encrypted_resolver() const {
  return std::any_of(rules.begin(), rules.end(), [](const Rule& rule) {
    return rule.profile != Profile::kSystem;
  });
}

std::string PolicyError::to_string(std::string_view file) const {
  std::string out(file);
  out += ":" + std::to_string(line) + ":" + std::to_string(column) + ": ";
  if (!key.empty()) out += key + ": ";
  return out + message;
}

Policy embedded_default_policy() {
  Rule rule;
  rule.hosts.push_back({HostPattern::Kind::kAny, ""});
  rule.race_loopback = false;
  return {.resolvers = {}, .rules = {std::move(rule)}};
}

}  // namespace happy::config
