// What a connect() could race, and the races themselves: between the name
// memory and the driver on the loop.
#include <algorithm>

#include "core/engine_impl.h"

namespace happy {
namespace {

StartedRace* as_race(void* context) {
  return static_cast<StartedRace*>(context);
}

// The driver's callbacks, with the shim's context put back in.
int attempt_open(void* context, const sockaddr* address, socklen_t length,
                 int* error) {
  StartedRace* race = as_race(context);
  return race->engine->host()->attempt_open(race->context, address, length,
                                            error);
}

void race_decided(void* context, const happy_outcome* outcome) {
  StartedRace* race = as_race(context);
  if (race->starting) {
    race->at_once = *outcome;  // race_start is waiting for it
  } else {
    race->engine->host()->race_decided(race->context, outcome);
  }
}

void race_over(void* context) {
  StartedRace* race = as_race(context);
  race->engine->ledger().over(race);
  race->engine->share_history();
  if (!race->withdrawn) race->engine->host()->race_over(race->context);
  delete race;
}

uint32_t milliseconds(const std::optional<Duration>& value) {
  using std::chrono::milliseconds;
  if (!value) return 0;
  return static_cast<uint32_t>(std::chrono::ceil<milliseconds>(*value).count());
}

std::vector<uint16_t> ports_of(const config::Rule& rule, uint16_t port,
                               const happy_wish* wish) {
  if (wish != nullptr && wish->port_count != 0 && rule.race.enabled) {
    return {wish->ports, wish->ports + wish->port_count};
  }
  const auto found = rule.port_alternatives.find(port);
  if (found == rule.port_alternatives.end() || !rule.race.enabled) {
    return {port};
  }
  return found->second;
}

std::optional<Duration> duration(
    const std::optional<std::chrono::milliseconds>& value) {
  if (!value) return std::nullopt;
  return Duration(*value);
}

void drop_ipv6(std::vector<IpAddress>* list) {
  std::erase_if(*list, [](const IpAddress& address) {
    return address.family == Family::kIpv6;
  });
}

void keep_families(const config::Rule& rule, std::vector<IpAddress>* list) {
  if (rule.families.empty()) return;
  std::erase_if(*list, [&](const IpAddress& address) {
    return std::find(rule.families.begin(), rule.families.end(),
                     address.family) == rule.families.end();
  });
}

race::Settings race_settings(const config::Rule& rule, const happy_wish* wish) {
  race::Settings out;
  out.attempt_delay = rule.race.attempt_delay;
  out.resolution_delay = rule.race.resolution_delay;
  out.first_family_count = rule.race.first_family_count;
  out.max_in_flight = rule.race.max_in_flight;
  out.attempt_timeout = duration(rule.timeouts.attempt);
  out.connect_timeout = duration(rule.timeouts.connect);
  if (wish != nullptr && wish->attempt_ms != 0)
    out.attempt_timeout = std::chrono::milliseconds(wish->attempt_ms);
  if (wish != nullptr && wish->connect_ms != 0)
    out.connect_timeout = std::chrono::milliseconds(wish->connect_ms);
  if (!rule.families.empty()) out.preferred_family = rule.families.front();
  return out;
}

}  // namespace

int Engine::set_up(Helper* helper, uv_loop_t* loop) {
  race_host_ = *host_;
  race_host_.attempt_open = attempt_open;
  race_host_.race_decided = race_decided;
  race_host_.race_over = race_over;
  if (const int error = helper->watch.open(loop)) return error;
  if (const int error = helper->linger.open(&helper->watch)) return error;
  if (helper->races != nullptr) return 0;  // again, after an idle end
  ledger_ = new RaceLedger(this, &trace_);
  helper->resolvers =
      new Resolvers(loop, &*policy_, host_, shared_ ? &*shared_ : nullptr,
                    [this] { return current_network(); });
  helper->races = new net::Races(loop, &helper->watch, &race_host_, ledger_);
  return 0;
}

bool Engine::is_idle(Helper* helper) {
  return helper->races->running() == 0 && helper->linger.is_idle();
}

bool Engine::tear_down(Helper* helper) {
  if (!helper->linger.close(&helper->watch)) return false;
  helper->watch.close();
  return true;
}

// The rule for what is raced; several names with different rules share only
// what a default rule says.
const config::Rule* Engine::rule_of(const state::Candidates& known) const {
  static const config::Rule kDefault;
  return known.rule ? &rule(*known.rule) : &kDefault;
}

// Families whose answers may still come while the race runs, and be of use.
void Engine::note_pending(Plan* plan) {
  for (const state::LookupId lookup : plan->known.lookups) {
    const auto late = late_.find(lookup);
    if (late == late_.end()) continue;
    for (const Family family : late->second) {
      if (!plan->usable.has(family)) continue;
      (family == Family::kIpv4 ? plan->begin.ipv4_pending
                               : plan->begin.ipv6_pending) = true;
    }
  }
}

happy_plan* Engine::plan(const sockaddr* address, socklen_t length,
                         unsigned families, const happy_wish* wish,
                         const char** why) {
  *why = nullptr;
  const auto destination = Endpoint::from_sockaddr(address, length);
  if (!destination || !policy_) return nullptr;
  const bool crosses = (families & 2) == 0 && (families & 4) != 0;
  const state::Families usable{.ipv4 = (families & 1) != 0,
                               .ipv6 = (families & 2) != 0 || crosses};
  auto plan = std::make_unique<Plan>();
  plan->destination = {destination->address.unmapped(), destination->port};
  std::unique_lock lock(mutex_);
  auto known = names_.candidates_for(plan->destination, usable, gettid(),
                                     net::monotonic_now());
  if (!known) return nullptr;
  plan->known = std::move(*known);
  plan->usable = usable;
  const config::Rule* rule = rule_of(plan->known);
  if (crosses && !rule->race.cross_family) {
    plan->usable.ipv6 = false;
    drop_ipv6(&plan->known.addresses);
    drop_ipv6(&plan->known.deferred);
  }
  note_pending(plan.get());
  if (wish == nullptr && !rule->race_loopback &&
      plan->destination.address.is_loopback()) {
    *why = "a loopback address";
    return nullptr;
  }
  if (!rule->race.enabled) {
    plan->known.addresses.clear();
    plan->known.deferred.clear();
    plan->begin.ipv4_pending = plan->begin.ipv6_pending = false;
    plan->usable = {.ipv4 = false, .ipv6 = false};  // nothing joins it
  }
  keep_families(*rule, &plan->known.addresses);
  keep_families(*rule, &plan->known.deferred);
  plan->ports = ports_of(*rule, plan->destination.port, wish);
  weigh_services(*rule, plan.get());
  if (plan->ports.front() != plan->destination.port) {
    plan->port = plan->ports.front();
  }
  plan->fail_with = plan->known.fail_with;
  const size_t addresses =
      1 + plan->known.addresses.size() + plan->known.deferred.size();
  plan->candidates = addresses * plan->ports.size() - 1 +
                     plan->known.alternatives.size() +
                     plan->known.deferred_alternatives.size();
  plan->settings = race_settings(*rule, wish);
  plan->attempt_ms = milliseconds(plan->settings.attempt_timeout);
  plan->connect_ms = milliseconds(plan->settings.connect_timeout);
  const bool pending = plan->begin.ipv4_pending || plan->begin.ipv6_pending ||
                       plan->begin.others_until;
  if (wish == nullptr && plan->candidates == 0 && !pending &&
      plan->attempt_ms == 0 && plan->connect_ms == 0 && plan->fail_with == 0 &&
      plan->port == 0) {
    *why = rule->race.enabled ? "one address and no time-out"
                              : "races are disabled by the policy";
    const bool raced = names_.is_raced(plan->known.lookups);
    lock.unlock();
    if (raced) defer_elsewhere(*plan);
    return nullptr;
  }
  plan->begin.first_under_way = true;
  if (plan->fail_with == 0) weigh(*rule, plan.get());
  return plan.release();
}

uint64_t Engine::race_start(happy_plan* c_plan, void* context, int attempt,
                            int error, bool mapped, int* all_failed) {
  const std::unique_ptr<Plan> plan(static_cast<Plan*>(c_plan));
  *all_failed = 0;
  auto race = std::make_unique<StartedRace>();
  race->engine = this;
  race->context = context;
  race->id = net::Races::reserve();
  race->lookups = plan->known.lookups;
  race->destination = plan->destination;
  race->ports = plan->ports;
  race->usable = plan->usable;
  race->network = plan->network;
  race->takes_services = plan->takes_services;
  race->attempt_delays = plan->begin.attempt_delays;
  race->attempt_delay = plan->settings.attempt_delay;
  race->explored = plan->begin.explored;
  net::RaceRequest request;
  request.name = plan->known.name;
  request.settings = plan->settings;
  request.begin = std::move(plan->begin);
  request.context = race.get();
  request.attempt = error == 0 ? attempt : -1;
  request.error = error;
  request.mapped = mapped;
  StartedRace* raw = race.release();  // race_over frees it, perhaps at once
  const auto id = static_cast<uint64_t>(raw->id);
  {
    const std::lock_guard lock(mutex_);
    names_.race_begun(raw->lookups);
  }
  if (error == 0) {
    // Work can be copied, and so would be what it holds.
    const auto held = std::make_shared<net::RaceRequest>(std::move(request));
    const auto posted = helper_->loop.post([this, raw, held] {
      catch_up(*raw, &held->begin);
      helper_->races->begin(raw->id, std::move(*held));
    });
    if (posted) return id;
    give_up(raw);
    return 0;
  }
  // With attempt 1 already failed, the caller must learn of a race in which
  // everything fails at once: that is what connect() then returns.
  bool gone = false;
  const auto started =
      helper_->loop.run_and_wait([&] { gone = begin_and_see(raw, request); });
  if (!started) give_up(raw);
  *all_failed = gone;
  return started && !gone ? id : 0;
}

// No loop could be had.
void Engine::give_up(StartedRace* race) {
  {
    const std::lock_guard lock(mutex_);
    names_.race_over(race->lookups);
  }
  delete race;
}

// Under mutex_. An answer of the family may still come.
bool Engine::is_late(const StartedRace& race, Family family) const {
  const auto awaits = [&](state::LookupId lookup) {
    const auto late = late_.find(lookup);
    return late != late_.end() &&
           std::find(late->second.begin(), late->second.end(), family) !=
               late->second.end();
  };
  return std::any_of(race.lookups.begin(), race.lookups.end(), awaits);
}

// Loop thread. An answer that came between the plan and the race's beginning
// found no race that it could join, and none waits for it.
void Engine::catch_up(const StartedRace& race, race::Begin* begin) {
  const std::lock_guard lock(mutex_);
  std::vector<Endpoint> missed;
  for (const Family family : {Family::kIpv6, Family::kIpv4}) {
    bool& pending =
        family == Family::kIpv4 ? begin->ipv4_pending : begin->ipv6_pending;
    if (!pending || is_late(race, family)) continue;
    pending = false;
    if (race.lookups.size() != 1) continue;
    for (const IpAddress& address : names_.addresses_of(race.lookups.front()))
      if (address.family == family) append(address, race.ports, &missed);
  }
  if (begin->others_until) {
    for (const Endpoint& one : names_.alternatives_of(race.lookups.front()))
      if (race.usable.has(one.address.family)) missed.push_back(one);
    if (!awaited_services_.contains(race.lookups.front()))
      begin->others_until.reset();
  }
  const auto& last = begin->deferred;
  for (const Endpoint& one : missed)
    if (std::find(last.begin(), last.end(), one) == last.end())
      begin->candidates.push_back(one);
}

// Loop thread. True if every candidate failed at once, and nobody is told.
bool Engine::begin_and_see(StartedRace* race, net::RaceRequest request) {
  race->starting = true;
  catch_up(*race, &request.begin);
  helper_->races->begin(race->id, std::move(request));
  race->starting = false;
  if (!race->at_once) return false;
  race->withdrawn =
      race->at_once->kind == HAPPY_ALL_FAILED && race->at_once->descriptor < 0;
  if (!race->withdrawn) host_->race_decided(race->context, &*race->at_once);
  return race->withdrawn;
}

void Engine::defer(std::vector<net::RaceId> races, const Endpoint& endpoint) {
  const auto posted =
      helper_->loop.post([this, races = std::move(races), endpoint] {
        for (const net::RaceId id : races) {
          helper_->races->deferred(id, {endpoint});
        }
      });
  (void)posted;  // the loop runs while it has races
}

void Engine::defer_elsewhere(const Plan& left) {
  const auto posted = helper_->loop.post(
      [this, lookups = left.known.lookups, endpoint = left.destination] {
        ledger_->defer_elsewhere(nullptr, lookups, endpoint);
      });
  (void)posted;  // as above
}

void Engine::race_cancel(net::RaceId race) {
  const auto posted =
      helper_->loop.post([this, race] { helper_->races->cancel(race); });
  (void)posted;  // the loop runs while it has races
}

void Engine::race_stop(net::RaceId race, happy_outcome* outcome) {
  *outcome = {HAPPY_STOPPED, -1, 0};
  const auto done = helper_->loop.run_and_wait(
      [this, race, outcome] { *outcome = helper_->races->stop(race); });
  (void)done;  // as above
}

}  // namespace happy
