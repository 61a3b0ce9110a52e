// Which policy the library would take in this environment, and its text. The
// shim decides the same by itself, at load and without C++'s library; the two
// must agree (docs/policy.md, "Which file is read").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "config/policy.h"

namespace happyctl {

enum class PolicySource {
  kArgument,     // named on the command line
  kEnvironment,  // HAPPY_POLICY
  kUser,         // $XDG_CONFIG_HOME or ~/.config
  kSystem,       // /etc
  kEmbedded,     // no file: the embedded default
};

// "argument", "HAPPY_POLICY", "user", "system", "embedded".
std::string_view to_string(PolicySource source);

struct PolicyFile {
  PolicySource source = PolicySource::kEmbedded;
  std::string path{};  // empty for kEmbedded
  std::string text{};
  int error = 0;  // errno if the file could not be read
};

// Reads the file that `argument` names, else the one the library would take.
PolicyFile find_policy(const std::optional<std::string>& argument);

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
