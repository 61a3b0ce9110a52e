#include "tools/happyctl/trace_model.h"

#include <algorithm>

namespace happyctl {

const TraceAttempt* TraceRace::winner() const {
  for (const TraceAttempt& attempt : attempts)
    if (attempt.end == AttemptEnd::kWon) return &attempt;
  return nullptr;
}

const std::string& TraceEntry::name() const {
  if (race) return race->name;
  return look_up ? look_up->name : passed->address;
}

int64_t TraceEntry::start_us() const {
  if (look_up) return look_up->start_us;
  return race ? race->start_us : passed->at_us;
}

int64_t TraceEntry::end_us() const {
  if (race) return race->end_us;
  return look_up ? look_up->end_us : passed->at_us;
}

// Attempts begin in the order in which a plain program would walk the list, so
// it would have waited for the end of each before the winner. Of one that was
// cut short no more is known than that it had no answer for so long.
SavedTime saved_time(const TraceRace& race) {
  SavedTime out;
  const TraceAttempt* const winner = race.winner();
  if (winner == nullptr) return out;
  int64_t walk_us = winner->end_us - winner->start_us;
  for (const TraceAttempt& attempt : race.attempts) {
    if (&attempt == winner) break;
    walk_us += attempt.end_us - attempt.start_us;
    if (attempt.end == AttemptEnd::kCancelled && out.still_waiting_for.empty())
      out.still_waiting_for = attempt.address;
  }
  out.at_least_us = std::max<int64_t>(
      0, walk_us - (winner->end_us - race.attempts.front().start_us));
  return out;
}

}  // namespace happyctl
