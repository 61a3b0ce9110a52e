#include "core/net/race_driver.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "core/net/loop.h"

namespace happy::net {
namespace {

using race::AttemptId;

constexpr AttemptId kFirst{1};

// Of an attempt. A peer that has closed already is still one that was reached.
bool is_connected(const tcp_info& info) {
  return info.tcpi_state != TCP_CLOSE && info.tcpi_state != TCP_SYN_SENT;
}

// Reads the pending error, which is then gone.
int take_error(int descriptor) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

// Reads no pending error.
std::optional<tcp_info> tcp_info_of(int descriptor) {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) {
    return std::nullopt;
  }
  return info;
}

// The handshake's. The kernel measures none where the SYN went out twice.
std::optional<Duration> rtt_of(const tcp_info& info) {
  if (info.tcpi_rtt == 0 || info.tcpi_total_retrans != 0) return std::nullopt;
  return Duration(info.tcpi_rtt);
}

}  // namespace

// One race. Lives from begin() until the close callback of its timer.
class RaceDriver {
 public:
  RaceDriver(Races* owner, RaceId id, RaceRequest request);
  RaceDriver(const RaceDriver&) = delete;
  RaceDriver& operator=(const RaceDriver&) = delete;

  void begin();
  void handle(race::Event event);
  void drain();
  void cancel() { end_undelivered(nullptr); }
  happy_outcome stop();

 private:
  struct Attempt {
    Endpoint endpoint;
    int descriptor = -1;
    std::optional<WatchId> watch = {};
    bool ended = false;
    std::optional<Duration> rtt = {};  // of one that is connected
  };

  void perform(const race::Action& action);
  void on(const race::StartAttempt& action);
  void on(const race::CancelAttempt& action);
  void on(const race::LookAtSyn& action);
  void on(const race::WakeAt& action) { wake_ = action.time; }
  void on(const race::Won& action);
  void on(const race::AllFailed&);
  void on(const race::TimedOut&);

  int open_attempt(AttemptId id, Attempt* attempt);
  void watch(AttemptId id);
  void on_ready(AttemptId id);
  void fail(AttemptId id, int error);
  void keep_for_caller(Attempt* attempt);
  void release(Attempt* attempt);
  int hand_over(Attempt* attempt);
  void end_undelivered(happy_outcome* outcome);
  void decide(const happy_outcome& outcome);
  void arm_timer();
  void wind_up();

  Attempt& attempt(AttemptId id) {
    return attempts_[static_cast<size_t>(id) - 1];
  }
  const happy_host* host() const { return owner_->host_; }
  TraceSink* sink() const { return owner_->sink_; }

  Races* const owner_;
  const RaceId id_;
  RaceRequest request_;
  race::Race race_;
  const Time started_;
  uv_timer_t timer_{};
  std::optional<Time> wake_;
  std::deque<race::Event> events_;  // not yet seen by race_
  bool stepping_ = false;
  bool over_ = false;
  std::deque<Attempt> attempts_;  // AttemptId n is attempts_[n - 1]
  // Where attempt 1 has no error to give: the last other socket that failed
  // with its error unread, for the caller.
  int kept_ = -1;
  std::optional<size_t> kept_failure_;  // its place in end_.failures
  RaceEnd end_;
  std::optional<happy_outcome> undelivered_;  // until the sink knows of it
};

RaceDriver::RaceDriver(Races* owner, RaceId id, RaceRequest request)
    : owner_(owner),
      id_(id),
      request_(std::move(request)),
      race_(request_.settings),
      started_(monotonic_now()) {}

void RaceDriver::begin() {
  uv_timer_init(owner_->loop_, &timer_);
  timer_.data = this;
  if (sink()) sink()->race_start(id_, request_);
  request_.begin.first_under_way = true;
  handle(request_.begin);
}

// Attempts that fail or connect at once add events while actions are being
// performed; those wait until the step's own actions are done.
void RaceDriver::handle(race::Event event) {
  if (over_) return;
  events_.push_back(std::move(event));
  drain();
}

void RaceDriver::drain() {
  if (std::exchange(stepping_, true)) return;
  while (!events_.empty() && !over_) {
    const race::Event next = std::move(events_.front());
    events_.pop_front();
    wake_.reset();
    for (const race::Action& action : race_.step(next, monotonic_now())) {
      perform(action);
    }
  }
  stepping_ = false;
  over_ ? wind_up() : arm_timer();
}

void RaceDriver::perform(const race::Action& action) {
  std::visit([this](const auto& a) { on(a); }, action);
}

