#include "shim/blocking.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "shim/context.h"
#include "shim/core_loader.h"
#include "shim/descriptors.h"
#include "shim/exchange.h"
#include "shim/races.h"
#include "shim/real.h"

namespace happy::shim::blocking {
namespace {

// The innermost wait of this thread. Kept in the heap, not on the stack: a
// signal handler may leave the frame by siglongjmp().
constinit thread_local Race* waiting = nullptr;

bool make_wake_pair(Race* race, int fd) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return false;
  }
  race->wake[0] = own::take(pair[0]);
  race->wake[1] = own::take(pair[1]);
  timeval limit{};
  socklen_t length = sizeof limit;
  real::getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, static_cast<void*>(&limit),
                   &length);
  real::setsockopt(race->wake[0], SOL_SOCKET, SO_RCVTIMEO,
                   static_cast<const void*>(&limit), socklen_t{sizeof limit});
  return true;
}

// Ends the race for the caller's sake; afterwards race->outcome is valid,
// unless somebody closed the descriptor (kEnded).
void stop(Race* race) {
  uint64_t handle = 0;
  {
    const Guard guard(races::lock());
    handle = race->handle;
    race->handle = 0;
  }
  if (handle == 0) return;
  happy_outcome outcome{};
  {
    const CoreCall call;
    core::loaded()->race_stop(handle, &outcome);
  }
  const Guard guard(races::lock());
  if (race->decided) return;
  race->outcome = outcome;
  race->decided = true;
}

// Puts the winner, or a live attempt, behind the caller's numbers; attempt 1
// needs nothing, and has the errors to return. The descriptor that now is the
// connection, owned by the race until it is dropped.
int install_locked(Race* race) {
  const bool failed = race->outcome.kind == HAPPY_ALL_FAILED;
  const int other = failed ? -1 : race->outcome.descriptor;
  attempts::settle_options(race, other >= 0 ? other : race->attempt);
  if (other >= 0) {
    exchange::replace(race, other);
    real::shutdown(race->attempt, int{SHUT_RDWR});  // who polls it wakes
  }
  exchange::hide_all(race);
  return other >= 0 ? other : race->attempt;
}

int install(Race* race) {
  const Guard guard(races::lock());
  return install_locked(race);
}

void drop_race(void* race) { drop(static_cast<Race*>(race)); }

// The rest of the host's one call, without a race any more. The kernel would
// call a second time-out EALREADY.
int go_on(Race* race, int descriptor, const sockaddr* address,
          socklen_t length) {
  int result;
  pthread_cleanup_push(drop_race, race);
  result = real::connect(descriptor, address, length);
  pthread_cleanup_pop(0);
  if (result != 0 && errno == EALREADY) errno = EINPROGRESS;
  return result;
}

int result_of(int error) {
  errno = error;
  return error == 0 ? 0 : -1;
}

int timed_out(int descriptor) {
  attempts::disconnect(descriptor);
  return result_of(ETIMEDOUT);
}

// `interruption`: the errno of a wait that ended early, else 0.
int finish(Race* race, const sockaddr* address, socklen_t length,
           int interruption) {
  if (interruption != 0) stop(race);
  // Closed by another thread: the kernel would go on with attempt 1.
  if (!race->decided) return go_on(race, race->attempt, address, length);
  const int descriptor = install(race);
  switch (race->outcome.kind) {
    case HAPPY_WON:
      // Reaps the kernel's "connecting" state, as a blocking connect() does:
      // 0 now, EISCONN from then on.
      return real::connect(descriptor, address, length);
    case HAPPY_TIMED_OUT:
      return timed_out(descriptor);
    case HAPPY_STOPPED:
      if (race->goes_on && interruption == 0) {
        return go_on(race, descriptor, address, length);
      }
      // Else end_locked(): the kernel resets a connection that is shut down.
      return result_of(interruption != 0 ? interruption : ECONNRESET);
    default:
      break;
  }
  if (race->error_at_once != 0) return result_of(race->error_at_once);
  // Ended by the rule's attempt_ms before the kernel gave up.
  if (attempts::tcp_state(race->attempt) == TCP_SYN_SENT) {
    return timed_out(race->attempt);
  }
  return real::connect(race->attempt, address, length);  // its own error
}

// The thread is cancelled, or has left its wait: attempt 1 goes on, as in the
// kernel.
void abandon(void* context) {
  auto* race = static_cast<Race*>(context);
  waiting = race->outer_wait;
  stop(race);
  if (race->decided) install(race);
  drop(race);
}

// 0 when woken, else the errno that connect(2) would have.
int wait(Race* race) {
  race->frame = __builtin_frame_address(0);
  race->outer_wait = waiting;
  waiting = race;
  char byte;
  ssize_t got;
  pthread_cleanup_push(abandon, race);
  got = recv(race->wake[0], &byte, 1, 0);
  pthread_cleanup_pop(0);
  waiting = race->outer_wait;
  if (got == 1) return 0;
  return errno == EAGAIN ? EINPROGRESS : errno;
}

}  // namespace

int connect(int fd, const sockaddr* address, socklen_t length,
            const attempts::Target& target, happy_plan* plan) {
  Race* race = nullptr;
  {
    attempts::Start start(fd, address, length, target, plan);
    const int result = start.connect();
    const int error = errno;
    if (!start.worth_racing(result, error)) {
      if (result == 0 || error != EINPROGRESS)
        return result_of(error * (result != 0));
      return real::connect(fd, address, length);  // connected: reap it
    }
    race = start.make_race(error);
    const bool ready = race != nullptr && make_wake_pair(race, fd);
    if (!ready) start.give_up("no descriptors");
    const bool launched = ready && start.launch(race);
    if (launched) {
      const Guard guard(races::lock());
      exchange::show(race, fd);
      race->state = RaceState::kBlocking;
      start.enter(race);
      if (race->decided) wake(race);
    }
    if (!launched) {
      if (race != nullptr) drop(race);
      return error == EINPROGRESS ? real::connect(fd, address, length)
                                  : result_of(error);
    }
  }
  const int interruption = wait(race);
  const int result = finish(race, address, length, interruption);
  const int error = errno;
  drop(race);
  errno = error;
  return result;
}

void end_locked(Race* race, const happy_outcome& outcome) {
  if (race->decided) return;
  race->outcome = outcome;
  race->decided = true;
  install_locked(race);
  wake(race);
}

void wake(Race* race) {
  const char byte = 1;
  send(race->wake[1], &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void reap_abandoned() {
  if (waiting == nullptr) [[likely]]
    return;
  stack_t stack{};
  if (sigaltstack(nullptr, &stack) == 0 && (stack.ss_flags & SS_ONSTACK)) {
    return;  // inside a handler: frames cannot be compared
  }
  const void* here = __builtin_frame_address(0);
  while (waiting != nullptr && here > waiting->frame) abandon(waiting);
}

}  // namespace happy::shim::blocking
