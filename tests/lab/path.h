// What the wire of a namespace lab does to the packets to and from one address
// of the server side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/time.h"

namespace happy::lab {

// What the wire answers a client's packets with, in place of the server.
enum class Refusal : uint8_t {
  kReset,  // of TCP; other packets are swallowed
  // ICMP: destination unreachable. What Linux makes of it at connect():
  kNetUnreachable,   // ENETUNREACH
  kHostUnreachable,  // EHOSTUNREACH
  kPortUnreachable,  // ECONNREFUSED
  kAdminProhibited,  // EHOSTUNREACH over IPv4, EACCES over IPv6
};

struct Path {
  Duration rtt{};           // half of it each way
  Duration jitter{};        // up to this much more each way; order is kept
  double loss = 0;          // share of packets, each way
  bool black_hole = false;  // nothing passes, and nobody says so
  std::optional<Refusal> refusal{};  // arrives at the client after one RTT
  // Cuts each TCP connection after so many octets of the server's: they arrive,
  // then both ends get a reset.
  std::optional<uint64_t> reset_after{};
  // Each way, whole IP packets; what comes faster waits in a queue without end.
  std::optional<uint64_t> octets_per_second{};
};

}  // namespace happy::lab
