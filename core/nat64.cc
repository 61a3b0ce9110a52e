// Networks without IPv4: the addresses behind their translator, for rules with
// `nat64`, and IPv6 for callers that know IPv4 only, for rules with
// `cross_family`.
#include <algorithm>

#include "core/address_abi.h"
#include "core/engine_impl.h"

namespace happy {
namespace {

// getaddrinfo(3) tells no TTL.
constexpr std::chrono::hours kPrefixLife{1};
constexpr std::chrono::minutes kNoPrefixLife{1};

}  // namespace

state::Families raced_families(const config::Rule& rule,
                               state::Families allowed) {
  if (allowed.ipv4 && rule.race.cross_family) allowed.ipv6 = true;
  return allowed;
}

// Under mutex_.
bool Engine::has_prefixes_of(const net::Network& network, Time now) const {
  return discovered_.network == network.id && now < discovered_.until;
}

std::vector<dns::Nat64Prefix> Engine::nat64_prefixes(const config::Rule& rule) {
  if (!rule.nat64) return {};
  const Time now = net::monotonic_now();
  const std::lock_guard lock(mutex_);
  const net::Network network = network_.current(now);
  if (network.ipv4) return {};
  if (rule.nat64->prefix) return {*rule.nat64->prefix};
  if (!has_prefixes_of(network, now)) return {};
  return discovered_.prefixes;
}

// RFC 6147 section 5.1.1: only where there is no IPv6 address.
void add_translated(const std::vector<dns::Nat64Prefix>& prefixes,
                    std::vector<IpAddress>* addresses) {
  const auto is_ipv6 = [](const IpAddress& address) {
    return address.family == Family::kIpv6;
  };
  if (std::any_of(addresses->begin(), addresses->end(), is_ipv6)) return;
  const std::vector<IpAddress> known = *addresses;
  for (const dns::Nat64Prefix& prefix : prefixes)
    for (const IpAddress& address : known)
      if (const auto ipv6 = prefix.translated(address))
        addresses->push_back(*ipv6);
}

// The rule by which a name is looked up; nullptr without one.
const config::Rule* Engine::rule_for(const char* name) {
  const auto strict = strict_names(name);
  if (!strict) return policy_->match(name);
  return strict->rules.empty() ? nullptr : &rule(strict->rules.front());
}

bool Engine::crosses_families(const char* name) {
  if (!policy_) return false;
  const config::Rule* const rule = rule_for(name);
  return rule != nullptr && rule->race.cross_family;
}

const char* Engine::nat64_probe(const char* name) {
  if (!discovers_nat64_) return nullptr;
  const config::Rule* const rule = rule_for(name);
  if (rule == nullptr || !rule->nat64 || rule->nat64->prefix) return nullptr;
  const Time now = net::monotonic_now();
  const std::lock_guard lock(mutex_);
  const net::Network network = network_.current(now);
  const bool known = network.ipv4 || has_prefixes_of(network, now);
  return known ? nullptr : dns::kNat64Probe;
}

void Engine::nat64_probed(const happy_address* addresses, size_t count) {
  std::vector<IpAddress> answer;
  for (size_t i = 0; i < count; ++i) answer.push_back(from_abi(addresses[i]));
  const Time now = net::monotonic_now();
  auto prefixes = dns::nat64_prefixes(answer);
  std::string line = "NAT64 prefixes of this network:";
  for (const dns::Nat64Prefix& prefix : prefixes)
    line += " " + prefix.to_string();
  if (prefixes.empty()) line += " none";
  log(HAPPY_LOG_INFO, line);
  const std::lock_guard lock(mutex_);
  const Duration life =
      prefixes.empty() ? Duration(kNoPrefixLife) : Duration(kPrefixLife);
  discovered_ = {.network = network_.current(now).id,
                 .until = now + life,
                 .prefixes = std::move(prefixes)};
}

}  // namespace happy
