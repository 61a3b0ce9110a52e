// The helper thread: one uv_loop_t that runs in a detached thread named
// "happy", started at first need, ended when long idle, with every signal
// blocked. It carries work to the loop; what the work is, it does not know.
// Never destroyed: hosts call in during atexit, so objects of this class are
// leaked on purpose.
#pragma once

#include <uv.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <tl/expected.hpp>
#include <vector>

#include "core/engine.h"
#include "core/net/clock.h"

namespace happy::net {

class Loop {
 public:
  // Work for the loop thread. `set_up` runs there first, after uv_loop_init;
  // an errno other than 0 fails the start (it then has undone its own work).
  using Work = std::function<void()>;
  using SetUp = std::function<int(uv_loop_t*)>;

  // When the thread ends, to be started again by the next work: nothing has
  // been posted for `after`, and for as long there was no handle beyond those
  // of `set_up` and `is_idle` was true. Both functions run on the loop thread;
  // `tear_down` undoes `set_up`, or returns false, having done nothing, if
  // there is work after all.
  struct IdleEnd {
    std::chrono::milliseconds after;
    std::function<bool()> is_idle;
    std::function<bool()> tear_down;
  };

  // `host` outlives the process. Starts nothing yet. Without `idle_end` the
  // thread runs for ever.
  explicit Loop(const happy_host* host, SetUp set_up = {},
                std::optional<IdleEnd> idle_end = {});
  ~Loop() = delete;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Starts the thread unless it runs, and waits until its loop stands. The
  // error is an errno: EMFILE, EAGAIN, ENOMEM; a later call tries again. Any
  // thread; the caller has all signals blocked.
  [[nodiscard]] tl::expected<void, int> start();

  // Runs `work` on the loop thread, in the order of the calls, never from
  // inside post(). Starts the thread if need be; the error is start()'s, and
  // `work` is then dropped. Any thread.
  [[nodiscard]] tl::expected<void, int> post(Work work);

  // The same, and returns once `work` is done. On the loop thread: at once.
  [[nodiscard]] tl::expected<void, int> run_and_wait(const Work& work);

  bool on_loop_thread() const;
  // Whether there is a thread. Any thread; may be out of date at once.
  bool is_running();
  // Valid on the loop thread.
  uv_loop_t* uv() { return &uv_; }

  // Waits until the thread is between two turns of its loop, so that it holds
  // no lock of an allocator or of anything else, and keeps it there until
  // resume(). False: there is nothing to keep, it would take longer than that,
  // or this is the loop thread; resume() must not be called then. Any thread,
  // with no lock that work on the loop may want. In a forked child neither is
  // called.
  bool pause(std::chrono::milliseconds limit);
  void resume();

  // In the child of a fork, where the thread does not exist: closes the loop's
  // descriptors and touches nothing else, no lock either. The object is dead
  // from then on; build another.
  void abandon();

 private:
  enum class State : uint8_t { kStopped, kStarting, kRunning, kEnding };

  static void* thread_main(void* self);
  static void on_async(uv_async_t* async);
  tl::expected<void, int> start_locked(std::unique_lock<std::mutex>& lock);
  int spawn();
  int set_up_loop();
  void undo_loop();
  void run();
  void turn_until_idle();
  void wait_for_events();
  void begin_turn();
  void end_turn();
  int open_handles();
  Duration left_until_idle_end();
  bool end();

  const happy_host* const host_;
  const SetUp set_up_;
  const std::optional<IdleEnd> idle_end_;
  std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::kStopped;  // under mutex_
  bool in_turn_ = false;         // under mutex_; false while events are awaited
  bool paused_ = false;          // under mutex_; no turn begins
  int start_error_ = 0;          // under mutex_
  std::vector<Work> queue_;      // under mutex_
  std::atomic<int> senders_{0};  // between queue_ and uv_async_send
  // Loop thread.
  Time last_work_{};
  int lasting_handles_ = 0;
  uv_loop_t uv_{};
  uv_async_t async_{};
};

}  // namespace happy::net
