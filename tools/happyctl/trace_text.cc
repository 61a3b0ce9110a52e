#include "tools/happyctl/trace_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tools/happyctl/units.h"

namespace happyctl {
namespace {

// Beyond that a program had something else to do between look-up and connect.
constexpr int64_t kLongestGapUs = 1'000'000;

std::string place(const std::string& address, int port) {
  return fmt::format("{} port {}", address, port);
}

std::string label_of(const TraceLookUp& look_up) {
  std::vector<std::string> words;
  for (const TraceAnswer& answer : look_up.answers)
    for (const std::string& word : {answer.resolver, answer.source})
      if (!word.empty() && std::count(words.begin(), words.end(), word) == 0)
        words.push_back(word);
  if (words.empty()) return "look-up";
  return fmt::format("look-up ({})", fmt::join(words, ", "));
}

std::string outcome_of(const TraceLookUp& look_up) {
  if (look_up.failed()) return look_up.result;
  size_t addresses = 0;
  for (const TraceAnswer& answer : look_up.answers)
    addresses += answer.addresses.size();
  if (look_up.result.empty() && addresses == 0) return "no answer yet";
  return fmt::format("{} address{}", addresses, addresses == 1 ? "" : "es");
}

BarKind kind_of(AttemptEnd end) {
  switch (end) {
    case AttemptEnd::kWon:
      return BarKind::kWon;
    case AttemptEnd::kFailed:
      return BarKind::kFailed;
    case AttemptEnd::kOpen:
    case AttemptEnd::kCancelled:
      break;
  }
  return BarKind::kUnanswered;
}

std::string outcome_of(const TraceAttempt& attempt) {
  switch (attempt.end) {
    case AttemptEnd::kWon:
      return "won, " + milliseconds_text(attempt.end_us - attempt.start_us);
    case AttemptEnd::kFailed:
      return attempt.error.empty() ? "failed" : attempt.error;
    case AttemptEnd::kOpen:
      return "under way";
    case AttemptEnd::kCancelled:
      break;
  }
  return "no answer";
}

std::string summary_of(const TraceRace& race) {
  const std::string took = milliseconds_text(race.end_us - race.start_us);
  if (const TraceAttempt* winner = race.winner())
    return fmt::format("connected to {} in {}",
                       place(winner->address, winner->port), took);
  if (race.result == "failed")
    return fmt::format("every address failed, after {}", took);
  if (race.result == "timed out") return "timed out after " + took;
  if (race.result.empty()) return "under way for " + took;
  return fmt::format("given up by the program after {}", took);
}

std::string remark_of(const TraceRace& race) {
  const SavedTime saved = saved_time(race);
  std::string out;
  if (saved.at_least_us >= 1000) {
    const char* const bound =
        saved.still_waiting_for.empty() ? "" : "at least ";
    out =
        fmt::format("saved {}{}", bound, milliseconds_text(saved.at_least_us));
  }
  if (saved.still_waiting_for.empty()) return out;
  return fmt::format("{}{}a plain connect() would still be waiting for {}", out,
                     out.empty() ? "" : "; ", saved.still_waiting_for);
}

void add(const TraceLookUp& look_up, int64_t zero_us, Chart* chart) {
  const bool failed = look_up.failed();
  chart->bars.push_back({.kind = failed ? BarKind::kFailed : BarKind::kLookUp,
                         .label = label_of(look_up),
                         .from_us = look_up.start_us - zero_us,
                         .to_us = look_up.end_us - zero_us,
                         .outcome = outcome_of(look_up)});
}

void add(const TraceRace& race, int64_t zero_us, Chart* chart) {
  for (const TraceAttempt& attempt : race.attempts)
    chart->bars.push_back({.kind = kind_of(attempt.end),
                           .label = place(attempt.address, attempt.port),
                           .from_us = attempt.start_us - zero_us,
                           .to_us = attempt.end_us - zero_us,
                           .outcome = outcome_of(attempt)});
}

std::string summary_of(const TraceLookUp& look_up) {
  const int64_t took = look_up.end_us - look_up.start_us;
  if (look_up.failed())
    return fmt::format("not resolved ({}), after {}", look_up.result,
                       milliseconds_text(took));
  if (look_up.result.empty()) return "looked up";
  return "looked up in " + milliseconds_text(took);
}

}  // namespace

const char* word_of(BarKind kind) {
  switch (kind) {
    case BarKind::kLookUp:
      return "lookup";
    case BarKind::kWon:
      return "won";
    case BarKind::kFailed:
      return "failed";
    case BarKind::kUnanswered:
      break;
  }
  return "none";
}

std::string beginning_of(const std::string& text, size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && continues_character(text[most])) --most;
  return text.substr(0, most);
}

std::string milliseconds_text(int64_t us) {
  const double ms = static_cast<double>(us) / 1000;
  if (ms < 99.95) return fmt::format("{:.1f} ms", ms);
  if (ms < 9999.5) return fmt::format("{:.0f} ms", ms);
  return fmt::format("{:.1f} s", ms / 1000);
}

Chart chart_of(const TraceEntry& entry) {
  Chart out;
  out.title = entry.name();
  std::vector<std::string> parts;
  int64_t zero_us = entry.start_us();
  if (entry.look_up) {
    // What the system answered has no length that was seen.
    const bool timed = entry.look_up->end_us > entry.look_up->start_us;
    const bool alone = !entry.race && !entry.passed;
    if (timed || alone) parts.push_back(summary_of(*entry.look_up));
    const bool apart =
        entry.race &&
        entry.race->start_us - entry.look_up->end_us > kLongestGapUs;
    if (apart) zero_us = entry.race->start_us;
    if (!apart && timed) add(*entry.look_up, zero_us, &out);
  }
  if (entry.race) {
    parts.push_back(summary_of(*entry.race));
    add(*entry.race, zero_us, &out);
    out.remark = remark_of(*entry.race);
  }
  if (entry.passed) {
    const TracePassed& passed = *entry.passed;
    out.title = place(passed.address, passed.port);
    parts.push_back("left to libc: " + passed.why);
  }
  out.summary = fmt::format("{}", fmt::join(parts, "; "));
  out.length_us = std::max<int64_t>(1, entry.end_us() - zero_us);
  return out;
}

}  // namespace happyctl
