// One race of the engine's, for a caller who has no socket yet: the addresses
// of a host name in, a connected socket out.
#pragma once

#include <cstdint>
#include <tl/expected.hpp>
#include <vector>

#include "connect/failure.h"
#include "connect/patience.h"
#include "core/base/ip.h"
#include "core/engine.h"

namespace happy::direct {

struct RaceWish {
  std::vector<IpAddress> addresses;  // as look_up() gave them
  std::vector<uint16_t> ports;       // at least one
  uint32_t attempt_ms = 0;           // 0: the policy's
};

// A connected socket, non-blocking and FD_CLOEXEC, which the caller owns.
[[nodiscard]] tl::expected<int, Failure> race(const RaceWish& wish,
                                              const Patience& patience);

// The engine's callbacks (happy_host); `context` is of race()'s making.
class Race {
 public:
  static int attempt_open(void* context, const sockaddr* address,
                          socklen_t length, int* error);
  static void decided(void* context, const happy_outcome* outcome);
  static void over(void* context);
};

}  // namespace happy::direct
