// The one clock of everything with time-outs.
#pragma once

#include <chrono>

#include "core/base/time.h"

namespace happy::net {

// CLOCK_MONOTONIC, of which uv_now() is the coarse and cached form.
inline Time monotonic_now() {
  return std::chrono::time_point_cast<Duration>(
      std::chrono::steady_clock::now());
}

}  // namespace happy::net