void RaceDriver::on(const race::StartAttempt& action) {
  attempts_.push_back({.endpoint = action.endpoint});
  Attempt& started = attempts_.back();
  if (sink()) sink()->attempt_start(id_, action.attempt, action.endpoint);
  const int error = open_attempt(action.attempt, &started);
  if (error == EINPROGRESS) return watch(action.attempt);
  if (error == 0) {
    const auto info = tcp_info_of(started.descriptor);
    if (info) started.rtt = rtt_of(*info);
    events_.emplace_back(race::Connected{action.attempt});
    return;
  }
  release(&started);
  fail(action.attempt, error);
}

// Returns 0 (connected), EINPROGRESS, or the errno of a synchronous failure.
int RaceDriver::open_attempt(AttemptId id, Attempt* attempt) {
  if (id == kFirst) {
    attempt->descriptor = std::exchange(request_.attempt, -1);
    return attempt->descriptor >= 0 ? EINPROGRESS : request_.error;
  }
  Endpoint target = attempt->endpoint;
  if (request_.mapped) target.address = target.address.mapped();
  sockaddr_storage address;
  const socklen_t length = target.to_sockaddr(&address);
  int error = 0;
  attempt->descriptor = host()->attempt_open(
      request_.context, reinterpret_cast<sockaddr*>(&address), length, &error);
  if (attempt->descriptor < 0 && error == 0) return ECANCELED;
  return error;
}

void RaceDriver::watch(AttemptId id) {
  Attempt& watched = attempt(id);
  const auto added = owner_->watch_->add(
      watched.descriptor, EPOLLOUT, [this, id](uint32_t) { on_ready(id); });
  if (added) {
    watched.watch = *added;
    return;
  }
  release(&watched);
  fail(id, added.error());
}

void RaceDriver::on_ready(AttemptId id) {
  Attempt& ready = attempt(id);
  if (ready.ended) return;
  const auto info = tcp_info_of(ready.descriptor);
  if (info && is_connected(*info)) {
    ready.rtt = rtt_of(*info);
    return handle(race::Connected{id});
  }
  const bool caller_reads_first = request_.error == 0;
  int error = 0;
  if (id == kFirst) {
    release(&ready);
  } else if (caller_reads_first) {
    error = take_error(ready.descriptor);
    release(&ready);
  } else {
    keep_for_caller(&ready);
  }
  fail(id, error);
  drain();
}

// `error` 0: left for the caller to read.
void RaceDriver::fail(AttemptId id, int error) {
  Attempt& failed = attempt(id);
  failed.ended = true;
  end_.failures.push_back({failed.endpoint, error});
  if (sink()) sink()->attempt_failed(id_, id, failed.endpoint, error);
  events_.emplace_back(race::Failed{id});
}

void RaceDriver::keep_for_caller(Attempt* attempt) {
  if (kept_ >= 0) {
    // No longer the last one: its errno may serve the name memory.
    end_.failures[*kept_failure_].error = take_error(kept_);
    host()->close_descriptor(kept_);
  }
  kept_ = hand_over(attempt);
  kept_failure_ = end_.failures.size();  // fail() follows
}

// Attempt 1's descriptor is only watched: it stays the host's.
void RaceDriver::release(Attempt* ended) {
  const int descriptor = hand_over(ended);
  const bool owned = ended != &attempts_.front();
  if (owned && descriptor >= 0) host()->close_descriptor(descriptor);
}

// Takes the descriptor out of the race, still open.
int RaceDriver::hand_over(Attempt* attempt) {
  if (attempt->watch) owner_->watch_->remove(*attempt->watch);
  attempt->watch.reset();
  return std::exchange(attempt->descriptor, -1);
}

void RaceDriver::on(const race::CancelAttempt& action) {
  Attempt& cancelled = attempt(action.attempt);
  release(&cancelled);
  if (std::exchange(cancelled.ended, true)) return;
  if (sink()) {
    sink()->attempt_cancelled(id_, action.attempt, cancelled.endpoint);
  }
}

void RaceDriver::on(const race::LookAtSyn& action) {
  const auto info = tcp_info_of(attempt(action.attempt).descriptor);
  if (!info || info->tcpi_total_retrans == 0) return;
  events_.emplace_back(race::Retransmitted{action.attempt});
}

void RaceDriver::on(const race::Won& action) {
  Attempt& winner = attempt(action.attempt);
  winner.ended = true;
  end_.rtt = winner.rtt;
  happy_outcome outcome{.kind = HAPPY_WON, .descriptor = -1, .error = 0};
  if (action.attempt == kFirst) {
    release(&winner);
  } else {
    outcome.descriptor = hand_over(&winner);
  }
  end_.winner = action.attempt;
  end_.endpoint = winner.endpoint;
  decide(outcome);
}

void RaceDriver::on(const race::AllFailed&) {
  happy_outcome outcome{.kind = HAPPY_ALL_FAILED, .descriptor = -1, .error = 0};
  if (request_.error != 0) {
    outcome.descriptor = std::exchange(kept_, -1);
    outcome.error = request_.error;
  }
  decide(outcome);
}

