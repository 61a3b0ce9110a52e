// Checks the installation, as `happyctl doctor` shows it: libraries, policy,
// resolvers, routes, clock, shared state. Resolvers are asked for the root's
// name servers and nothing else; nothing is changed.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace happyctl {

struct Finding {
  enum class Grade { kOk, kNote, kFail };
  Grade grade = Grade::kOk;
  std::string what{};  // "library", "policy" ...
  std::string text{};
  std::string next{};  // what to do; never empty where it fails
};

using Tell = std::function<void(const Finding&)>;

// Tells each finding as soon as it is there. `policy`: as load_policy() takes
// it.
void check_up(const std::optional<std::string>& policy, const Tell& tell);

}  // namespace happyctl
