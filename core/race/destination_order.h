// Destination address ordering of RFC 6724 section 6, as a pure function of the
// addresses, their sources and a policy table. It finds no source address
// (core/net/source_address.h does) and reads no file (gai_conf.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/base/ip.h"

namespace happy::race {

// One row of the policy table (RFC 6724 section 2.1). The longest matching
// prefix decides; IPv4 addresses are looked up in their v4-mapped form.
struct PrefixPolicy {
  IpAddress prefix;  // IPv6
  uint8_t prefix_length = 0;
  uint8_t precedence = 0;
  uint8_t label = 0;
};

// The default table of RFC 6724 section 2.1.
std::span<const PrefixPolicy> default_prefix_policies();

struct Destination {
  IpAddress address;
  // What the kernel would use as the source; nullopt: unreachable.
  std::optional<IpAddress> source = std::nullopt;
  // Of the subnet that an IPv4 `source` is in; rule 9 counts inside it only.
  uint8_t source_prefix_length = 32;
  // What history knows (core/state/address_history.h). Bad news count most
  // after rule 1; the rank, smaller first, between rules 8 and 9.
  bool failed_lately = false;
  int history_rank = 0;
};

// Sorts stably, best first: addresses that no rule tells apart stay in the
// order given, which is the resolver's (rule 10).
void order_destinations(
    std::vector<Destination>* destinations,
    std::span<const PrefixPolicy> policies = default_prefix_policies());

// By a rule's `families` instead: the first family leads, history decides
// within it, then the order given. What has failed lately is last.
void order_by_family(std::vector<Destination>* destinations, Family first);

// RFC 8305 section 4 on an ordered list: so many addresses of its first
// family, then the families in turn. What has failed lately stays behind.
std::vector<IpAddress> interleaved(std::span<const Destination> ordered,
                                   int first_family_count);

}  // namespace happy::race
