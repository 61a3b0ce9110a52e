// What is remembered of resolvers, or of one resolver's addresses, from one
// question to the next: which failed lately, how long they take to answer, and
// how long they leave an idle connection open. Pure: time is an argument.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/base/time.h"

namespace happy::dns {

// Whether something failed lately. What did is passed over for a while, twice
// as long after each failure in a row, and then tried again.
class Health {
 public:
  static constexpr Duration kFirstPause{10'000'000};
  static constexpr Duration kLastPause{300'000'000};

  Health() = default;
  // What pause() and until() gave.
  Health(Duration pause, Time until) : pause_(pause), until_(until) {}
  Duration pause() const { return pause_; }  // 0: well
  Time until() const { return until_; }
  bool operator==(const Health&) const = default;

  // Several failures of one pause count once: they have one cause.
  void failed(Time now);
  void succeeded() { pause_ = Duration::zero(); }
  bool is_well(Time now) const {
    return pause_ == Duration::zero() || now >= until_;
  }

 private:
  Duration pause_{};
  Time until_{};
};

// A lesser way that is taken after a better one has failed: at once for an
// hour, then the better one is tried again (RFC 8310 section 5).
class FallBack {
 public:
  static constexpr Duration kLife = std::chrono::hours(1);

  // The better way has failed. Whether that is news.
  bool begin(Time now) {
    if (is_taken(now)) return false;
    until_ = now + kLife;
    return true;
  }
  bool is_taken(Time now) const { return now < until_; }

 private:
  Time until_{};  // the beginning of time
};

// `candidates`, those that are well first, each part in the given order.
std::vector<size_t> well_first(const std::vector<size_t>& candidates,
                               const std::vector<Health>& health, Time now);

// The smoothed time to an answer and its variation (RFC 6298 section 2), and
// after how long a silent answer is overdue.
class AnswerTime {
 public:
  // Two and a half to three times the usual. Not less than what a resolver may
  // well take for a name that it does not have yet; not so much that a second
  // connection could not give the answer within a second.
  static constexpr Duration kLeastPatience{200'000};
  static constexpr Duration kMostPatience{400'000};

  void sample(Duration time);
  Duration patience() const;
  std::optional<Duration> smoothed() const { return smoothed_; }

 private:
  std::optional<Duration> smoothed_;
  Duration variation_{};
};

// How long a server leaves an idle connection open, learned from when it closed
// them. A connection is to be retired a little before; a query that crosses the
// server's FIN has to be sent again.
class IdleHorizon {
 public:
  // A server may have closed for another reason, so what was learned is
  // forgotten after this long, at the price of one FIN on an idle connection.
  static constexpr Duration kRemembered{600'000'000};

  IdleHorizon() = default;
  // What horizon() and learned() gave.
  IdleHorizon(std::optional<Duration> horizon, Time learned)
      : horizon_(horizon), learned_(learned) {}
  std::optional<Duration> horizon() const { return horizon_; }
  Time learned() const { return learned_; }
  bool operator==(const IdleHorizon&) const = default;

  // It closed a connection that had been idle for `idle`.
  void closed_after(Duration idle, Time now);
  // How long an idle connection may be kept; none: nothing is known.
  std::optional<Duration> limit(Duration round_trip, Time now) const;

 private:
  std::optional<Duration> horizon_;
  Time learned_{};
};

// What one process can tell another of a resolver.
struct ResolverKnowledge {
  struct OfAddress {
    Health health;
    IdleHorizon horizon;
    bool operator==(const OfAddress&) const = default;
  };

  Health health{};
  size_t preferred = 0;                // the address that answered last
  std::vector<OfAddress> addresses{};  // as many as it has
  bool operator==(const ResolverKnowledge&) const = default;
};

}  // namespace happy::dns
