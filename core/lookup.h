// One look-up of a strict name on its way: begun on the caller's thread, which
// answers it from hosts file and cache if it can; else carried on by the loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/dns/nat64.h"
#include "core/dns/resolution.h"
#include "core/dns/service_lookup.h"
#include "core/engine.h"
#include "core/net/dot_error.h"
#include "core/net/loop_timer.h"
#include "core/state/name_memory.h"

namespace happy {

// What the hints of a look-up for AF_UNSPEC, AF_INET or AF_INET6 allow.
inline state::Families allowed_by(int family) {
  return {.ipv4 = family != AF_INET6, .ipv6 = family != AF_INET};
}

// A host's own name and the others that led to it.
struct HostNames {
  std::string canonical;
  std::vector<std::string> aliases = {};
};

// The C struct is what the caller sees; `self` is the caller's reference.
struct Lookup : happy_lookup {
  std::shared_ptr<Lookup> self;

  // Constant after the beginning.
  std::string name;            // as asked for; under AI_IDN encoded
  bool shows_unicode = false;  // AI_CANONIDN
  state::ThreadId thread = 0;
  state::Families families;  // what the hints and the rule allow: told
  state::Families raced;     // what a connect() may use besides
  std::vector<dns::Nat64Prefix> nat64;  // of this network, if it has no IPv4
  Time started{};
  Time deadline{};
  std::vector<size_t> rules;  // of each name of the search list

  // Of the thread that carries it: first the caller's, then the loop's.
  std::optional<dns::Resolution> machine;
  std::vector<dns::Ask> asks;  // not yet performed
  std::optional<Time> wake_at;
  std::unique_ptr<net::LoopTimer> timer;
  std::optional<net::DotError> error;  // the first one, for the log
  std::optional<state::LookupId> remembered;
  std::vector<Family> late;  // the families whose answers may still come
  size_t rule_used = 0;
  // The HTTPS records of one of the names, where its rule wants them.
  struct Services {
    size_t name_index;
    dns::ServiceLookup machine;
    std::vector<dns::ServiceQuestion> asks = {};  // not yet performed
    std::vector<IpAddress> own = {};  // the name's addresses, once known
    bool refused = false;             // a private address, and it was said
  };
  std::optional<Services> services;

  // What `addresses` and `names` point to.
  std::vector<happy_address> storage;
  std::string name_storage;
};

}  // namespace happy
