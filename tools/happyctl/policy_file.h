// The policy that a verb works with: the file that its command line names, or
// the one that the library would take, parsed.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "config/policy.h"
#include "core/policy_file.h"

namespace happyctl {

using happy::PolicyFile;
using happy::PolicySource;

struct LoadedPolicy {
  PolicyFile file;
  happy::config::Policy policy;
};

// Why a policy cannot be used: its file cannot be read (`file.error`), or has
// `errors`.
struct PolicyFault {
  PolicyFile file;
  std::vector<happy::config::PolicyError> errors;

  // One line a fault, as in "policy.json:2:3: rules: must be ...".
  std::vector<std::string> lines() const;
};

// find_policy(), parsed; the embedded default where there is no file.
tl::expected<LoadedPolicy, PolicyFault> load_policy(
    const std::optional<std::string>& argument);

}  // namespace happyctl
