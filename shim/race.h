// One race as the shim sees it: the host's numbers that show it, the sockets
// behind them, and the core's handle. How a race goes is the core's matter.
//
// Lifetime: counted references; the table (while a number shows the race), the
// core (until race_over), a watch (until watch_fired) and a waiting thread hold
// one each. The last one closes what is left.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstdint>

#include "core/engine.h"
#include "shim/lock.h"
#include "shim/socket_options.h"

namespace happy::shim {

enum class RaceState : uint8_t {
  kStarting,   // handed to the core, not yet in the table
  kStandIn,    // non-blocking: the numbers show the stand-in
  kBlocking,   // the numbers show attempt 1, a thread waits in connect()
  kLingering,  // won; the old stand-in is kept for sleepers (races.h)
  kExpiring,   // failed; the stand-in is shown until attempt 1 has its error
  kTimedOut,   // connect_ms has passed; the stand-in reports ETIMEDOUT
  kEnded,      // no number shows it any more
};

struct Race {
  static constexpr int kMaxNumbers = 16;

  std::atomic<int> references{1};
  RaceState state = RaceState::kStarting;
  uint64_t handle = 0;  // 0 once decided, stopped or cancelled

  int numbers[kMaxNumbers];
  int number_count = 0;
  // Identity of the file that the numbers show, asked before each exchange: a
  // recycled number is never overwritten.
  dev_t shown_device = 0;
  ino_t shown_inode = 0;

  sockaddr_in asked{};      // an AF_INET caller's destination
  int attempt = -1;         // attempt 1, an own descriptor
  int stand_in = -1;        // the stand-in's own descriptor
  int error_at_once = 0;    // attempt 1's connect() failed with it, else 0
  uint32_t connect_ms = 0;  // the rule's, which the stand-in reports
  uint32_t timeout_ms = 0;  // TCP_USER_TIMEOUT of every attempt; 0: untouched
  uint32_t callers_timeout_ms = 0;  // what it was, for the winner
  Lock options_lock;                // attempt_open reads while the host sets
  socket_options::Snapshot options;

  // Blocking: the waiting thread's socketpair, and what it will find.
  int wake[2] = {-1, -1};
  bool decided = false;
  bool goes_on = false;  // stopped for an option's sake: wait for attempt 1
  happy_outcome outcome{};
  // The stack frame that waits, and the thread's outer wait: see blocking.cc.
  const void* frame = nullptr;
  Race* outer_wait = nullptr;
};

// Whether the numbers show the stand-in, attempt 1 being elsewhere.
inline bool shows_stand_in(const Race& race) {
  return race.state == RaceState::kStandIn ||
         race.state == RaceState::kExpiring ||
         race.state == RaceState::kTimedOut;
}

// Reference counting; drop() closes and frees with the last one.
Race* new_race();
inline void hold(Race* race) { race->references.fetch_add(1); }
void drop(Race* race);

}  // namespace happy::shim
