#include "core/net/loop_timer.h"

#include <algorithm>
#include <utility>

#include "core/net/clock.h"

namespace happy::net {

LoopTimer::LoopTimer(uv_loop_t* loop) {
  auto* timer = new uv_timer_t;
  uv_timer_init(loop, timer);  // cannot fail
  timer->data = this;
  timer_.reset(timer);
}

void LoopTimer::at(Time time, std::function<void()> callback) {
  callback_ = std::move(callback);
  uv_update_time(timer_->loop);
  const Duration left = std::max(Duration{0}, time - monotonic_now());
  // Rounded up: a timer that fires early would only be set again.
  const auto milliseconds =
      std::chrono::ceil<std::chrono::milliseconds>(left).count();
  uv_timer_start(
      timer_.get(),
      [](uv_timer_t* timer) {
        // On the stack: the callback may end this timer.
        const auto call =
            std::exchange(static_cast<LoopTimer*>(timer->data)->callback_, {});
        if (call) call();
      },
      static_cast<uint64_t>(milliseconds), 0);
}

void LoopTimer::stop() {
  uv_timer_stop(timer_.get());
  callback_ = nullptr;
}

}  // namespace happy::net
