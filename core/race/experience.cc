#include "core/race/experience.h"

#include <algorithm>
#include <iterator>

namespace happy::race {
namespace {

using state::AddressHistory;

void append(const IpAddress& address, const std::vector<uint16_t>& ports,
            std::vector<Endpoint>* out) {
  for (const uint16_t port : ports) out->push_back({address, port});
}

void append(const std::vector<Endpoint>& more, std::vector<Endpoint>* out) {
  out->insert(out->end(), more.begin(), more.end());
}

// The nearest first. Families need not be kept apart: the race takes them in
// turns, and each keeps its own order.
std::vector<IpAddress> by_rank(const AddressHistory& history, Time now,
                               const std::vector<IpAddress>& addresses) {
  const std::vector<int> ranks = history.ranks(addresses, now);
  std::vector<std::pair<int, IpAddress>> ranked;
  for (size_t i = 0; i < ranks.size(); ++i) {
    ranked.emplace_back(ranks[i], addresses[i]);
  }
  std::stable_sort(
      ranked.begin(), ranked.end(),
      [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<IpAddress> out;
  for (const auto& [rank, address] : ranked) out.push_back(address);
  return out;
}

// Who has failed lately goes behind all others, and a first candidate that has
// is not waited for. Where all have, nobody stands back.
void put_failed_last(const AddressHistory& history, Time now, Begin* begin) {
  auto& candidates = begin->candidates;
  const auto good = [&](const Endpoint& endpoint) {
    return !history.failed_lately(endpoint, now);
  };
  if (std::none_of(candidates.begin(), candidates.end(), good)) return;
  const auto rest = std::next(candidates.begin());
  const auto bad = std::stable_partition(rest, candidates.end(), good);
  begin->deferred.insert(begin->deferred.begin(), bad, candidates.end());
  candidates.erase(bad, candidates.end());
  begin->first_is_doubtful = !good(candidates.front());
}

// A rule's delay below the usual least one is a wish to be kept.
Duration wished(Duration delay, const Field& field) {
  const bool least = delay == AddressHistory::Limits().least_delay;
  return least ? std::min(delay, field.attempt_delay) : delay;
}

void set_delays(const AddressHistory& history, const Field& field, Time now,
                Weighed* out) {
  if (const auto delay = history.network_delay(now)) {
    out->attempt_delay = wished(*delay, field);
  }
  for (const auto* list : {&out->begin.candidates, &out->begin.deferred}) {
    for (const Endpoint& endpoint : *list) {
      const auto delay = history.attempt_delay(endpoint.address, now);
      if (!delay) continue;
      out->begin.attempt_delays[endpoint.address] = wished(*delay, field);
    }
  }
}

// Without an answer for as long as the next attempt would have waited, and for
// twice as long as the winner needed: a distant network is not a silent one.
bool was_silent(const Lesson& lesson, const Endpoint& endpoint, Duration age) {
  const auto known = lesson.attempt_delays.find(endpoint.address);
  const Duration delay = known == lesson.attempt_delays.end()
                             ? lesson.attempt_delay
                             : known->second;
  return age >= delay && (!lesson.rtt || age >= 2 * *lesson.rtt);
}

}  // namespace

Weighed weigh(const Field& field, AddressHistory* history, Time now) {
  Weighed out{.begin = {}, .attempt_delay = field.attempt_delay};
  const std::vector<IpAddress> addresses =
      history == nullptr ? field.addresses
                         : by_rank(*history, now, field.addresses);
  append(field.destination, field.ports, &out.begin.candidates);
  for (const IpAddress& address : addresses) {
    append(address, field.ports, &out.begin.candidates);
  }
  for (const IpAddress& address : field.deferred) {
    append(address, field.ports, &out.begin.deferred);
  }
  append(field.alternatives, &out.begin.candidates);
  append(field.deferred_alternatives, &out.begin.deferred);
  if (history == nullptr) return out;
  put_failed_last(*history, now, &out.begin);
  if (field.adaptive) set_delays(*history, field, now, &out);
  if (out.begin.first_is_doubtful) return out;
  const auto nearer = history->explore(field.destination, addresses, now);
  if (nearer) out.begin.explored = Endpoint{*nearer, field.ports.front()};
  return out;
}

void mark(const AddressHistory& history, Time now,
          std::vector<Destination>* list) {
  std::vector<IpAddress> addresses;
  for (const Destination& one : *list) addresses.push_back(one.address);
  const std::vector<int> ranks = history.ranks(addresses, now);
  size_t failed = 0;
  for (size_t i = 0; i < list->size(); ++i) {
    Destination& one = (*list)[i];
    one.history_rank = ranks[i];
    one.failed_lately = history.failed_lately({one.address, 0}, now);
    failed += one.failed_lately ? 1 : 0;
  }
  if (failed < list->size()) return;
  for (Destination& one : *list) one.failed_lately = false;
}

void learn(const Lesson& lesson, state::NetworkId network, Time now,
           AddressHistory* history) {
  for (const auto& [endpoint, kind] : lesson.failures) {
    history->failed(network, endpoint, kind, now);
  }
  for (const auto& [endpoint, age] : lesson.cut_short) {
    if (was_silent(lesson, endpoint, age)) {
      history->failed(network, endpoint, state::FailureKind::kSilent, now);
    } else if (lesson.winner && endpoint == lesson.explored) {
      history->explored(network, endpoint.address, now);
    }
  }
  if (!lesson.winner) return;
  history->connected(network, *lesson.winner, lesson.rtt, now);
}

}  // namespace happy::race
