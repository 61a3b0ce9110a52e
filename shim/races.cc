#include "shim/races.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include "shim/attempts.h"
#include "shim/blocking.h"
#include "shim/context.h"
#include "shim/core_loader.h"
#include "shim/descriptors.h"
#include "shim/disguises.h"
#include "shim/epoll_sets.h"
#include "shim/exchange.h"
#include "shim/names.h"
#include "shim/process.h"
#include "shim/readable.h"
#include "shim/real.h"
#include "shim/stand_in.h"

namespace happy::shim::races {

constinit std::atomic<int> in_flight{0};
constinit Lock table_lock;

namespace {

// The file that the race shows from now on, and a wake-up for whoever sleeps
// on the stand-in.
void put_back(Race* race, int descriptor) {
  exchange::replace(race, descriptor);
  real::shutdown(race->stand_in, int{SHUT_RDWR});
}

void deliver_winner(Race* race, int descriptor) {
  const int winner = descriptor >= 0 ? descriptor : race->attempt;
  attempts::settle_options(race, winner);
  put_back(race, winner);
  own::close(descriptor);
  race->outcome.descriptor = -1;
  if (race->number_count == 0) return;
  // For who sleeps on the old queue and waits for input only.
  race->state = RaceState::kLingering;
  hold(race);
  if (core::loaded()->watch(race->numbers[0], 0, race) != 0) {
    exchange::hide_all(race);
    drop(race);
  }
}

void give_back(Race* race, int descriptor) {
  const int given = descriptor >= 0 ? descriptor : race->attempt;
  attempts::settle_options(race, given);
  put_back(race, given);
  exchange::hide_all(race);
}

// Attempt 1 may have been given up by the rule's attempt_ms before the kernel
// did: it is shown when it has its ETIMEDOUT, at its next retransmission (the
// first is after 1 s). False: it cannot be waited for.
bool wait_for_error(Race* race) {
  if (attempts::tcp_state(race->attempt) != TCP_SYN_SENT) return false;
  attempts::expire(race->attempt);
  race->state = RaceState::kExpiring;
  hold(race);
  if (core::loaded()->watch(race->attempt, 1, race) == 0) return true;
  drop(race);
  return false;
}

void deliver_failure(Race* race, int descriptor) {
  if (descriptor >= 0 || !wait_for_error(race)) give_back(race, descriptor);
}

// After connect_ms the kernel reports ETIMEDOUT on the stand-in by itself;
// attempt 1 is made fresh for a host that uses the socket again.
void deliver_time_out(Race* race) {
  if (race->connect_ms == 0) return deliver_failure(race, -1);
  race->state = RaceState::kTimedOut;
  attempts::disconnect(race->attempt);
  attempts::settle_options(race, race->attempt);
}

void deliver(Race* race) {
  switch (race->outcome.kind) {
    case HAPPY_WON:
      deliver_winner(race, race->outcome.descriptor);
      break;
    case HAPPY_TIMED_OUT:
      deliver_time_out(race);
      break;
    default:
      deliver_failure(race, race->outcome.descriptor);
      break;
  }
}

void stop_watching(Race* race, int descriptor) {
  const CoreCall call;
  if (core::loaded()->unwatch(descriptor, race)) drop(race);
}

void cancel(Race* race) {
  if (race->handle == 0) return;
  const CoreCall call;
  core::loaded()->race_cancel(race->handle);
  race->handle = 0;
}

// Under the lock: the race of `fd`, if the number still shows it.
Race* current(int fd) {
  Race* race = hint(fd);
  if (race == nullptr || exchange::is_shown(race, fd)) return race;
  closing_locked(fd);  // closed behind our back; another file has the number
  return nullptr;
}

// Attempt 1, fresh, in place of a stand-in whose ETIMEDOUT has been seen.
void leave_timed_out(int fd) {
  const Guard guard(lock());
  Race* race = current(fd);
  if (race != nullptr && race->state == RaceState::kTimedOut) {
    give_back(race, -1);
  }
}

// A second connect() on a racing descriptor: the kernel answers on the
// stand-in (EALREADY) or on the winner (0 once, then EISCONN).
int connect_again(int fd, const sockaddr* address, socklen_t length) {
  if (length >= sizeof address->sa_family &&
      is_readable(address, sizeof *address) &&
      address->sa_family == AF_UNSPEC) {
    settle(fd, Blocked::kEndToo);
    leave_timed_out(fd);
    return real::connect(fd, address, length);
  }
  const int result = real::connect(fd, address, length);
  const int error = errno;
  leave_timed_out(fd);
  errno = error;
  return result;
}

// TCP_USER_TIMEOUT of the attempts is the library's until the race ends.
bool has_own_time_out(const Race& race, int level, int name) {
  return level == IPPROTO_TCP && name == TCP_USER_TIMEOUT &&
         race.timeout_ms != 0 && race.state != RaceState::kLingering;
}

bool is_racing(int fd) {
  if (hint(fd) == nullptr) return false;
  const Guard guard(lock());
  return current(fd) != nullptr;
}

// Attempt 1 on the caller's socket, then the race around it.
int connect_non_blocking(int fd, const sockaddr* address, socklen_t length,
                         const attempts::Target& target, happy_plan* plan) {
  attempts::Start start(fd, address, length, target, plan);
  const int result = start.connect();
  const int error = errno;
  if (!start.worth_racing(result, error)) {
    errno = error;
    return result;
  }
  Race* race = start.make_race(error);
  if (race != nullptr) {
    race->stand_in = stand_in::make(target.family, race->connect_ms);
  }
  if (race == nullptr || race->stand_in < 0) {
    if (race != nullptr) drop(race);
    start.give_up("no stand-in can be made");
    errno = error;
    return result;
  }
  const bool launched = start.launch(race);
  if (launched) {
    const Guard guard(lock());
    exchange::show(race, fd);
    exchange::replace(race, race->stand_in);
    race->state = RaceState::kStandIn;
    start.enter(race);
    if (race->decided) deliver(race);
  }
  drop(race);
  errno = launched ? EINPROGRESS : error;
  return launched ? -1 : result;
}

int connect_or_race(int fd, const sockaddr* address, socklen_t length,
                    bool known) {
  blocking::reap_abandoned();
  process::notice_fork();
  if (is_racing(fd)) return connect_again(fd, address, length);
  if (!known) known = names::maybe_known(address, length);
  if (!known || process::is_vfork_child()) {
    return real::connect(fd, address, length);
  }
  attempts::Target target;
  happy_plan* plan = attempts::plan(fd, address, length, &target);
  if (plan == nullptr) return real::connect(fd, address, length);
  if (plan->fail_with != 0) return attempts::fail(plan);
  return (target.status & O_NONBLOCK) != 0
             ? connect_non_blocking(fd, address, length, target, plan)
             : blocking::connect(fd, address, length, target, plan);
}

void forget_locked(int fd, FdEntry* entry) {
  entry->uncopyable.store(false);
  entry->disguise.store(0);
  Race* race = entry->race.load();
  // The stand-in, and attempt 1 for a moment after it has won, are open under
  // numbers of the library's as well.
  if (race != nullptr && race->number_count == 1 &&
      exchange::is_shown(race, fd)) {
    epoll_sets::take_out(fd);
  }
  epoll_sets::forget(fd);
  if (race == nullptr) return;
  const RaceState state = race->state;
  hold(race);
  exchange::hide(race, fd);
  if (race->number_count == 0) {
    cancel(race);
    if (state == RaceState::kLingering) stop_watching(race, fd);
    if (state == RaceState::kExpiring) stop_watching(race, race->attempt);
    if (state == RaceState::kBlocking) blocking::wake(race);
  }
  drop(race);
}

}  // namespace

void count(int change) {
  const int before = in_flight.fetch_add(change);
  if (before == 0 || before + change == 0) own::attend_to_all(before == 0);
}

int connect(int fd, const sockaddr* address, socklen_t length, bool known) {
  const int saved = errno;
  const int result = connect_or_race(fd, address, length, known);
  if (result == 0) errno = saved;  // attempt 1 has left EINPROGRESS there
  return result;
}

void closing_locked(int fd) {
  fd_table::unmark_duplicated(fd);
  FdEntry* entry = fd_table::find(fd);
  if (entry == nullptr) return;
  const int saved = errno;  // close() that succeeds leaves it alone
  forget_locked(fd, entry);
  errno = saved;
}

void duplicated_locked(int fd, int copy) {
  if (!fd_table::is_valid(fd | copy)) return;
  fd_table::mark_duplicated(fd, copy);
  disguises::copy(fd, copy);
  Race* race = current(fd);
  if (race != nullptr) exchange::also_show(race, copy);
}

void settle(int fd, Blocked blocked) {
  // The table is the parent's; the stand-in takes the call for its open file,
  // and the winner follows the stand-in's mode.
  if (process::is_vfork_child()) return;
  Race* race = nullptr;
  uint64_t handle = 0;
  {
    const Guard guard(lock());
    race = current(fd);
    if (race == nullptr) return;
    if (race->state == RaceState::kExpiring) {
      stop_watching(race, race->attempt);
      return give_back(race, -1);
    }
    const bool ends =
        race->state == RaceState::kStandIn ||
        (race->state == RaceState::kBlocking && blocked != Blocked::kLeave);
    if (!ends || race->handle == 0) return;
    hold(race);
    handle = race->handle;
    race->handle = 0;
  }
  happy_outcome outcome{};
  {
    const CoreCall call;
    core::loaded()->race_stop(handle, &outcome);
  }
  const Guard guard(lock());
  if (race->state == RaceState::kStandIn) {  // else decided in the meantime
    race->outcome = outcome;
    race->decided = true;
    give_back(race, outcome.descriptor);
  } else if (race->state == RaceState::kBlocking) {
    race->goes_on = blocked == Blocked::kGoOn;
    blocking::end_locked(race, outcome);
  }
  drop(race);
}

int spokesman_locked(int fd) {
  const Race* race = current(fd);
  if (race == nullptr || race->attempt < 0) return fd;
  return shows_stand_in(*race) ? race->attempt : fd;
}

bool option_set_locked(int fd, int level, int name, const void* value,
                       socklen_t length) {
  Race* race = hint(fd);
  if (race == nullptr || race->attempt < 0) return true;
  race->options_lock.lock();
  const bool kept =
      socket_options::note_change(level, name, value, length, &race->options);
  race->options_lock.unlock();
  if (has_own_time_out(*race, level, name)) {
    attempts::take_callers_timeout(race);
  }
  return kept;
}

void option_read_locked(int fd, int level, int name, void* value,
                        socklen_t length) {
  const Race* race = hint(fd);
  if (race == nullptr || !has_own_time_out(*race, level, name)) return;
  const uint32_t timeout = race->callers_timeout_ms;
  memcpy(value, &timeout, length < sizeof timeout ? length : sizeof timeout);
}

void make_room(int fd) {
  const Race* race = hint(fd);
  if (race != nullptr && race->number_count == Race::kMaxNumbers) settle(fd);
}

void race_decided(void* context, const happy_outcome* outcome) {
  auto* race = static_cast<Race*>(context);
  bool waited_for = false;
  {
    const HelperGuard guard(lock());
    race->handle = 0;
    race->outcome = *outcome;
    race->decided = true;
    if (race->state == RaceState::kStandIn) deliver(race);
    waited_for = race->state == RaceState::kBlocking;
  }
  // Its thread wants the lock at once. The core's reference is still there.
  if (waited_for) blocking::wake(race);
}

// The core watches attempt 1 no longer: a loser that nobody shows is closed.
void race_over(void* context) {
  auto* race = static_cast<Race*>(context);
  // One that a thread waits for never lingers, and that thread has the lock
  // now.
  const bool blocking = race->wake[0] >= 0;
  if (!blocking) {
    const HelperGuard guard(lock());
    if (race->state == RaceState::kLingering) {
      own::close(race->attempt);
      race->attempt = -1;
    }
  }
  drop(race);
}

void watch_fired(void* context) {
  auto* race = static_cast<Race*>(context);
  {
    const HelperGuard guard(lock());
    if (race->state == RaceState::kLingering) {
      real::shutdown(race->stand_in, int{SHUT_RDWR});
      exchange::hide_all(race);
    }
    if (race->state == RaceState::kExpiring) give_back(race, -1);
  }
  drop(race);
}

namespace {

// Calls `visit(fd, entry, race)` for every number that shows a race.
template <typename Visit>
void for_each_racing(Visit visit) {
  for (int page = 0; page < fd_table::kPages; ++page) {
    FdEntry* entries = fd_table::pages[page].load(std::memory_order_acquire);
    if (entries == nullptr) continue;
    for (int i = 0; i < fd_table::kPageEntries; ++i) {
      Race* race = entries[i].race.load(std::memory_order_acquire);
      if (race != nullptr) {
        visit(page * fd_table::kPageEntries + i, entries[i], race);
      }
    }
  }
}

bool is_inheritable(int fd) {
  const int flags = real::fcntl(fd, F_GETFD);
  return flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

// Attempt 1 behind `fd`, in this descriptor table only: without a shutdown,
// since the stand-in is another process's too, and without touching epoll
// sets, which are shared as well.
void uncover(const Race* race, int fd) {
  if (!shows_stand_in(*race) || race->attempt < 0 ||
      !exchange::is_shown(race, fd)) {
    return;
  }
  socket_options::copy_file_status(fd, race->attempt);
  const int flags = real::fcntl(fd, F_GETFD);
  real::dup3(race->attempt, fd, (flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0);
}

}  // namespace

void settle_inheritable() {
  for_each_racing([](int fd, FdEntry&, Race*) {
    if (is_inheritable(fd)) settle(fd);
  });
}

void uncover_for_exec() {
  for_each_racing([](int fd, FdEntry&, Race* race) {
    if (is_inheritable(fd)) uncover(race, fd);
  });
}

// The parent's races go on in the parent; each number here gets attempt 1 back.
void after_fork_child() {
  for_each_racing([](int fd, FdEntry& entry, Race* race) {
    entry.race.store(nullptr);
    uncover(race, fd);
  });
  in_flight.store(0);
  own::attend_to_all(false);
}

}  // namespace happy::shim::races
