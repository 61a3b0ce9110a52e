#include "tools/happyctl/rule_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/host_pattern.h"

namespace happyctl {
namespace {

using happy::config::HostPattern;
using happy::config::Rule;
using Json = nlohmann::ordered_json;

constexpr size_t kMostPatterns = 3;  // of one rule that are told
constexpr size_t kMostLines = 20;

std::string why_not(const Rule& rule, const std::string& host) {
  std::string out = "does not name it: ";
  for (size_t i = 0; i < rule.hosts.size(); ++i) {
    const HostPattern& pattern = rule.hosts[i];
    // What people take it for.
    if (pattern.kind == HostPattern::Kind::kBelow && pattern.name == host)
      return fmt::format("does not name it: \"{}\" is what is below {}",
                         to_string(pattern), host);
    if (i < kMostPatterns)
      out += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", to_string(pattern));
  }
  if (rule.hosts.size() > kMostPatterns)
    out += fmt::format(" and {} more", rule.hosts.size() - kMostPatterns);
  return out;
}

}  // namespace

std::vector<RuleVerdict> judge_rules(const happy::config::Policy& policy,
                                     const std::string& host) {
  std::vector<RuleVerdict> out;
  bool decided = false;
  for (size_t i = 0; i < policy.rules.size(); ++i) {
    const Rule& rule = policy.rules[i];
    RuleVerdict verdict{.rule = i, .pattern = {}, .wins = false, .why = {}};
    const auto found = std::find_if(
        rule.hosts.begin(), rule.hosts.end(),
        [&host](const HostPattern& pattern) { return pattern.matches(host); });
    if (found == rule.hosts.end()) {
      verdict.why = why_not(rule, host);
    } else {
      verdict.pattern = to_string(*found);
      verdict.wins = !decided;
      verdict.why =
          decided ? fmt::format("names it too, by \"{}\", but comes later",
                                *verdict.pattern)
                  : fmt::format("is the first that names it, by \"{}\"",
                                *verdict.pattern);
      decided = true;
    }
    out.push_back(std::move(verdict));
  }
  return out;
}

std::string verdicts_text(const std::vector<RuleVerdict>& verdicts) {
  std::string out;
  size_t shown = 0;
  for (const RuleVerdict& verdict : verdicts) {
    if (!verdict.wins && ++shown > kMostLines) continue;
    out += fmt::format("  rules[{}] {}\n", verdict.rule, verdict.why);
  }
  if (shown > kMostLines)
    out += fmt::format("  and {} rules more; --json shows all\n",
                       shown - kMostLines);
  return out;
}

Json verdicts_json(const std::vector<RuleVerdict>& verdicts) {
  Json out = Json::array();
  for (const RuleVerdict& verdict : verdicts) {
    Json pattern;  // null
    if (verdict.pattern) pattern = *verdict.pattern;
    out.push_back({{"rule", verdict.rule},
                   {"pattern", pattern},
                   {"wins", verdict.wins},
                   {"why", verdict.why}});
  }
  return out;
}

}  // namespace happyctl
