// The one notion of time: microseconds of CLOCK_MONOTONIC. Pure code takes it
// as an argument and never reads a clock.
#pragma once

#include <chrono>

namespace happy {

using Duration = std::chrono::microseconds;
using Time = std::chrono::time_point<std::chrono::steady_clock, Duration>;

}  // namespace happy
