// A network in virtual time for the pure race: each endpoint answers, refuses
// or stays silent after its own delay, look-ups come late, and the log says
// what was started when. Tick-exact and without threads.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/race/race_test_support.h"

namespace happy::race {

class VirtualWorld {
 public:
  enum class Fate { kConnects, kFails, kSilent };
  struct Behaviour {
    Fate fate = Fate::kSilent;
    Duration after{};
  };
  struct Started {
    Endpoint endpoint;
    Duration at;
    std::optional<Duration> ended;  // also by cancellation
    bool failed = false;
    bool operator==(const Started&) const = default;
  };

  explicit VirtualWorld(const Settings& settings) : race_(settings) {}

  void connects(const Endpoint& endpoint, Duration after) {
    net_[endpoint] = {Fate::kConnects, after};
  }
  void fails(const Endpoint& endpoint, Duration after) {
    net_[endpoint] = {Fate::kFails, after};
  }
  // The kernel has to send the SYN to it again, so long after the first.
  void retransmits(const Endpoint& endpoint, Duration after) {
    resent_[endpoint] = after;
  }
  // Something to happen at a time, after what was arranged for then earlier.
  void at(Duration time, Event event) {
    events_.emplace(kT0 + time, std::move(event));
  }

  // Runs until nothing is left to happen, or `until`.
  void run(const Begin& begin, Duration until = 3600s) {
    deliver(begin);
    while (!race_.done() || !events_.empty()) {
      if (!next_is_event() && !wake_) return;
      now_ = next_is_event() ? events_.begin()->first : std::max(*wake_, now_);
      if (now_ > kT0 + until) return;
      if (!next_is_event()) {
        deliver(Tick{});
        continue;
      }
      const Event event = events_.begin()->second;
      events_.erase(events_.begin());
      deliver(event);
    }
  }

  std::optional<Endpoint> winner() const { return winner_; }
  bool all_failed() const { return all_failed_; }
  bool timed_out() const { return timed_out_; }
  Duration decided_at() const { return decided_at_; }
  const std::vector<Started>& log() const { return log_; }
  Endpoints order() const {
    Endpoints out;
    for (const Started& s : log_) out.push_back(s.endpoint);
    return out;
  }
  std::vector<Duration> times() const {
    std::vector<Duration> out;
    for (const Started& s : log_) out.push_back(s.at);
    return out;
  }
  int in_flight() const { return in_flight_; }
  int most_in_flight() const { return most_in_flight_; }
  int looks() const { return looks_; }
  int ended_twice() const { return ended_twice_; }
  int wakes_in_one_step() const { return wakes_in_one_step_; }

 private:
  bool next_is_event() const {
    return !events_.empty() && (!wake_ || events_.begin()->first <= *wake_);
  }

  void deliver(const Event& event) {
    // Sockets that are closed report nothing; what a test arranged does reach
    // the race, also for attempts that are not there yet.
    if (const auto* c = std::get_if<Connected>(&event)) {
      if (known(c->attempt) && ended(c->attempt)) return;
    }
    if (const auto* f = std::get_if<Failed>(&event); f && known(f->attempt)) {
      if (ended(f->attempt)) return;
      end(f->attempt);
      log_[size_t(f->attempt) - 1].failed = true;
    }
    wake_.reset();
    int wakes = 0;
    for (const Action& action : race_.step(event, now_)) {
      if (const auto* w = std::get_if<WakeAt>(&action)) {
        EXPECT_GT(w->time, now_) << "a timer that cannot move time on";
        wake_ = std::max(w->time, now_ + 1us);
        ++wakes;
      }
      perform(action);
    }
    wakes_in_one_step_ = std::max(wakes_in_one_step_, wakes);
  }

  void perform(const Action& action) {
    if (const auto* s = std::get_if<StartAttempt>(&action)) return begin(*s);
    if (const auto* c = std::get_if<CancelAttempt>(&action)) {
      return end(c->attempt);
    }
    if (const auto* l = std::get_if<LookAtSyn>(&action)) return look(*l);
    if (const auto* w = std::get_if<Won>(&action)) {
      winner_ = log_.at(size_t(w->attempt) - 1).endpoint;
      end(w->attempt);
    } else if (std::holds_alternative<AllFailed>(action)) {
      all_failed_ = true;
    } else if (std::holds_alternative<TimedOut>(action)) {
      timed_out_ = true;
    } else {
      return;
    }
    decided_at_ = now_ - kT0;
  }

  void begin(const StartAttempt& action) {
    log_.push_back({action.endpoint, now_ - kT0, std::nullopt, false});
    EXPECT_EQ(size_t(action.attempt), log_.size());
    most_in_flight_ = std::max(most_in_flight_, ++in_flight_);
    const Behaviour fate = net_[action.endpoint];
    if (fate.fate == Fate::kConnects) {
      events_.emplace(now_ + fate.after, Connected{action.attempt});
    } else if (fate.fate == Fate::kFails) {
      events_.emplace(now_ + fate.after, Failed{action.attempt});
    }
  }

  void look(const LookAtSyn& action) {
    ++looks_;
    const Started& attempt = log_.at(size_t(action.attempt) - 1);
    EXPECT_FALSE(attempt.ended) << "a closed socket was asked";
    const auto resent = resent_.find(attempt.endpoint);
    if (resent == resent_.end()) return;
    if (now_ - kT0 < attempt.at + resent->second) return;
    events_.emplace(now_, Retransmitted{action.attempt});
  }

  bool known(AttemptId id) const { return size_t(id) <= log_.size(); }
  bool ended(AttemptId id) const {
    return log_.at(size_t(id) - 1).ended.has_value();
  }
  void end(AttemptId id) {
    if (ended(id)) ++ended_twice_;
    log_.at(size_t(id) - 1).ended = now_ - kT0;
    --in_flight_;
  }

  Race race_;
  Time now_ = kT0;
  std::map<Endpoint, Behaviour> net_;
  std::map<Endpoint, Duration> resent_;
  std::multimap<Time, Event> events_;
  std::optional<Time> wake_;
  std::vector<Started> log_;
  std::optional<Endpoint> winner_;
  bool all_failed_ = false;
  bool timed_out_ = false;
  Duration decided_at_{};
  int in_flight_ = 0;
  int most_in_flight_ = 0;
  int looks_ = 0;
  int ended_twice_ = 0;
  int wakes_in_one_step_ = 0;
};

}  // namespace happy::race
