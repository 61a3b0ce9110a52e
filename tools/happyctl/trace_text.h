// A trace in words, the same for every form in which it is drawn: one bar for
// the look-up and each attempt, with what became of it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/happyctl/trace_model.h"

namespace happyctl {

enum class BarKind : uint8_t { kLookUp, kWon, kFailed, kUnanswered };
// "lookup", "won", "failed", "none": what styles of pictures call it.
const char* word_of(BarKind kind);

struct Bar {
  BarKind kind = BarKind::kLookUp;
  std::string label;    // "look-up (dot, quad9)", "192.0.2.1 port 80"
  int64_t from_us = 0;  // after the entry's zero
  int64_t to_us = 0;
  std::string outcome;  // "won, 10.5 ms", "ECONNREFUSED", "no answer"
};

struct Chart {
  std::string title;    // the name
  std::string summary;  // "look-up 42.7 ms, race 262 ms, won by ..."
  std::vector<Bar> bars;
  int64_t length_us = 0;  // of the whole, 1 at least
  std::string remark;     // the time saved, or why there was no race; or empty
};

// A look-up that was over long before the connect is told, not drawn: the zero
// is then the race's beginning.
Chart chart_of(const TraceEntry& entry);

// At most so many octets of UTF-8 text, of whole characters.
std::string beginning_of(const std::string& text, size_t most);

// "0.3 ms", "42.7 ms", "262 ms", "12.3 s": three figures.
std::string milliseconds_text(int64_t us);

}  // namespace happyctl
