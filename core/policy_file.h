// Which policy the library takes in this environment, and its text. The shim
// decides the same by itself, at load and without C++'s library; the two must
// agree (docs/policy.md, "Which file is read").
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace happy {

enum class PolicySource {
  kArgument,     // named by the caller
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

}  // namespace happy
