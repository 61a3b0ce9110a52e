// A blocking connect(): attempt 1 stays on the caller's descriptor, the helper
// runs the others, and the caller waits in recv(2) on a socketpair whose
// SO_RCVTIMEO is the caller's SO_SNDTIMEO. That matches connect(2) in signals,
// SA_RESTART, SIGSTOP and SIGCONT, time-out and cancellation; a read on an
// eventfd does not once a time-out is set.
#pragma once

#include "core/engine.h"
#include "shim/attempts.h"
#include "shim/race.h"

namespace happy::shim::blocking {

int connect(int fd, const sockaddr* address, socklen_t length,
            const attempts::Target& target, happy_plan* plan);
// Under races::lock(): the waiting thread has something to look at.
void wake(Race* race);
// Under races::lock(): another thread has stopped the race, with this outcome,
// and disconnects the socket next; the waiting one returns ECONNRESET.
void end_locked(Race* race, const happy_outcome& outcome);
// Ends waits of this thread that a handler left by siglongjmp(). One load when
// there are none.
void reap_abandoned();

}  // namespace happy::shim::blocking
