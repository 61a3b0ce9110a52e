#include "tools/happyctl/policy_file.h"

#include <cstring>
#include <utility>

namespace happyctl {

std::vector<std::string> PolicyFault::lines() const {
  if (file.error != 0) {
    return {file.path + ": cannot be read: " + std::strerror(file.error)};
  }
  std::vector<std::string> out;
  for (const auto& error : errors) out.push_back(error.to_string(file.path));
  return out;
}

tl::expected<LoadedPolicy, PolicyFault> load_policy(
    const std::optional<std::string>& argument) {
  PolicyFile file = happy::find_policy(argument);
  if (file.source == PolicySource::kEmbedded) {
    return LoadedPolicy{std::move(file),
                        happy::config::embedded_default_policy()};
  }
  if (file.error != 0) return tl::unexpected(PolicyFault{std::move(file), {}});
  auto policy = happy::config::parse_policy(file.text);
  if (policy) return LoadedPolicy{std::move(file), *std::move(policy)};
  return tl::unexpected(
      PolicyFault{std::move(file), std::move(policy.error())});
}

}  // namespace happyctl
