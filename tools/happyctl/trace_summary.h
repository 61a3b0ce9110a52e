// What a trace says in one line: look-ups, races by what won them, and what was
// saved.
#pragma once

#include <cstdint>
#include <string>

#include "tools/happyctl/trace_model.h"

namespace happyctl {

class TraceSummary {
 public:
  void add(const TraceEntry& entry);

  // "2 names resolved; 3 races: 2 won by IPv6, 1 failed; saved at least 12 ms".
  std::string text() const;

 private:
  void add(const TraceRace& race);
  std::string names() const;
  std::string saved() const;

  int resolved_ = 0;
  int unresolved_ = 0;
  int races_ = 0;  // that have ended
  int won_by_ipv6_ = 0;
  int won_by_ipv4_ = 0;
  int failed_ = 0;
  int given_up_ = 0;  // by the program: closed, interrupted
  int64_t saved_us_ = 0;
  int would_still_wait_ = 0;
};

}  // namespace happyctl
