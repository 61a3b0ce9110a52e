// Races as the name memory and the history need to know them: which addresses
// are being tried, what a wholly failed race leaves for callers that walk the
// list, and what each attempt has shown of its address.
#include <errno.h>

#include <algorithm>

#include "core/engine_impl.h"

namespace happy {
namespace {

using state::FailureKind;

// nullopt: it says nothing of the address (no socket, no port, no memory).
std::optional<FailureKind> kind_of(int error) {
  switch (error) {
    case 0:
      return FailureKind::kUnread;
    case ECONNREFUSED:
    case ECONNRESET:
      return FailureKind::kRefused;
    case ETIMEDOUT:
      return FailureKind::kSilent;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case EACCES:
    case EPERM:
      return FailureKind::kUnreachable;
    default:
      return std::nullopt;
  }
}

// An attempt that connect_ms cuts short after so long has sent its SYN twice
// (RFC 6298): silence, and not want of time.
constexpr Duration kSilentFor{1'000'000};

bool share(const std::vector<state::LookupId>& some,
           const std::vector<state::LookupId>& others) {
  return std::find_first_of(some.begin(), some.end(), others.begin(),
                            others.end()) != some.end();
}

}  // namespace

// What each address of a race without winner is to be told as failed with, when
// the caller goes on to it: it has had its chance.
std::vector<state::NameMemory::Failure> RaceLedger::failures_of(
    const Running& running, const net::RaceEnd& end) {
  std::vector<state::NameMemory::Failure> out;
  for (const net::FailedAttempt& failed : end.failures)
    out.push_back({failed.endpoint, failed.error});
  if (end.kind != HAPPY_TIMED_OUT) return out;
  for (const auto& [endpoint, age] : running.cut_short)
    if (age >= kSilentFor) out.push_back({endpoint, ETIMEDOUT});
  return out;
}

RaceLedger::Running* RaceLedger::find(net::RaceId id) {
  const auto at = running_.find(id);
  return at != running_.end() ? &at->second : nullptr;
}

void RaceLedger::race_start(net::RaceId id, const net::RaceRequest& request) {
  running_[id].race = static_cast<StartedRace*>(request.context);
  trace_->race_start(id, request);
}

void RaceLedger::attempt_start(net::RaceId id, race::AttemptId attempt,
                               const Endpoint& endpoint) {
  if (Running* running = find(id)) {
    running->attempts[attempt] = {endpoint, net::monotonic_now()};
    {
      const std::lock_guard lock(engine_->mutex());
      engine_->names().attempt_started(running->race->lookups, endpoint);
    }
    if (attempt == race::AttemptId{1}) {
      defer_elsewhere(running->race, running->race->lookups, endpoint);
    }
  }
  trace_->attempt_start(id, attempt, endpoint);
}

// A caller that names another address of the look-up on another socket races
// by itself: that address gets no second SYN from the races it has already.
// `own`: the race of the other socket; nullptr: it has none.
void RaceLedger::defer_elsewhere(const StartedRace* own,
                                 const std::vector<state::LookupId>& lookups,
                                 const Endpoint& endpoint) {
  std::vector<net::RaceId> others;
  for (const auto& [id, running] : running_) {
    if (running.race == own) continue;
    if (share(running.race->lookups, lookups)) others.push_back(id);
  }
  if (!others.empty()) engine_->defer(std::move(others), endpoint);
}

void RaceLedger::ended(net::RaceId id, race::AttemptId attempt) {
  Running* running = find(id);
  if (running == nullptr) return;
  const auto node = running->attempts.extract(attempt);
  if (node.empty()) return;
  const std::lock_guard lock(engine_->mutex());
  engine_->names().attempt_ended(running->race->lookups,
                                 node.mapped().endpoint);
}

void RaceLedger::attempt_failed(net::RaceId id, race::AttemptId attempt,
                                const Endpoint& endpoint, int error) {
  ended(id, attempt);
  trace_->attempt_failed(id, attempt, endpoint, error);
}

void RaceLedger::attempt_cancelled(net::RaceId id, race::AttemptId attempt,
                                   const Endpoint& endpoint) {
  if (Running* running = find(id)) {
    const auto at = running->attempts.find(attempt);
    if (at != running->attempts.end()) {
      running->cut_short.emplace_back(
          endpoint, net::monotonic_now() - at->second.started);
    }
  }
  ended(id, attempt);
  trace_->attempt_cancelled(id, attempt, endpoint);
}

void RaceLedger::race_end(net::RaceId id, const net::RaceEnd& end) {
  if (end.winner) ended(id, *end.winner);
  if (const Running* running = find(id)) {
    const Time now = net::monotonic_now();
    const std::lock_guard lock(engine_->mutex());
    learn(*running, end, now);
    engine_->history_learned();
    const bool failed =
        end.kind == HAPPY_ALL_FAILED || end.kind == HAPPY_TIMED_OUT;
    if (failed && !end.cancelled) {
      engine_->names().race_failed(running->race->lookups,
                                   running->race->destination,
                                   failures_of(*running, end), now);
    }
  }
  trace_->race_end(id, end);
}

// Under the engine's lock.
void RaceLedger::learn(const Running& running, const net::RaceEnd& end,
                       Time now) {
  const StartedRace& race = *running.race;
  race::Lesson lesson{.cut_short = running.cut_short,
                      .attempt_delays = race.attempt_delays,
                      .attempt_delay = race.attempt_delay,
                      .explored = race.explored};
  for (const net::FailedAttempt& failed : end.failures) {
    const auto kind = kind_of(failed.error);
    if (kind) lesson.failures.emplace_back(failed.endpoint, *kind);
  }
  if (end.kind == HAPPY_WON) {
    lesson.winner = end.endpoint;
    lesson.rtt = end.rtt;
  }
  race::learn(lesson, race.network, now, &engine_->history());
}

std::vector<StartedRace*> RaceLedger::races_of(state::LookupId lookup) const {
  std::vector<StartedRace*> out;
  for (const auto& [id, running] : running_) {
    const auto& lookups = running.race->lookups;
    if (std::find(lookups.begin(), lookups.end(), lookup) != lookups.end()) {
      out.push_back(running.race);
    }
  }
  return out;
}

void RaceLedger::over(StartedRace* race) {
  {
    const std::lock_guard lock(engine_->mutex());
    engine_->names().race_over(race->lookups);
  }
  running_.erase(race->id);
}

}  // namespace happy