void RaceDriver::on(const race::TimedOut&) {
  decide({.kind = HAPPY_TIMED_OUT, .descriptor = -1, .error = 0});
}

happy_outcome RaceDriver::stop() {
  happy_outcome outcome{.kind = HAPPY_STOPPED, .descriptor = -1, .error = 0};
  end_undelivered(&outcome);
  return outcome;
}

// race_stop's and race_cancel's end. With `outcome`, a live attempt is saved
// for the caller if its own is of no use any more.
void RaceDriver::end_undelivered(happy_outcome* outcome) {
  if (over_) return;
  over_ = true;
  const bool first_ended = attempts_.empty() || attempt(kFirst).ended;
  if (outcome != nullptr && first_ended) {
    for (size_t i = 0; i < attempts_.size(); ++i) {
      Attempt& candidate = attempts_[i];
      if (candidate.ended) continue;
      candidate.ended = true;
      end_.winner = AttemptId{static_cast<uint32_t>(i + 1)};
      end_.endpoint = candidate.endpoint;
      outcome->descriptor = hand_over(&candidate);
      break;
    }
  }
  end_.kind = HAPPY_STOPPED;
  end_.cancelled = outcome == nullptr;
  for (const race::Action& action :
       race_.step(race::Abandoned{}, monotonic_now())) {
    perform(action);
  }
  if (!stepping_) wind_up();
}

// The caller is told last: it may connect to the same name at once, which is to
// find all that this race has shown and none of its attempts under way, or end
// the process.
void RaceDriver::decide(const happy_outcome& outcome) {
  over_ = true;
  end_.kind = static_cast<happy_outcome_kind>(outcome.kind);
  undelivered_ = outcome;
}

// Everything is decided: tell the trace, let go of the rest.
void RaceDriver::wind_up() {
  if (kept_ >= 0) host()->close_descriptor(std::exchange(kept_, -1));
  if (sink()) {
    end_.elapsed = monotonic_now() - started_;
    sink()->race_end(id_, end_);
  }
  if (undelivered_) host()->race_decided(request_.context, &*undelivered_);
  const auto on_closed = [](uv_handle_t* handle) {
    auto* self = static_cast<RaceDriver*>(handle->data);
    const happy_host* const host = self->host();
    void* const context = self->request_.context;
    self->owner_->forget(self->id_);  // ends *self
    host->race_over(context);
  };
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), on_closed);
}

// libuv counts whole milliseconds of the same clock: the next one is waited
// for, so that the tick does not come early (the race would ask again).
void RaceDriver::arm_timer() {
  if (!wake_) {
    uv_timer_stop(&timer_);
    return;
  }
  const auto due =
      std::chrono::ceil<std::chrono::milliseconds>(wake_->time_since_epoch());
  const auto due_ms = static_cast<uint64_t>(due.count());
  uv_update_time(owner_->loop_);
  const uint64_t now_ms = uv_now(owner_->loop_);
  const auto on_timer = [](uv_timer_t* timer) {
    static_cast<RaceDriver*>(timer->data)->handle(race::Tick{});
  };
  uv_timer_start(&timer_, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

Races::Races(uv_loop_t* loop, Watch* watch, const happy_host* host,
             TraceSink* sink)
    : loop_(loop), watch_(watch), host_(host), sink_(sink) {}

RaceId Races::reserve() {
  static constinit std::atomic<uint64_t> last{0};
  return RaceId{last.fetch_add(1, std::memory_order_relaxed) + 1};
}

void Races::begin(RaceId id, RaceRequest request) {
  const auto [place, added] = races_.emplace(
      id, std::make_unique<RaceDriver>(this, id, std::move(request)));
  if (added) place->second->begin();
}

void Races::resolved(RaceId id, const race::Resolved& answer) {
  if (const auto it = races_.find(id); it != races_.end()) {
    it->second->handle(answer);
  }
}

void Races::joined(RaceId id, const race::Joined& candidates) {
  if (const auto it = races_.find(id); it != races_.end()) {
    it->second->handle(candidates);
  }
}

void Races::deferred(RaceId id, const race::Deferred& candidate) {
  if (const auto it = races_.find(id); it != races_.end()) {
    it->second->handle(candidate);
  }
}

void Races::withdrawn(RaceId id, const race::Withdrawn& candidates) {
  if (const auto it = races_.find(id); it != races_.end()) {
    it->second->handle(candidates);
  }
}

void Races::cancel(RaceId id) {
  if (const auto it = races_.find(id); it != races_.end()) {
    it->second->cancel();
  }
}

happy_outcome Races::stop(RaceId id) {
  if (const auto it = races_.find(id); it != races_.end()) {
    return it->second->stop();
  }
  return {.kind = HAPPY_STOPPED, .descriptor = -1, .error = 0};
}

void Races::forget(RaceId id) { races_.erase(id); }

}  // namespace happy::net
