// What history makes of a race and of a list of addresses before, and what a
// race leaves to history after. Pure; core/state/address_history.h holds what
// is known, and its caller locks.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/race/destination_order.h"
#include "core/race/race.h"
#include "core/state/address_history.h"

namespace happy::race {

// What may be raced.
struct Field {
  IpAddress destination = {};             // that the caller has named
  std::vector<uint16_t> ports = {};       // in order; at least one
  std::vector<IpAddress> addresses = {};  // the others, best first
  std::vector<IpAddress> deferred = {};   // that other races are trying
  // Endpoints behind the addresses, in this order.
  std::vector<Endpoint> alternatives = {};
  std::vector<Endpoint> deferred_alternatives = {};
  bool adaptive = true;
  Duration attempt_delay{250'000};  // cold
};

struct Weighed {
  Begin begin;
  Duration attempt_delay{};
};

// The candidates in order, who has failed lately last, with their delays, and
// whose turn it is to be measured. Without history (nullptr): as given. Counts
// one race. The destination's first port is always the first candidate.
Weighed weigh(const Field& field, state::AddressHistory* history, Time now);

// The same for a look-up's list: rank and failure of each address.
void mark(const state::AddressHistory& history, Time now,
          std::vector<Destination>* list);

// How a race went. What ended an attempt before it had an answer does not
// matter: its age does.
struct Lesson {
  std::vector<std::pair<Endpoint, state::FailureKind>> failures = {};
  std::vector<std::pair<Endpoint, Duration>> cut_short = {};  // with their ages
  std::optional<Endpoint> winner = {};
  std::optional<Duration> rtt = {};  // the winner's
  // As they were when the race began.
  std::map<IpAddress, Duration> attempt_delays = {};
  Duration attempt_delay{};
  std::optional<Endpoint> explored = {};
};

void learn(const Lesson& lesson, state::NetworkId network, Time now,
           state::AddressHistory* history);

}  // namespace happy::race
