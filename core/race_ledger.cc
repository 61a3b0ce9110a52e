// Races as the name memory needs to know them: which addresses are being
// tried, and what a wholly failed race leaves for callers that walk the list.
#include <algorithm>

#include "core/engine_impl.h"

namespace happy {

happy_race* RaceLedger::find(net::RaceId id) const {
  const auto at = running_.find(id);
  return at != running_.end() ? at->second.race : nullptr;
}

void RaceLedger::race_start(net::RaceId id, const net::RaceRequest& request) {
  running_[id].race = static_cast<happy_race*>(request.context);
  trace_->race_start(id, request);
}

void RaceLedger::attempt_start(net::RaceId id, race::AttemptId attempt,
                               const Endpoint& endpoint) {
  if (happy_race* race = find(id)) {
    running_[id].attempts[attempt] = endpoint;
    const std::lock_guard lock(engine_->mutex());
    engine_->names().attempt_started(race->lookups, endpoint);
  }
  trace_->attempt_start(id, attempt, endpoint);
}

void RaceLedger::ended(net::RaceId id, race::AttemptId attempt) {
  happy_race* race = find(id);
  if (race == nullptr) return;
  auto node = running_[id].attempts.extract(attempt);
  if (node.empty()) return;
  const std::lock_guard lock(engine_->mutex());
  engine_->names().attempt_ended(race->lookups, node.mapped());
}

void RaceLedger::attempt_failed(net::RaceId id, race::AttemptId attempt,
                                const Endpoint& endpoint, int error) {
  ended(id, attempt);
  trace_->attempt_failed(id, attempt, endpoint, error);
}

void RaceLedger::attempt_cancelled(net::RaceId id, race::AttemptId attempt,
                                   const Endpoint& endpoint) {
  ended(id, attempt);
  trace_->attempt_cancelled(id, attempt, endpoint);
}

void RaceLedger::race_end(net::RaceId id, const net::RaceEnd& end) {
  if (end.winner) ended(id, *end.winner);
  const happy_race* race = find(id);
  if (race != nullptr && end.kind == HAPPY_ALL_FAILED && !end.cancelled) {
    std::vector<state::NameMemory::Failure> failures;
    for (const net::FailedAttempt& failed : end.failures) {
      failures.push_back({failed.endpoint, failed.error});
    }
    const std::lock_guard lock(engine_->mutex());
    engine_->names().race_failed(race->lookups, race->destination, failures,
                                 net::monotonic_now());
  }
  trace_->race_end(id, end);
}

std::vector<happy_race*> RaceLedger::races_of(state::LookupId lookup) const {
  std::vector<happy_race*> out;
  for (const auto& [id, running] : running_) {
    const auto& lookups = running.race->lookups;
    if (std::find(lookups.begin(), lookups.end(), lookup) != lookups.end()) {
      out.push_back(running.race);
    }
  }
  return out;
}

void RaceLedger::over(happy_race* race) { running_.erase(race->id); }

}  // namespace happy
