// IPv4 addresses inside IPv6 ones, for networks that lead to IPv4 through a
// translator (NAT64): the form of RFC 6052, and how a host finds its network's
// prefix, RFC 7050. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ip.h"

namespace happy::dns {

struct Nat64Prefix {
  IpAddress address{.family = Family::kIpv6};
  int length = 96;  // in bits: 32, 40, 48, 56, 64 or 96

  bool operator==(const Nat64Prefix&) const = default;

  // "64:ff9b::/96". nullopt for other lengths, for octets beyond the length,
  // and where bits 64 to 71 are not zero (RFC 6052 section 2.2).
  static std::optional<Nat64Prefix> parse(std::string_view text);
  std::string to_string() const;

  // The IPv6 address that the translator takes for an IPv4 one. nullopt for
  // what is nobody's behind a translator: 0/8, 127/8, 169.254/16, multicast and
  // beyond; with the well-known prefix also for private addresses (RFC 6052
  // section 3.1).
  std::optional<IpAddress> translated(const IpAddress& ipv4) const;
};

// The name whose IPv4 addresses everybody knows (RFC 7050 section 8.1).
inline constexpr const char* kNat64Probe = "ipv4only.arpa";

// The prefixes that a network shows by its AAAA answers for that name, each
// once, in the order of the answer.
std::vector<Nat64Prefix> nat64_prefixes(std::span<const IpAddress> answer);

}  // namespace happy::dns
