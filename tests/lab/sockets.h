// Listening sockets of the labs: good ones, black holes and silent ones. A
// refusing address needs none: it is one on which nobody listens.
#pragma once

#include <cstdint>

#include "core/base/ip.h"
#include "tests/lab/descriptor.h"

namespace happy::lab {

enum class Listening : uint8_t {
  kOpen,
  // Its queue is full and nobody accepts: the kernel drops every SYN, so that
  // connect() hangs as behind a firewall that drops. Needs no privilege, where
  // a drop-all SO_ATTACH_FILTER is root's on newer kernels.
  kBlackHole,
};

// A non-blocking TCP listener; throws std::system_error.
Descriptor listen_on(const Endpoint& endpoint,
                     Listening listening = Listening::kOpen);

// A port for servers: random, below the range of automatic ports, so that no
// client's own port is in the way. Free on 127.0.0.1 at the time of asking.
uint16_t likely_free_port();

}  // namespace happy::lab
