#include "core/state/address_history.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace happy::state {
namespace {

constexpr size_t kMostFailures = 8;  // ports of one address

// Noise must not turn an order round: a quarter of an octave is one step.
int step_of(Duration rtt) {
  const auto count = static_cast<double>(std::max<int64_t>(rtt.count(), 1));
  return static_cast<int>(std::floor(4 * std::log2(count)));
}

bool concerns_every_port(FailureKind kind) {
  return kind == FailureKind::kSilent || kind == FailureKind::kUnreachable;
}

}  // namespace

void RttEstimate::add(Duration sample, Time now) {
  if (!last_) {
    smoothed_ = sample;
    variation_ = sample / 2;
  } else {
    variation_ = (3 * variation_ + std::chrono::abs(smoothed_ - sample)) / 4;
    smoothed_ = (7 * smoothed_ + sample) / 8;
  }
  last_ = now;
}

bool RttEstimate::known(Time now, Duration life) const {
  return last_ && now - *last_ < life;
}

bool AddressHistory::enter(NetworkId network) {
  if (std::exchange(network_, network) == network) return false;
  entries_.clear();
  network_rtt_ = {};
  return true;
}

HistorySnapshot AddressHistory::snapshot() const {
  HistorySnapshot out{.network = network_, .rtt = network_rtt_};
  for (const auto& [address, entry] : entries_)
    out.entries.push_back({address, entry.rtt, entry.won, entry.explored,
                           entry.failures, entry.heard});
  std::sort(out.entries.begin(), out.entries.end(),
            [](const auto& a, const auto& b) { return a.heard > b.heard; });
  return out;
}

void AddressHistory::join(const HistorySnapshot& others, Time now) {
  if (others.network != network_) return;
  if (others.rtt.last() > network_rtt_.last()) network_rtt_ = others.rtt;
  for (const auto& theirs : others.entries) {
    // What is said to come is not of this clock.
    if (theirs.heard > now || now - theirs.heard >= limits_.life) continue;
    const auto known = entries_.find(theirs.address);
    if (known == entries_.end()) {
      make_room(now);
    } else if (known->second.heard >= theirs.heard) {
      continue;
    }
    Entry& entry = entries_[theirs.address];
    entry = {theirs.rtt,      theirs.won,        theirs.explored,
             theirs.failures, entry.passed_over, theirs.heard};
  }
}

void AddressHistory::connected(NetworkId network, const Endpoint& endpoint,
                               std::optional<Duration> rtt, Time now) {
  Entry* entry = note(network, endpoint.address, now);
  if (entry == nullptr) return;
  entry->won = now;
  std::erase_if(entry->failures, [&](const Failure& failure) {
    return failure.port == endpoint.port;
  });
  if (!rtt) return;
  // What was measured before it was forgotten is no start.
  if (!entry->rtt.known(now, limits_.life)) entry->rtt = {};
  if (!network_rtt_.known(now, limits_.life)) network_rtt_ = {};
  entry->rtt.add(*rtt, now);
  network_rtt_.add(*rtt, now);
}

void AddressHistory::failed(NetworkId network, const Endpoint& endpoint,
                            FailureKind kind, Time now) {
  Entry* entry = note(network, endpoint.address, now);
  if (entry == nullptr) return;
  std::erase_if(entry->failures, [&](const Failure& failure) {
    return failure.port == endpoint.port || now - failure.at >= limits_.life;
  });
  if (entry->failures.size() >= kMostFailures) {
    entry->failures.erase(entry->failures.begin());
  }
  entry->failures.push_back({endpoint.port, kind, now});
}

void AddressHistory::explored(NetworkId network, const IpAddress& address,
                              Time now) {
  if (Entry* entry = note(network, address, now)) entry->explored = now;
}

