// One uv_timer_t with a std::function behind it. May be destroyed at any time:
// the handle is freed in its close callback, as libuv asks. Loop thread only.
#pragma once

#include <uv.h>

#include <functional>

#include "core/base/time.h"

namespace happy {

class LoopTimer {
 public:
  explicit LoopTimer(uv_loop_t* loop);
  ~LoopTimer();
  LoopTimer(const LoopTimer&) = delete;
  LoopTimer& operator=(const LoopTimer&) = delete;

  // Calls `callback` once at `time`, or soon if that has passed; replaces what
  // was set before.
  void at(Time time, std::function<void()> callback);
  void stop();

 private:
  struct Handle {
    uv_timer_t timer;
    std::function<void()> callback;
  };
  Handle* handle_;
};

}  // namespace happy
