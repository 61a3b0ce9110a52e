#include "core/race/race.h"

#include <algorithm>
#include <utility>

namespace happy::race {
namespace {

constexpr size_t index(Family family) { return static_cast<size_t>(family); }

constexpr Family other(Family family) {
  return family == Family::kIpv4 ? Family::kIpv6 : Family::kIpv4;
}

Endpoint plain(const Endpoint& endpoint) {
  return {endpoint.address.unmapped(), endpoint.port};
}

}  // namespace

std::vector<Action> Race::step(const Event& event, Time now) {
  out_.clear();
  now_ = now;
  std::visit([this](const auto& e) { on(e); }, event);
  if (phase_ == Phase::kResolving || phase_ == Phase::kRacing) advance();
  return std::exchange(out_, {});
}

void Race::on(const Begin& event) {
  if (phase_ != Phase::kIdle) return;
  phase_ = event.first_under_way ? Phase::kRacing : Phase::kResolving;
  pending_[index(Family::kIpv4)] = event.ipv4_pending;
  pending_[index(Family::kIpv6)] = event.ipv6_pending;
  others_until_ = event.others_until;
  next_start_ = now_;
  if (settings_.connect_timeout) {
    connect_deadline_ = now_ + *settings_.connect_timeout;
  }
  if (!event.candidates.empty()) {
    leader_ = plain(event.candidates.front());
    known_.insert(*leader_);
  }
  add(event.candidates);
  for (const Endpoint& candidate : event.deferred) {
    const Endpoint endpoint = plain(candidate);
    if (!known_.insert(endpoint).second) continue;
    deferred_[index(endpoint.address.family)].push_back(endpoint);
  }
  first_is_doubtful_ = event.first_is_doubtful;
  for (const auto& [address, delay] : event.attempt_delays) {
    delays_[address.unmapped()] = delay;
  }
  if (event.explored) explored_ = plain(*event.explored);
}

void Race::on(const Resolved& event) {
  if (phase_ == Phase::kIdle || phase_ == Phase::kDone) return;
  pending_[index(event.family)] = false;
  add(event.candidates);
}

void Race::on(const Joined& event) {
  if (phase_ == Phase::kIdle || phase_ == Phase::kDone) return;
  if (!event.more) others_until_.reset();
  for (const Endpoint& candidate : event.candidates) {
    const Endpoint endpoint = plain(candidate);
    if (std::erase(queue(endpoint.address.family), endpoint) > 0)
      known_.erase(endpoint);
  }
  add(event.candidates);
}

void Race::on(const Withdrawn& event) {
  for (const Endpoint& candidate : event.candidates) {
    const Endpoint gone = plain(candidate);
    const size_t family = index(gone.address.family);
    size_t removed = std::erase(waiting_[family], gone) +
                     std::erase(deferred_[family], gone);
    if (leader_ == gone) {
      leader_.reset();
      ++removed;
    }
    // A newer answer may bring it back, but not one that was started.
    if (removed > 0) known_.erase(gone);
  }
}

void Race::on(const Deferred& event) {
  const Endpoint candidate = plain(event.candidate);
  const size_t family = index(candidate.address.family);
  if (std::erase(waiting_[family], candidate) == 0) return;
  deferred_[family].push_back(candidate);
  if (only_deferred_waiting()) {
    next_start_ = std::max(next_start_, now_ + delay_after(candidate));
  }
}

void Race::on(const Connected& event) {
  Attempt* attempt = find(event.attempt);
  if (attempt == nullptr) return;
  if (attempt->state == AttemptState::kCancelled) {
    out_.emplace_back(CancelAttempt{event.attempt});
  }
  if (attempt->state != AttemptState::kLive) return;
  attempt->state = AttemptState::kWon;
  --live_;
  finish(Won{event.attempt});
}

void Race::on(const Failed& event) {
  Attempt* attempt = find(event.attempt);
  if (attempt == nullptr || attempt->state != AttemptState::kLive) return;
  attempt->state = AttemptState::kFailed;
  --live_;
  // A failure never waits for the delay; that of an attempt which was started
  // out of turn says nothing of the one before it.
  if (event.attempt != exploration_ || live_ == 0) next_start_ = now_;
}

// It says as much as the attempt delay would have, only sooner.
void Race::on(const Retransmitted& event) {
  const Attempt* attempt = find(event.attempt);
  if (attempt == nullptr || event.attempt != latest_) return;
  if (attempt->state != AttemptState::kLive) return;
  next_start_ = std::min(next_start_,
                         std::max(now_, attempt->started + kLeastAttemptDelay));
}

void Race::on(const Abandoned&) {
  if (phase_ != Phase::kDone) finish(std::nullopt);
}

void Race::add(const std::vector<Endpoint>& candidates) {
  for (const Endpoint& candidate : candidates) {
    const Endpoint endpoint = plain(candidate);
    if (known_.insert(endpoint).second) {
      waiting_[index(endpoint.address.family)].push_back(endpoint);
    }
  }
}

// What time and the state demand after every event. The connect time-out comes
// first: nothing is started only to be cancelled.
void Race::advance() {
  if (connect_deadline_ && now_ >= *connect_deadline_) {
    return finish(TimedOut{});
  }
  if (phase_ == Phase::kResolving) leave_resolving();
  if (phase_ == Phase::kRacing) {
    end_overdue_attempts();
    start_due_attempts();
    start_due_exploration();
    look_if_due();
  }
  finish_if_exhausted();
  if (phase_ != Phase::kDone) arm();
}

// RFC 8305 section 3: with only the other family's addresses at hand, wait for
// the preferred family's answer, but no longer than the Resolution Delay from
// the time that the first address came.
void Race::leave_resolving() {
  if (!anything_waiting()) {
    resolution_deadline_.reset();  // all withdrawn: the next answer counts anew
    return;
  }
  const Family preferred = settings_.preferred_family;
  const bool preferred_here = !queue(preferred).empty() ||
                              (leader_ && leader_->address.family == preferred);
  if (!preferred_here && pending(preferred)) {
    if (!resolution_deadline_) {
      resolution_deadline_ = now_ + settings_.resolution_delay;
    }
    if (now_ < *resolution_deadline_) return;
  } else if (resolution_deadline_ && preferred_here && leader_) {
    // The wait was worth it: the preferred family leads after all.
    queue(leader_->address.family).push_front(*leader_);
    leader_ = queue(preferred).front();
    queue(preferred).pop_front();
  } else if (!leader_) {
    std::deque<Endpoint>& first =
        queue(preferred).empty() ? queue(other(preferred)) : queue(preferred);
    std::deque<Endpoint>* const from = first.empty() ? next_queue() : &first;
    if (from == nullptr) return;
    leader_ = from->front();
    from->pop_front();
  }
  phase_ = Phase::kRacing;
  next_start_ = now_;
}

// The rule's attempt_ms. The last attempt, with nothing else to try, may as
// well go on for as long as the whole connect may take.
void Race::end_overdue_attempts() {
  if (!settings_.attempt_timeout) return;
  for (size_t i = 0; i < attempts_.size(); ++i) {
    Attempt& attempt = attempts_[i];
    if (attempt.state != AttemptState::kLive) continue;
    if (now_ < attempt.started + *settings_.attempt_timeout) continue;
    const bool last = live_ == 1 && !anything_waiting();
    if (last && connect_deadline_) return;
    attempt.state = AttemptState::kCancelled;
    if (i == 0) attempt_1_timed_out_ = true;
    --live_;
    out_.emplace_back(CancelAttempt{AttemptId{static_cast<uint32_t>(i + 1)}});
    next_start_ = now_;
  }
}

// RFC 8305 section 5: one attempt a delay. Where history speaks against the
// first one, which the caller has named, the second does not wait for it.
void Race::start_due_attempts() {
  const bool first = attempts_.empty();
  if (!start_due_attempt() || !first || !first_is_doubtful_) return;
  if (only_deferred_waiting()) return;
  next_start_ = now_;
  start_due_attempt();
}

bool Race::start_due_attempt() {
  if (now_ < next_start_ || live_ >= settings_.max_in_flight) return false;
  Endpoint endpoint;
  if (leader_) {
    endpoint = *std::exchange(leader_, std::nullopt);
  } else if (std::deque<Endpoint>* from = next_queue()) {
    endpoint = from->front();
    from->pop_front();
  } else {
    return false;
  }
  if (attempts_.empty()) first_family_ = endpoint.address.family;
  last_family_ = endpoint.address.family;
  const bool other_port = endpoint.address == last_address_;
  if (last_family_ == first_family_ && !other_port) ++first_family_started_;
  last_address_ = endpoint.address;
  latest_ = start(endpoint);
  const bool in_time = now_ - next_start_ <= kTimerGranularity;
  next_start_ = (in_time ? next_start_ : now_) + delay_after(endpoint);
  next_look_ = now_ + kFirstLook;
  return true;
}

AttemptId Race::start(const Endpoint& endpoint) {
  attempts_.push_back({.started = now_});
  ++live_;
  const AttemptId id{static_cast<uint32_t>(attempts_.size())};
  out_.emplace_back(StartAttempt{id, endpoint});
  return id;
}

// RTTs are learned of winners only, so a nearer address that never leads would
// stay unknown. This one leads by 10 ms, is asked beside, and its start counts
// for nothing else.
void Race::start_due_exploration() {
  if (!exploration_waits()) {
    if (!attempts_.empty()) explored_.reset();
    return;
  }
  if (now_ < attempts_.front().started + kExplorationDelay) return;
  const Endpoint endpoint = *std::exchange(explored_, std::nullopt);
  if (std::erase(queue(endpoint.address.family), endpoint) == 0) return;
  exploration_ = start(endpoint);
}

bool Race::exploration_waits() const {
  return explored_ && attempts_.size() == 1 && live_ == 1 &&
         live_ < settings_.max_in_flight;
}

// The kernel tells nobody of a retransmission; it has to be asked.
void Race::look_if_due() {
  if (!may_look() || now_ < next_look_) return;
  while (next_look_ <= now_) next_look_ += kLookInterval;
  out_.emplace_back(LookAtSyn{latest_});
}

// Whether a retransmission of the latest attempt could bring something forward.
bool Race::may_look() const {
  if (!anything_waiting() || live_ >= settings_.max_in_flight) return false;
  const auto number = static_cast<size_t>(latest_);
  return number != 0 && next_start_ > now_ &&
         attempts_[number - 1].state == AttemptState::kLive;
}

Duration Race::delay_after(const Endpoint& endpoint) const {
  const auto known = delays_.find(endpoint.address);
  return known == delays_.end() ? settings_.attempt_delay : known->second;
}

// RFC 8305 section 4: First Address Family Count addresses of the first
// family, then the families in turn. Decided at each start, so that addresses
// that come late take their turn at once. A turn is that of an address, with
// all its ports.
std::deque<Endpoint>* Race::next_queue() {
  const std::deque<Endpoint>& last = queue(last_family_);
  if (!last.empty() && last.front().address == last_address_) {
    return &queue(last_family_);
  }
  const bool stay = first_family_started_ < settings_.first_family_count;
  const Family turn = stay ? first_family_ : other(last_family_);
  for (Queues* queues : {&waiting_, &deferred_}) {
    for (const Family family : {turn, other(turn)}) {
      std::deque<Endpoint>& one = (*queues)[index(family)];
      if (!one.empty()) return &one;
    }
  }
  return nullptr;
}

void Race::finish_if_exhausted() {
  if (live_ > 0 || anything_waiting()) return;
  if (pending(Family::kIpv4) || pending(Family::kIpv6)) return;
  if (waits_for_others()) return;
  if (attempt_1_timed_out_) return finish(TimedOut{});
  finish(AllFailed{});
}

void Race::finish(std::optional<Action> result) {
  phase_ = Phase::kDone;
  if (result) out_.push_back(*result);
  cancel_live();
  waiting_ = {};
  deferred_ = {};
  leader_.reset();
}

void Race::cancel_live() {
  for (size_t i = 0; i < attempts_.size(); ++i) {
    if (attempts_[i].state != AttemptState::kLive) continue;
    attempts_[i].state = AttemptState::kCancelled;
    out_.emplace_back(CancelAttempt{AttemptId{static_cast<uint32_t>(i + 1)}});
  }
  live_ = 0;
}

void Race::arm() {
  std::optional<Time> next = connect_deadline_;
  const auto no_later_than = [&next](Time time) {
    next = next ? std::min(*next, time) : time;
  };
  if (phase_ == Phase::kResolving) {
    if (resolution_deadline_) no_later_than(*resolution_deadline_);
  } else if (anything_waiting() && live_ < settings_.max_in_flight) {
    no_later_than(next_start_);
    if (may_look()) no_later_than(next_look_);
  }
  if (live_ == 0 && waits_for_others()) no_later_than(*others_until_);
  if (phase_ == Phase::kRacing && exploration_waits()) {
    no_later_than(attempts_.front().started + kExplorationDelay);
  }
  if (settings_.attempt_timeout) {
    for (const Attempt& attempt : attempts_) {
      const Time due = attempt.started + *settings_.attempt_timeout;
      // One that is overdue already is the last: connect_timeout's business.
      if (attempt.state == AttemptState::kLive && due > now_) {
        no_later_than(due);
      }
    }
  }
  if (next) out_.emplace_back(WakeAt{*next});
}

Race::Attempt* Race::find(AttemptId id) {
  const auto number = static_cast<size_t>(id);
  if (number == 0 || number > attempts_.size()) return nullptr;
  return &attempts_[number - 1];
}

std::deque<Endpoint>& Race::queue(Family family) {
  return waiting_[index(family)];
}

bool Race::anything_waiting() const {
  return leader_ || !waiting_[0].empty() || !waiting_[1].empty() ||
         !deferred_[0].empty() || !deferred_[1].empty();
}

bool Race::only_deferred_waiting() const {
  return !leader_ && waiting_[0].empty() && waiting_[1].empty();
}

bool Race::pending(Family family) const { return pending_[index(family)]; }

bool Race::waits_for_others() const {
  return others_until_ && now_ < *others_until_;
}

}  // namespace happy::race
