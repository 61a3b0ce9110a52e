// One Happy Eyeballs race (RFC 8305) as a pure state machine: events and the
// time in, actions out. It opens no socket, reads no clock and holds no lock;
// late and duplicate events are legal and ignored. docs/race.md has the states.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
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
  std::optional<Duration> attempt_timeout = {};  // none: the kernel's
  std::optional<Duration> connect_timeout = {};  // none: the kernel's
  // The family whose answer is waited for, up to resolution_delay.
  Family preferred_family = Family::kIpv6;

  bool operator==(const Settings&) const = default;
};

// Events.
// The race begins; always the first event. `candidates` are in the order to use
// them within a family (interleaving is the machine's work); the first one is
// always attempted first, unless the preferred family has no candidate yet and
// its answer comes within the Resolution Delay. `deferred` come after all
// others, in their own order. v4-mapped addresses count as their IPv4 form.
struct Begin {
  std::vector<Endpoint> candidates = {};
  bool ipv4_pending = false;  // an answer of this family may still come
  bool ipv6_pending = false;
  std::vector<Endpoint> deferred = {};
  // The first candidate is under way already: no Resolution Delay. Its
  // StartAttempt is given all the same, as AttemptId{1}.
  bool first_under_way = false;
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
struct Tick {
};  // the time asked for by WakeAt has come (or is thought to have)
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
// connect_timeout has passed; or, where there is none, attempt_timeout ended
// the first attempt and no other is left.
struct TimedOut {
  bool operator==(const TimedOut&) const = default;
};
using Action =
    std::variant<StartAttempt, CancelAttempt, WakeAt, Won, AllFailed, TimedOut>;

class Race {
 public:
  explicit Race(const Settings& settings) : settings_(settings) {}

  // Takes one event and returns what to do, in order: at most one of Won,
  // AllFailed and TimedOut in a race's life, at most one WakeAt a step, last.
  // `now` never goes back. An attempt ends once: by Connected, Failed or
  // CancelAttempt; a Connected that crossed its CancelAttempt is answered with
  // CancelAttempt again, so that nothing leaks.
  std::vector<Action> step(const Event& event, Time now);

  // Won, failed, timed out or abandoned.
  bool done() const { return phase_ == Phase::kDone; }

 private:
  enum class Phase : uint8_t { kIdle, kResolving, kRacing, kDone };
  enum class AttemptState : uint8_t { kLive, kWon, kFailed, kCancelled };
  struct Attempt {
    Time started{};
    AttemptState state = AttemptState::kLive;
  };

  void on(const Begin& event);
  void on(const Resolved& event);
  void on(const Withdrawn& event);
  void on(const Connected& event);
  void on(const Failed& event);
  void on(const Tick&) {}
  void on(const Abandoned&);

  void add(const std::vector<Endpoint>& candidates);
  void advance();
  void leave_resolving();
  void end_overdue_attempts();
  void start_due_attempt();
  void finish_if_exhausted();
  void finish(std::optional<Action> result);
  void cancel_live();
  void arm();

  Attempt* find(AttemptId id);
  std::deque<Endpoint>& queue(Family family);
  std::deque<Endpoint>* next_queue();
  bool anything_waiting() const;
  bool pending(Family family) const;

  const Settings settings_;
  Phase phase_ = Phase::kIdle;
  Time now_{};
  std::vector<Action> out_;

  std::array<bool, 2> pending_{};  // by Family
  std::array<std::deque<Endpoint>, 2> waiting_;
  std::deque<Endpoint> deferred_;
  std::optional<Endpoint> leader_;  // goes first, whatever its family
  std::set<Endpoint> known_;        // waiting or started
  std::vector<Attempt> attempts_;   // AttemptId n is attempts_[n - 1]
  int live_ = 0;
  int first_family_started_ = 0;
  Family first_family_ = Family::kIpv6;
  Family last_family_ = Family::kIpv6;
  bool attempt_1_timed_out_ = false;
  Time next_start_{};
  std::optional<Time> resolution_deadline_;
  std::optional<Time> connect_deadline_;
};

}  // namespace happy::race
