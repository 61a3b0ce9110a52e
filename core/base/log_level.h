// The words of HAPPY_LOG, for whoever reads or writes them. Header only: the
// shim has it too.
#pragma once

#include <string.h>
#include <strings.h>

namespace happy {

// By happy_log_level (engine.h).
inline constexpr const char* kLogLevels[] = {"off", "error", "warn", "info",
                                             "debug"};

// The level whose word the `length` octets are, without case; -1: none.
inline int log_level_of(const char* text, size_t length) {
  int level = 0;
  for (const char* const word : kLogLevels) {
    if (strlen(word) == length && strncasecmp(word, text, length) == 0)
      return level;
    ++level;
  }
  return -1;
}

}  // namespace happy
