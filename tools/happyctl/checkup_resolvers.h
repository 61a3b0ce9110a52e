// Whether each resolver of a policy can be reached and is who it should be:
// one question, for the root's name servers, to each of its addresses, all at
// once and within five seconds. Prints nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/policy.h"
#include "core/net/dot_client.h"

namespace happyctl {

struct AddressCheck {
  happy::IpAddress address{};
  std::optional<happy::net::DotResult> result{};
};

struct ResolverCheck {
  const happy::config::Resolver* resolver = nullptr;
  std::vector<AddressCheck> addresses{};
};

// One for each resolver of the policy, in its order; every result is there.
std::vector<ResolverCheck> check_resolvers(const happy::config::Policy& policy,
                                           const happy_tls* tls);

}  // namespace happyctl
