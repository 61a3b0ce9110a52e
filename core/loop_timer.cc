#include "core/loop_timer.h"

#include <algorithm>
#include <utility>

#include "core/net/loop.h"

namespace happy {

LoopTimer::LoopTimer(uv_loop_t* loop) : handle_(new Handle) {
  uv_timer_init(loop, &handle_->timer);
  handle_->timer.data = handle_;
}

LoopTimer::~LoopTimer() {
  handle_->callback = nullptr;
  uv_close(
      reinterpret_cast<uv_handle_t*>(&handle_->timer),
      [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

void LoopTimer::at(Time time, std::function<void()> callback) {
  handle_->callback = std::move(callback);
  uv_update_time(handle_->timer.loop);
  const Duration left = std::max(Duration{0}, time - net::monotonic_now());
  // Rounded up: a timer that fires early would only be set again.
  const auto milliseconds =
      std::chrono::ceil<std::chrono::milliseconds>(left).count();
  uv_timer_start(
      &handle_->timer,
      [](uv_timer_t* timer) {
        const auto call =
            std::exchange(static_cast<Handle*>(timer->data)->callback, nullptr);
        if (call) call();
      },
      static_cast<uint64_t>(milliseconds), 0);
}

void LoopTimer::stop() {
  uv_timer_stop(&handle_->timer);
  handle_->callback = nullptr;
}

}  // namespace happy
