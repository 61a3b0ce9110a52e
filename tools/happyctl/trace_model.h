// What a trace (HAPPY_TRACE, docs/trace.md) tells, as values: look-ups, races
// with their attempts, and connects that were left to libc. Times are
// CLOCK_MONOTONIC in microseconds. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace happyctl {

struct TraceAnswer {
  std::string type;  // "A", "AAAA", "HTTPS"; empty for hosts file and system
  std::vector<std::string> addresses;
  std::string resolver;
  std::string source;  // "dot", "cache", "system" ...
};

struct TraceLookUp {
  std::string name;
  int64_t start_us = 0;
  int64_t end_us = 0;
  // "ok", "EAI_AGAIN" ...; empty where the system was asked, which is seen only
  // when it has answered, or where the trace ends before.
  std::string result = {};
  std::vector<TraceAnswer> answers = {};

  bool failed() const { return !result.empty() && result != "ok"; }
};

enum class AttemptEnd : uint8_t {
  kOpen,       // under way when the trace ends
  kFailed,     // with `error`
  kCancelled,  // had no answer yet when the race was over
  kWon,
};

struct TraceAttempt {
  uint64_t number = 0;  // 1: the program's own socket
  std::string address;
  int port = 0;
  int64_t start_us = 0;
  int64_t end_us = 0;  // of kOpen: the trace's last
  AttemptEnd end = AttemptEnd::kOpen;
  std::string error =
      {};  // "ECONNREFUSED"; empty where the program reads it itself
};

struct TraceRace {
  uint64_t number = 0;
  std::string name;
  std::vector<std::string> candidates;  // addresses, the program's own first
  int64_t start_us = 0;
  int64_t end_us = 0;
  std::string result =
      {};  // "won", "failed", "timed out" ...; "" is unfinished
  std::vector<TraceAttempt> attempts = {};  // in the order of their starts

  const TraceAttempt* winner() const;  // nullptr: nobody won
};

// A known address that was connected without a race.
struct TracePassed {
  std::string address;
  int port = 0;
  int64_t at_us = 0;
  std::string why;
};

// What belongs together: a look-up and the first connect that came of it, or
// one of the two.
struct TraceEntry {
  long pid = 0;
  std::optional<TraceLookUp> look_up;
  std::optional<TraceRace> race;
  std::optional<TracePassed> passed;

  const std::string& name() const;
  int64_t start_us() const;
  int64_t end_us() const;
};

// What a program that tries the addresses one after the other, as connect(2)
// does, would have waited more than the race took.
struct SavedTime {
  int64_t at_least_us = 0;
  // The first address without an answer: the plain program would have gone on
  // waiting for it. Empty: there is none, and the time is exact.
  std::string still_waiting_for;
};
SavedTime saved_time(const TraceRace& race);

}  // namespace happyctl
