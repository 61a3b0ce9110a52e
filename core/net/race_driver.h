// Runs races on the loop: turns what sockets and timers report into events of
// race::Race and its actions into calls of the host. It decides no order and no
// timing, and never reads the pending error of attempt 1, which is the
// caller's. Loop thread only, but for reserve().
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/engine.h"
#include "core/net/watch.h"
#include "core/race/race.h"

namespace happy::net {

// Never used twice in a process; races that are over are simply unknown.
enum class RaceId : uint64_t {};

struct RaceRequest {
  // For the trace only; may be empty.
  std::string name;
  race::Settings settings;
  // begin.candidates[0] is the destination, which attempt 1 connects to.
  race::Begin begin;
  void* context = nullptr;
  int attempt = -1;     // attempt 1, the host's and open until race_over; or -1
  int error = 0;        // errno of attempt 1 where `attempt` is -1
  bool mapped = false;  // connect IPv4 candidates as ::ffff:a.b.c.d
};

struct FailedAttempt {
  Endpoint endpoint;
  int error;  // an errno; 0 where it is left for the caller to read
};

// How a race went, for the trace and the name memory.
struct RaceEnd {
  happy_outcome_kind kind = HAPPY_STOPPED;
  bool cancelled = false;  // by the caller; `kind` is STOPPED
  // WON: the winner. STOPPED: the live attempt that the caller goes on with,
  // where it is not attempt 1.
  std::optional<race::AttemptId> winner;
  std::optional<Endpoint> endpoint;     // of `winner`
  std::optional<Duration> rtt;          // WON: the handshake's, where measured
  std::vector<FailedAttempt> failures;  // in the order they failed
  Duration elapsed{};
};

// Is told everything that happens, on the loop thread; must not call back.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void race_start(RaceId, const RaceRequest&) = 0;
  virtual void attempt_start(RaceId, race::AttemptId, const Endpoint&) = 0;
  // `error`: as FailedAttempt's. Every started attempt ends by attempt_failed,
  // attempt_cancelled, or by being the winner of race_end.
  virtual void attempt_failed(RaceId, race::AttemptId, const Endpoint&,
                              int error) = 0;
  virtual void attempt_cancelled(RaceId, race::AttemptId, const Endpoint&) = 0;
  virtual void race_end(RaceId, const RaceEnd&) = 0;
};

class RaceDriver;

// All races of one loop.
class Races {
 public:
  // All of them outlive the process. `sink` may be nullptr.
  Races(uv_loop_t* loop, Watch* watch, const happy_host* host, TraceSink* sink);
  ~Races() = delete;  // leaked with its loop
  Races(const Races&) = delete;
  Races& operator=(const Races&) = delete;

  // Any thread: the id of a race to be.
  static RaceId reserve();

  // Starts a race. The host hears race_decided at most once, possibly from
  // inside begin() or resolved(), and never after cancel() or stop(); then
  // race_over exactly once, always later in the loop. It must not call in from
  // attempt_open().
  void begin(RaceId id, RaceRequest request);
  // An answer of one family came late, possibly empty.
  void resolved(RaceId id, const race::Resolved& answer);
  void joined(RaceId id, const race::Joined& candidates);
  // The caller has an attempt of its own to that candidate.
  void deferred(RaceId id, const race::Deferred& candidate);
  // Candidates that the newest answer no longer has.
  void withdrawn(RaceId id, const race::Withdrawn& candidates);
  // Ends the race without race_decided.
  void cancel(RaceId id);
  // Ends the race without race_decided: HAPPY_STOPPED with a live attempt if
  // attempt 1 has already ended without success, else with descriptor -1. The
  // same for a race that is over (its outcome has been delivered).
  happy_outcome stop(RaceId id);

  size_t running() const { return races_.size(); }

 private:
  friend class RaceDriver;
  void forget(RaceId id);

  uv_loop_t* const loop_;
  Watch* const watch_;
  const happy_host* const host_;
  TraceSink* const sink_;
  std::unordered_map<RaceId, std::unique_ptr<RaceDriver>> races_;
};

}  // namespace happy::net
