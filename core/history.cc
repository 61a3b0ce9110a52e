// The history of addresses, consulted for the order of a look-up's list and of
// a race.
#include "core/engine_impl.h"

namespace happy {
namespace {

// One time in so many history is set aside, so that clients which have all gone
// the same way come together again.
constexpr uint32_t kSetAside = 32;

}  // namespace

// Under mutex_. nullptr: decide without it this time.
state::AddressHistory* Engine::consult_history(Time now) {
  const state::NetworkId network = network_.current(now).id;
  if (history_.enter(network) && shared_) {
    if (const auto known = shared_->find(network)) history_.join(*known, now);
  }
  return chance_() % kSetAside == 0 ? nullptr : &history_;
}

state::NetworkId Engine::current_network() {
  const std::lock_guard lock(mutex_);
  return network_.current(net::monotonic_now()).id;
}

// At once, since most programs connect once and end; then once a second. What
// other processes have written meanwhile is joined.
void Engine::share_history(bool at_once) {
  constexpr Duration kPause{1'000'000};
  if (!shared_) return;
  const Time now = net::monotonic_now();
  state::NetworkId network{};
  {
    const std::lock_guard lock(mutex_);
    const bool waits =
        history_shared_ != Time{} && now - history_shared_ < kPause;
    if (history_is_shared_ || (waits && !at_once)) return;
    history_shared_ = now;
    history_is_shared_ = true;
    network = history_.network();
  }
  const auto others = shared_->find(network);
  state::HistorySnapshot snapshot;
  {
    const std::lock_guard lock(mutex_);
    if (others) history_.join(*others, now);
    snapshot = history_.snapshot();
  }
  if (!snapshot.entries.empty()) shared_->keep(snapshot);
}

void Engine::at_exit() { share_history(true); }

// The order of a race, for programs that walk the list or take the first.
std::vector<IpAddress> Engine::in_order(
    const config::Rule& rule, const std::vector<IpAddress>& addresses) {
  if (addresses.size() < 2) return addresses;
  std::vector<race::Destination> list;
  std::vector<race::PrefixPolicy> policies;
  {
    const std::lock_guard lock(mutex_);
    const Time now = net::monotonic_now();
    if (rule.families.empty()) {
      policies = files_.prefix_policies();
      list = sources_.of(addresses, now);
    } else {
      for (const IpAddress& address : addresses)
        list.push_back({.address = address});
    }
    const state::AddressHistory* history = consult_history(now);
    if (history != nullptr) race::mark(*history, now, &list);
  }
  if (rule.families.empty()) {
    race::order_destinations(&list, policies);
  } else {
    race::order_by_family(&list, rule.families.front());
  }
  return race::interleaved(list, rule.race.first_family_count);
}

// Under mutex_. The plan's candidates, in their order and with their delays.
void Engine::weigh(const config::Rule& rule, Plan* plan) {
  const Time now = net::monotonic_now();
  state::AddressHistory* history = consult_history(now);
  plan->network = history_.network();
  race::Weighed weighed =
      race::weigh({.destination = plan->destination.address,
                   .ports = plan->ports,
                   .addresses = plan->known.addresses,
                   .deferred = plan->known.deferred,
                   .alternatives = plan->known.alternatives,
                   .deferred_alternatives = plan->known.deferred_alternatives,
                   .adaptive = rule.race.adaptive,
                   .attempt_delay = rule.race.attempt_delay},
                  history, now);
  weighed.begin.ipv4_pending = plan->begin.ipv4_pending;
  weighed.begin.ipv6_pending = plan->begin.ipv6_pending;
  weighed.begin.others_until = plan->begin.others_until;
  weighed.begin.first_under_way = true;
  plan->begin = std::move(weighed.begin);
  plan->settings.attempt_delay = weighed.attempt_delay;
}

}  // namespace happy
