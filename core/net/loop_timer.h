// One uv_timer_t with a std::function behind it. May be destroyed at any time,
// also from its own callback. Loop thread only.
#pragma once

#include <uv.h>

#include <functional>

#include "core/base/time.h"
#include "core/net/uv_owner.h"

namespace happy::net {

class LoopTimer {
 public:
  explicit LoopTimer(uv_loop_t* loop);
  LoopTimer(const LoopTimer&) = delete;
  LoopTimer& operator=(const LoopTimer&) = delete;

  // Calls `callback` once at `time`, or soon if that has passed, never from
  // inside at(); replaces what was set before.
  void at(Time time, std::function<void()> callback);
  void stop();

 private:
  UvOwner<uv_timer_t> timer_;
  std::function<void()> callback_;
};

}  // namespace happy::net
