// One Happy Eyeballs race (RFC 8305) as a pure state machine: events and the
// time in, actions out. It opens no socket, reads no clock and holds no lock;
// late and duplicate events are legal and ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "core/base/ip.h"
#include "core/base/time.h"

namespace happy::race {

enum class AttemptId : uint32_t {};

struct Settings {
  Duration attempt_delay{250'000};
  Duration resolution_delay{50'000};
  int first_family_count = 1;
  int max_in_flight = 32;
  std::optional<Duration> attempt_timeout;  // none: the kernel's
  std::optional<Duration> connect_timeout;  // none: the kernel's

  bool operator==(const Settings&) const = default;
};

// Events.
// The race begins. `candidates` are in the order to use them within a family
// (interleaving is the machine's work); the first one is always attempted
// first. `dns_pending`: families whose answers may still come.
struct Begin {
  std::vector<Endpoint> candidates;
  bool ipv4_pending = false;
  bool ipv6_pending = false;
};
// An answer for one family came, possibly empty.
struct Resolved {
  Family family;
  std::vector<Endpoint> candidates;
};
// These must not be started any more; attempts under way go on.
struct Withdrawn {
  std::vector<Endpoint> candidates;
};
struct Connected {
  AttemptId attempt;
};
struct Failed {
  AttemptId attempt;
};
struct Tick {};  // the time asked for by WakeAt has come (or is thought to have)
struct Abandoned {};  // the caller closed the socket, or no longer waits
using Event = std::variant<Begin, Resolved, Withdrawn, Connected, Failed, Tick,
                           Abandoned>;

// Actions.
struct StartAttempt {
  AttemptId attempt;
  Endpoint endpoint;
  bool operator==(const StartAttempt&) const = default;
};
struct CancelAttempt {
  AttemptId attempt;
  bool operator==(const CancelAttempt&) const = default;
};
// Replaces the previous one; nothing is pending where a step gives none.
struct WakeAt {
  Time time;
  bool operator==(const WakeAt&) const = default;
};
struct Won {
  AttemptId attempt;
  bool operator==(const Won&) const = default;
};
struct AllFailed {
  bool operator==(const AllFailed&) const = default;
};
struct TimedOut {  // connect_timeout has passed
  bool operator==(const TimedOut&) const = default;
};
using Action = std::variant<StartAttempt, CancelAttempt, WakeAt, Won, AllFailed,
                            TimedOut>;

}  // namespace happy::race
