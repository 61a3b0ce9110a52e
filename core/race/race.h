// One Happy Eyeballs race (RFC 8305) as a pure state machine: events and the
// time in, actions out. It opens no socket, reads no clock and holds no lock;
// late and duplicate events are legal and ignored. docs/race.md has the states.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "core/base/ip.h"
#include "core/base/time.h"

namespace happy::race {

enum class AttemptId : uint32_t {};

// A SYN is sent again after a second (RFC 6298 section 2.1); only then is there
// something to see, and a next attempt to start earlier than planned.
inline constexpr Duration kFirstLook{1'000'000};
inline constexpr Duration kLookInterval{100'000};
// An attempt that a retransmission overtakes has had this much.
inline constexpr Duration kLeastAttemptDelay{100'000};
// Ticks come late by up to so much as a rule, and that adds to no delay.
inline constexpr Duration kTimerGranularity{2'000};
// How long after the first attempt an address is tried only to be measured.
inline constexpr Duration kExplorationDelay{10'000};

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
// others, interleaved as well. v4-mapped addresses count as their IPv4 form.
struct Begin {
  std::vector<Endpoint> candidates = {};
  bool ipv4_pending = false;  // an answer of this family may still come
  bool ipv6_pending = false;
  std::vector<Endpoint> deferred = {};
  // Candidates of no family's answer may come by Joined: until then the race
  // does not end because nothing is left.
  std::optional<Time> others_until = std::nullopt;
  // The first candidate is under way already: no Resolution Delay. Its
  // StartAttempt is given all the same, as AttemptId{1}.
  bool first_under_way = false;
  // The first candidate has failed lately: the next one starts beside it.
  bool first_is_doubtful = false;
  // How long to give an attempt to these addresses before the next one starts,
  // where it is not Settings::attempt_delay.
  std::map<IpAddress, Duration> attempt_delays = {};
  // One of `candidates`, to be measured: started kExplorationDelay after the
  // first attempt if that is then still the only one. It moves no other start.
  std::optional<Endpoint> explored = std::nullopt;
};
// An answer for one family came, possibly empty.
struct Resolved {
  Family family;
  std::vector<Endpoint> candidates;
};
// Candidates besides those of a family's answer, in the order to use them,
// which holds for those that wait already, too. `more`: others may follow.
struct Joined {
  std::vector<Endpoint> candidates;
  bool more = false;
};
// These must not be started any more; attempts under way go on.
struct Withdrawn {
  std::vector<Endpoint> candidates;
};
// The caller tries this one by itself, beside this race: it goes last here, and
// not before the caller's own attempt has had its delay.
struct Deferred {
  Endpoint candidate;
};
struct Connected {
  AttemptId attempt;
};
struct Failed {
  AttemptId attempt;
};
// The answer to LookAtSyn where the SYN has been sent again.
struct Retransmitted {
  AttemptId attempt;
};
struct Tick {
};  // the time asked for by WakeAt has come (or is thought to have)
struct Abandoned {};  // the caller closed the socket, or no longer waits
using Event = std::variant<Begin, Resolved, Joined, Withdrawn, Deferred,
                           Connected, Failed, Retransmitted, Tick, Abandoned>;

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
// Asks whether the attempt's SYN had to be sent again; the answer, if it is
// yes, is Retransmitted.
struct LookAtSyn {
  AttemptId attempt;
  bool operator==(const LookAtSyn&) const = default;
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
using Action = std::variant<StartAttempt, CancelAttempt, LookAtSyn, WakeAt, Won,
                            AllFailed, TimedOut>;

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
  void on(const Joined& event);
  void on(const Withdrawn& event);
  void on(const Deferred& event);
  void on(const Connected& event);
  void on(const Failed& event);
  void on(const Retransmitted& event);
  void on(const Tick&) {}
  void on(const Abandoned&);

  void add(const std::vector<Endpoint>& candidates);
  void advance();
  void leave_resolving();
  void end_overdue_attempts();
  void start_due_attempts();
  bool start_due_attempt();
  void start_due_exploration();
  AttemptId start(const Endpoint& endpoint);
  void look_if_due();
  void finish_if_exhausted();
  void finish(std::optional<Action> result);
  void cancel_live();
  void arm();

  Attempt* find(AttemptId id);
  Duration delay_after(const Endpoint& endpoint) const;
  std::deque<Endpoint>& queue(Family family);
  std::deque<Endpoint>* next_queue();
  bool anything_waiting() const;
  bool only_deferred_waiting() const;
  bool exploration_waits() const;
  bool may_look() const;
  bool pending(Family family) const;
  bool waits_for_others() const;

  const Settings settings_;
  Phase phase_ = Phase::kIdle;
  Time now_{};
  std::vector<Action> out_;

  std::array<bool, 2> pending_{};  // by Family
  std::optional<Time> others_until_;
  using Queues = std::array<std::deque<Endpoint>, 2>;  // by Family
  Queues waiting_;
  Queues deferred_;
  std::optional<Endpoint> leader_;  // goes first, whatever its family
  std::set<Endpoint> known_;        // waiting or started
  std::vector<Attempt> attempts_;   // AttemptId n is attempts_[n - 1]
  int live_ = 0;
  int first_family_started_ = 0;
  Family first_family_ = Family::kIpv6;
  Family last_family_ = Family::kIpv6;
  bool attempt_1_timed_out_ = false;
  bool first_is_doubtful_ = false;
  std::map<IpAddress, Duration> delays_;
  std::optional<Endpoint> explored_;      // not yet started
  std::optional<AttemptId> exploration_;  // started
  std::optional<IpAddress> last_address_;
  AttemptId latest_{};  // the attempt that next_start_ counts from
  Time next_look_{};    // at latest_
  Time next_start_{};
  std::optional<Time> resolution_deadline_;
  std::optional<Time> connect_deadline_;
};

}  // namespace happy::race
