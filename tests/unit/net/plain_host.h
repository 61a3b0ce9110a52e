// A happy_host for tests, without a shim: descriptors are the process's own,
// attempts are plain sockets, and what the core says is recorded.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "core/engine.h"

namespace happy::net {

// The race callbacks' context: what a caller of one race would see.
struct RaceCaller {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<happy_outcome> outcome;  // of race_decided
  int decided = 0;
  int over = 0;
  int opened = 0;
  int open_error = 0;  // attempt_open fails with it, without a socket

  // Waits for race_over, at most five seconds.
  bool wait_over();
};

// Filled in; lives for the process.
const happy_host* plain_host();

// The numbers that are open in this process.
std::set<int> open_descriptors();

}  // namespace happy::net
