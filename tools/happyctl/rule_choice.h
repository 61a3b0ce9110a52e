// Why a host has the rule that it has: what each rule of the policy says to the
// name. The choice itself is the policy's (config/policy.h).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/policy.h"

namespace happyctl {

struct RuleVerdict {
  size_t rule = 0;                     // index
  std::optional<std::string> pattern;  // of `hosts`, that names the host
  bool wins = false;                   // the first that does
  std::string why;                     // in words
};

// One for each rule, in their order. `host`: as parse_host_name() gives it.
std::vector<RuleVerdict> judge_rules(const happy::config::Policy& policy,
                                     const std::string& host);

// Lines of "  rules[0] does not name it: ..."; many alike become one.
std::string verdicts_text(const std::vector<RuleVerdict>& verdicts);
nlohmann::ordered_json verdicts_json(const std::vector<RuleVerdict>& verdicts);

}  // namespace happyctl
