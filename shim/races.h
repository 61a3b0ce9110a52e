// The table of races and the exchange of files behind the host's numbers.
//
// A non-blocking connect() shows a stand-in under the caller's number while the
// core races, then the winner. Sleepers in poll(2) and select(2) wait on the
// stand-in's queue: it is shut down after the exchange, so they wake and look
// the number up again. One that waits for input only goes back to sleep on the
// old queue; so the stand-in is kept open, and shut down again at the winner's
// first input ("lingering").
//
// A blocking connect() never shows a stand-in: a thread in recv(2) would see
// ECONNRESET. See blocking.cc.
#pragma once

#include <sys/socket.h>

#include <atomic>

#include "core/engine.h"
#include "shim/fd_table.h"
#include "shim/lock.h"
#include "shim/race.h"

namespace happy::shim::races {

// Races in the table, lingering ones included. With none, every hook is one
// relaxed load away from libc.
extern std::atomic<int> in_flight;
// One more, or one less. Under the lock.
void count(int change);
inline bool any() { return in_flight.load(std::memory_order_relaxed) != 0; }
// The race that `fd` shows, without the lock: a hint.
inline Race* hint(int fd) {
  FdEntry* entry = fd_table::find(fd);
  return entry ? entry->race.load(std::memory_order_relaxed) : nullptr;
}

// Covers the table, epoll registrations and every exchange. Taken with all
// signals blocked (Guard).
extern Lock table_lock;
inline Lock& lock() { return table_lock; }

// connect(2) for the host. `known`: names::maybe_known() has said yes; else it
// is asked where no race answers.
int connect(int fd, const sockaddr* address, socklen_t length, bool known);

// The host closes `fd` (or puts another file there). Ends its race. Under the
// lock, before the real call.
void closing_locked(int fd);
// `copy` now refers to the same file as `fd`. Under the lock.
void duplicated_locked(int fd, int copy);
// Ends the race of `fd` and puts attempt 1, or a live attempt, back: before
// shutdown(), a cleared O_NONBLOCK, AF_UNSPEC. Without the lock. A race that
// has timed out is left: the error on its stand-in is the caller's to read.
// kEndToo: also the race of a thread that is blocked in connect(), since the
// socket is disconnected next. kGoOn: the same, but that thread goes on to wait
// for the socket that is put back.
enum class Blocked : uint8_t { kLeave, kEndToo, kGoOn };
void settle(int fd, Blocked blocked = Blocked::kLeave);
// The same for every number that exec would hand on (no FD_CLOEXEC).
void settle_inheritable();
// Shows attempt 1 under those numbers in this descriptor table, and changes no
// memory: for a vfork child about to exec.
void uncover_for_exec();
// The descriptor that answers for `fd` in getsockopt, setsockopt and
// getsockname while it shows a stand-in: attempt 1; else `fd`.
int spokesman_locked(int fd);

// The host has set an option of a racing socket, on its spokesman. False: it
// cannot be kept for the winner.
bool option_set_locked(int fd, int level, int name, const void* value,
                       socklen_t length);
// The host has read an option from its spokesman: where the attempts have
// another value than the host gave, `value` becomes the host's.
void option_read_locked(int fd, int level, int name, void* value,
                        socklen_t length);
// Ends the race of `fd` if it cannot be shown by one more number.
void make_room(int fd);

// Callbacks of the core (core/engine.h).
int attempt_open(void* context, const sockaddr* address, socklen_t length,
                 int* error);
void race_decided(void* context, const happy_outcome* outcome);
void race_over(void* context);
void watch_fired(void* context);

void after_fork_child();

}  // namespace happy::shim::races
