#include "core/race/destination_order.h"

#include <algorithm>
#include <array>
#include <bit>
#include <deque>
#include <tuple>

namespace happy::race {
namespace {

// Scopes of RFC 4291 section 2.7, which RFC 6724 section 3.1 gives to unicast
// addresses as well.
enum Scope : uint8_t {
  kLinkLocal = 0x2,
  kSiteLocal = 0x5,
  kGlobal = 0xe,
};

uint8_t scope_of(const IpAddress& address) {
  const IpAddress plain = address.unmapped();
  const auto& b = plain.bytes;
  if (plain.is_loopback()) return kLinkLocal;
  if (plain.family == Family::kIpv4) {
    return b[0] == 169 && b[1] == 254 ? kLinkLocal : kGlobal;
  }
  if (b[0] == 0xff) return b[1] & 0x0f;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return kLinkLocal;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0) return kSiteLocal;
  return kGlobal;
}

int common_prefix_length(const IpAddress& a, const IpAddress& b) {
  const int octets = a.family == Family::kIpv4 ? 4 : 16;
  for (int i = 0; i < octets; ++i) {
    const auto difference = static_cast<uint8_t>(a.bytes[i] ^ b.bytes[i]);
    if (difference != 0) return i * 8 + std::countl_zero(difference);
  }
  return octets * 8;
}

// Rule 9's measure, as glibc takes it: in IPv4 it would undo the round robin
// of DNS, so there it counts only where both are in the source's subnet.
int affinity(const Destination& d) {
  if (!d.source || d.source->family != d.address.family) return 0;
  const int length = common_prefix_length(*d.source, d.address);
  if (d.address.family == Family::kIpv6) return length;
  return length >= d.source_prefix_length ? length : 0;
}

const PrefixPolicy& policy_for(const IpAddress& address,
                               std::span<const PrefixPolicy> policies) {
  // A table without ::/0 leaves addresses over: glibc's values for those.
  static constexpr PrefixPolicy kNone = {
      .prefix = {.family = Family::kIpv6}, .precedence = 40, .label = 1};
  const IpAddress mapped = address.mapped();
  const PrefixPolicy* best = nullptr;
  for (const PrefixPolicy& row : policies) {
    if (common_prefix_length(row.prefix, mapped) < row.prefix_length) continue;
    if (!best || row.prefix_length > best->prefix_length) best = &row;
  }
  return best ? *best : kNone;
}

// What the rules compare, found once an address.
struct Ranked {
  Destination destination;
  bool usable, scopes_match, labels_match;
  uint8_t precedence, scope;
  int affinity;

  Ranked(const Destination& d, std::span<const PrefixPolicy> policies)
      : destination(d),
        usable(d.source.has_value()),
        scopes_match(usable && scope_of(*d.source) == scope_of(d.address)),
        labels_match(usable && policy_for(*d.source, policies).label ==
                                   policy_for(d.address, policies).label),
        precedence(policy_for(d.address, policies).precedence),
        scope(scope_of(d.address)),
        affinity(race::affinity(d)) {}
};

// Skipped: rule 3 (deprecated sources) and rule 4 (home addresses), because the
// kernel has already weighed them when it chose the source; rule 7 (native
// transport), because what is a tunnel cannot be told from an address.
bool goes_before(const Ranked& a, const Ranked& b) {
  if (a.usable != b.usable) return a.usable;  // rule 1
  if (a.destination.failed_lately != b.destination.failed_lately) {
    return b.destination.failed_lately;
  }
  if (a.scopes_match != b.scopes_match) return a.scopes_match;  // rule 2
  if (a.labels_match != b.labels_match) return a.labels_match;  // rule 5
  if (a.precedence != b.precedence) {                           // rule 6
    return a.precedence > b.precedence;
  }
  if (a.scope != b.scope) return a.scope < b.scope;  // rule 8
  // RFC 8305 section 4: history between rules 8 and 9.
  if (a.destination.history_rank != b.destination.history_rank) {
    return a.destination.history_rank < b.destination.history_rank;
  }
  if (a.destination.address.family != b.destination.address.family) {
    return false;
  }
  return a.affinity > b.affinity;  // rule 9
}

// The same for addresses that are all good, or all bad.
void interleave(std::span<const Destination> ordered, int first_family_count,
                std::vector<IpAddress>* out) {
  if (ordered.empty()) return;
  std::array<std::deque<IpAddress>, 2> queues;  // the first family's, the other
  const Family first = ordered.front().address.family;
  for (const Destination& one : ordered) {
    queues[one.address.family == first ? 0 : 1].push_back(one.address);
  }
  size_t turn = 0;
  for (int k = 1; !queues[0].empty() || !queues[1].empty(); ++k) {
    if (queues[turn].empty()) turn = 1 - turn;
    out->push_back(queues[turn].front());
    queues[turn].pop_front();
    if (k >= first_family_count) turn = 1 - turn;
  }
}

constexpr IpAddress prefix(std::array<uint8_t, 16> bytes) {
  return {.family = Family::kIpv6, .bytes = bytes};
}

constexpr std::array<PrefixPolicy, 9> kDefaultPolicies = {{
    {prefix({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}), 128, 50, 0},
    {prefix({}), 0, 40, 1},
    {prefix({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}), 96, 35, 4},
    {prefix({0x20, 0x02}), 16, 30, 2},
    {prefix({0x20, 0x01, 0, 0}), 32, 5, 5},
    {prefix({0xfc}), 7, 3, 13},
    {prefix({}), 96, 1, 3},
    {prefix({0xfe, 0xc0}), 10, 1, 11},
    {prefix({0x3f, 0xfe}), 16, 1, 12},
}};

}  // namespace

std::span<const PrefixPolicy> default_prefix_policies() {
  return kDefaultPolicies;
}

void order_destinations(std::vector<Destination>* destinations,
                        std::span<const PrefixPolicy> policies) {
  std::vector<Ranked> ranked;
  for (const Destination& destination : *destinations) {
    ranked.emplace_back(destination, policies);
  }
  // Insertion, not std::stable_sort: rule 9 compares within a family only, so
  // a policy table that ranks both families alike gives no strict weak order.
  for (size_t i = 1; i < ranked.size(); ++i) {
    for (size_t k = i; k > 0 && goes_before(ranked[k], ranked[k - 1]); --k) {
      std::swap(ranked[k], ranked[k - 1]);
    }
  }
  destinations->clear();
  for (const Ranked& entry : ranked) destinations->push_back(entry.destination);
}

void order_by_family(std::vector<Destination>* destinations, Family first) {
  const auto key = [first](const Destination& d) {
    return std::tuple(d.failed_lately, d.address.family != first,
                      d.history_rank);
  };
  std::stable_sort(destinations->begin(), destinations->end(),
                   [&key](const Destination& a, const Destination& b) {
                     return key(a) < key(b);
                   });
}

std::vector<IpAddress> interleaved(std::span<const Destination> ordered,
                                   int first_family_count) {
  std::vector<Destination> good, bad;
  for (const Destination& one : ordered) {
    (one.failed_lately ? bad : good).push_back(one);
  }
  std::vector<IpAddress> out;
  interleave(good, first_family_count, &out);
  interleave(bad, first_family_count, &out);
  return out;
}

}  // namespace happy::race
