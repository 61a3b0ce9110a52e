// How long a call may still take and what cancels it; the one place where the
// caller's thread waits.
#pragma once

#include <functional>
#include <optional>

#include "core/net/clock.h"

namespace happy::direct {

class Patience {
 public:
  // `cancel`: a descriptor, or -1. `timeout` counts from now on.
  Patience(std::optional<Duration> timeout, int cancel);

  // Waits until `descriptor` has one of `events` (poll(2)), an error or a
  // hang-up. Returns 0, ETIMEDOUT or ECANCELED. Signals do not end it.
  [[nodiscard]] int wait(int descriptor, short events) const;

  // The time has passed.
  bool is_over() const;

  // Runs `work` on a thread of its own and waits for its end. 0, or an errno:
  // of the above, or of the thread's creation. After another end than 0 `work`
  // goes on by itself, so it has to own what it uses.
  [[nodiscard]] int run(std::function<void()> work) const;

 private:
  std::optional<Time> deadline_;
  int cancel_;
};

}  // namespace happy::direct
