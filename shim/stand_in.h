// A stand-in: a TCP socket that stays in SYN_SENT, shown to the host under a
// racing descriptor, so that the kernel itself answers poll, connect, send and
// the rest as for a connection in progress. It connects to a loopback listener
// of ours whose accept queue is full, so that the kernel drops its SYNs.
// Unprivileged, both families.
#pragma once

#include <stdint.h>

namespace happy::shim::stand_in {

// An owned descriptor (descriptors.h), non-blocking; -1 where none can be made
// (loopback down, no descriptors, too many): then no race.
// `connect_ms`: the kernel reports ETIMEDOUT after it (floor: about 1 s);
// 0: never.
int make(int family, uint32_t connect_ms);
// The number of stand-ins alive is bounded; tell when one is closed.
void closed();
void after_fork_child();

}  // namespace happy::shim::stand_in
