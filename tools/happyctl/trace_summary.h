// What a trace says in one line: look-ups, and races by what won them.
#pragma once

#include <istream>
#include <string>

namespace happyctl {

// Reads one JSON object a line to the end; lines that are none are left out.
class TraceSummary {
 public:
  explicit TraceSummary(std::istream& trace);

  // "2 names resolved; 3 races: 2 won by IPv6, 1 failed".
  std::string text() const;

 private:
  int resolved_ = 0;
  int unresolved_ = 0;
  int races_ = 0;  // that have ended
  int won_by_ipv6_ = 0;
  int won_by_ipv4_ = 0;
  int failed_ = 0;
  int given_up_ = 0;  // by the program: closed, interrupted
};

}  // namespace happyctl
