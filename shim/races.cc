#include "shim/races.h"

#include <errno.h>
#include <netinet/tcp.h>

#include "shim/attempts.h"
#include "shim/blocking.h"
#include "shim/context.h"
#include "shim/core_loader.h"
#include "shim/descriptors.h"
#include "shim/epoll_sets.h"
#include "shim/exchange.h"
#include "shim/names.h"
#include "shim/process.h"
#include "shim/readable.h"
#include "shim/real.h"
#include "shim/stand_in.h"

namespace happy::shim::races {

constinit std::atomic<int> in_flight{0};

namespace {

constinit Lock table_lock;

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
  if (core::loaded()->watch(race->numbers[0], race) != 0) {
    exchange::hide_all(race);
    drop(race);
  }
}

void deliver_failure(Race* race, int descriptor) {
  const int failed = descriptor >= 0 ? descriptor : race->attempt;
  attempts::settle_options(race, failed);
  put_back(race, failed);
  exchange::hide_all(race);
}

// After connect_ms the kernel reports ETIMEDOUT on the stand-in by itself;
// attempt 1 is made fresh for a host that uses the socket again. After
// attempt_ms alone it reports the same on attempt 1.
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

// Under the lock: the race of `fd`, if the number still shows it.
Race* current(int fd) {
  Race* race = hint(fd);
  if (race == nullptr || exchange::is_shown(race, fd)) return race;
  closing_locked(fd);  // closed behind our back; another file has the number
  return nullptr;
}

// A second connect() on a racing descriptor: the kernel answers on the
// stand-in (EALREADY) or on the winner (0 once, then EISCONN).
int connect_again(int fd, const sockaddr* address, socklen_t length) {
  if (length >= sizeof address->sa_family &&
      is_readable(address, sizeof *address) &&
      address->sa_family == AF_UNSPEC) {
    settle(fd);
    return real::connect(fd, address, length);
  }
  const int result = real::connect(fd, address, length);
  const int error = errno;
  Guard guard(lock());
  Race* race = current(fd);
  if (race != nullptr && race->state == RaceState::kTimedOut) {
    put_back(race, race->attempt);
    exchange::hide_all(race);
  }
  errno = error;
  return result;
}

bool is_racing(int fd) {
  if (hint(fd) == nullptr) return false;
  Guard guard(lock());
  return current(fd) != nullptr;
}

// Attempt 1 on the caller's socket, then the race around it.
int connect_non_blocking(int fd, const sockaddr* address, socklen_t length,
                         const attempts::Target& target, happy_plan* plan) {
  attempts::Start start(fd, address, length, target, plan);
  if (!start.ready()) {
    start.give_up("an option that cannot be copied");
    return real::connect(fd, address, length);
  }
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

int connect_or_race(int fd, const sockaddr* address, socklen_t length) {
  blocking::reap_abandoned();
  process::notice_fork();
  if (is_racing(fd)) return connect_again(fd, address, length);
  if (!names::maybe_known(address, length) || process::is_vfork_child()) {
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
  entry->duplicated.store(false);
  entry->uncopyable.store(false);
  epoll_sets::forget(fd);
  Race* race = entry->race.load();
  if (race == nullptr) return;
  const RaceState state = race->state;
  hold(race);
  exchange::hide(race, fd);
  if (race->number_count == 0) {
    const CoreCall call;
    if (race->handle != nullptr) core::loaded()->race_cancel(race->handle);
    race->handle = nullptr;
    if (state == RaceState::kLingering && core::loaded()->unwatch(fd, race)) {
      drop(race);
    }
    if (state == RaceState::kBlocking) blocking::wake(race);
  }
  drop(race);
}

}  // namespace

Lock& lock() { return table_lock; }

int connect(int fd, const sockaddr* address, socklen_t length) {
  const int saved = errno;
  const int result = connect_or_race(fd, address, length);
  if (result == 0) errno = saved;  // attempt 1 has left EINPROGRESS there
  return result;
}

void closing_locked(int fd) {
  FdEntry* entry = fd_table::find(fd);
  if (entry == nullptr) return;
  const int saved = errno;  // close() that succeeds leaves it alone
  forget_locked(fd, entry);
  errno = saved;
}

void duplicated_locked(int fd, int copy) {
  FdEntry* from = fd_table::make(fd);
  FdEntry* to = fd_table::make(copy);
  if (from == nullptr || to == nullptr) return;
  from->duplicated.store(true);
  to->duplicated.store(true);
  Race* race = current(fd);
  if (race != nullptr) exchange::also_show(race, copy);
}

void settle(int fd) {
  Race* race = nullptr;
  happy_race* handle = nullptr;
  {
    const Guard guard(lock());
    race = current(fd);
    if (race == nullptr) return;
    if (race->state == RaceState::kTimedOut) {
      put_back(race, race->attempt);
      exchange::hide_all(race);
      return;
    }
    if (race->state != RaceState::kStandIn || race->handle == nullptr) return;
    hold(race);
    handle = race->handle;
    race->handle = nullptr;
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
    deliver_failure(race, outcome.descriptor);
  }
  drop(race);
}

int spokesman_locked(int fd) {
  const Race* race = current(fd);
  if (race == nullptr || race->attempt < 0) return fd;
  const bool hidden =
      race->state == RaceState::kStandIn || race->state == RaceState::kTimedOut;
  return hidden ? race->attempt : fd;
}

void option_set_locked(int fd, int level, int name) {
  Race* race = hint(fd);
  if (race == nullptr || race->attempt < 0) return;
  race->options_lock.lock();
  socket_options::note_change(race->attempt, level, name, &race->options);
  race->options_lock.unlock();
}

void make_room(int fd) {
  const Race* race = hint(fd);
  if (race != nullptr && race->number_count == Race::kMaxNumbers) settle(fd);
}

void race_decided(void* context, const happy_outcome* outcome) {
  auto* race = static_cast<Race*>(context);
  const Guard guard(lock());
  race->handle = nullptr;
  race->outcome = *outcome;
  race->decided = true;
  if (race->state == RaceState::kStandIn) deliver(race);
  if (race->state == RaceState::kBlocking) blocking::wake(race);
}

// The core watches attempt 1 no longer: a loser that nobody shows is closed.
void race_over(void* context) {
  auto* race = static_cast<Race*>(context);
  {
    const Guard guard(lock());
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
    const Guard guard(lock());
    if (race->state == RaceState::kLingering) {
      real::shutdown(race->stand_in, int{SHUT_RDWR});
      exchange::hide_all(race);
    }
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
  const bool hidden =
      race->state == RaceState::kStandIn || race->state == RaceState::kTimedOut;
  if (!hidden || race->attempt < 0 || !exchange::is_shown(race, fd)) return;
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
}

}  // namespace happy::shim::races