bool AddressHistory::failed_lately(const Endpoint& endpoint, Time now) const {
  const Entry* entry = find(endpoint.address);
  if (entry == nullptr) return false;
  return std::any_of(
      entry->failures.begin(), entry->failures.end(), [&](const Failure& f) {
        if (now - f.at >= limits_.life) return false;
        if (f.port == endpoint.port) return true;
        const bool reached_since = entry->won && *entry->won >= f.at;
        return !reached_since &&
               (endpoint.port == 0 || concerns_every_port(f.kind));
      });
}

std::vector<int> AddressHistory::ranks(std::span<const IpAddress> addresses,
                                       Time now) const {
  using Key = std::pair<int, Duration>;  // step, time since the last win
  std::vector<Key> keys;
  for (const IpAddress& address : addresses) {
    const Entry* entry = find(address);
    Key key{std::numeric_limits<int>::max(), Duration::max()};
    if (entry && entry->rtt.known(now, limits_.life)) {
      key.first = step_of(entry->rtt.smoothed());
    }
    if (entry && fresh(entry->won, now)) key.second = now - *entry->won;
    keys.push_back(key);
  }
  std::vector<Key> sorted = keys;
  std::sort(sorted.begin(), sorted.end());
  std::vector<int> out;
  for (const Key& key : keys) {
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), key);
    out.push_back(static_cast<int>(at - sorted.begin()));
  }
  return out;
}

std::optional<Duration> AddressHistory::attempt_delay(const IpAddress& address,
                                                      Time now) const {
  const Entry* entry = find(address);
  if (entry == nullptr || !entry->rtt.known(now, limits_.life)) {
    return network_delay(now);
  }
  return bounded(entry->rtt.limit());
}

std::optional<Duration> AddressHistory::network_delay(Time now) const {
  if (!network_rtt_.known(now, limits_.life)) return std::nullopt;
  return bounded(network_rtt_.limit());
}

std::optional<IpAddress> AddressHistory::explore(
    const IpAddress& leader, std::span<const IpAddress> others, Time now) {
  std::optional<IpAddress> chosen;
  int most = limits_.races_per_exploration;
  for (const IpAddress& other : others) {
    if (other.family != leader.family || failed_lately({other, 0}, now)) {
      continue;
    }
    const Entry* known = find(other);
    if (known &&
        (known->rtt.known(now, limits_.life) || fresh(known->explored, now))) {
      continue;
    }
    Entry* entry = note(network_, other, now);
    if (entry == nullptr || ++entry->passed_over < most) continue;
    most = entry->passed_over;
    chosen = other;
  }
  if (chosen) entries_.at(chosen->unmapped()).passed_over = 0;
  return chosen;
}

AddressHistory::Entry* AddressHistory::note(NetworkId network,
                                            const IpAddress& address,
                                            Time now) {
  if (network != network_ || address.is_loopback()) return nullptr;
  const IpAddress plain = address.unmapped();
  if (!entries_.contains(plain)) make_room(now);
  Entry& entry = entries_[plain];
  entry.heard = now;
  return &entry;
}

const AddressHistory::Entry* AddressHistory::find(
    const IpAddress& address) const {
  const auto at = entries_.find(address.unmapped());
  return at == entries_.end() ? nullptr : &at->second;
}

bool AddressHistory::fresh(const std::optional<Time>& at, Time now) const {
  return at && now - *at < limits_.life;
}

Duration AddressHistory::bounded(Duration delay) const {
  return std::clamp(delay, limits_.least_delay, limits_.most_delay);
}

void AddressHistory::make_room(Time now) {
  if (entries_.size() < limits_.addresses) return;
  std::erase_if(entries_, [&](const auto& one) {
    return now - one.second.heard >= limits_.life;
  });
  if (entries_.size() < limits_.addresses) return;
  const auto oldest = std::min_element(entries_.begin(), entries_.end(),
                                       [](const auto& a, const auto& b) {
                                         return a.second.heard < b.second.heard;
                                       });
  if (oldest != entries_.end()) entries_.erase(oldest);
}

}  // namespace happy::state
