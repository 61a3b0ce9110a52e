// Hooks of what closes, duplicates or changes descriptors, and of epoll_ctl(2).
// With no race in flight and no registration recorded each costs a few loads.
// The library's own descriptors are answered for as if they were not there.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shim/context.h"
#include "shim/descriptors.h"
#include "shim/disguises.h"
#include "shim/epoll_sets.h"
#include "shim/export.h"
#include "shim/fd_table.h"
#include "shim/process.h"
#include "shim/races.h"
#include "shim/real.h"

using namespace happy;
using namespace happy::shim;

namespace {

int bad_descriptor() {
  errno = EBADF;
  return -1;
}

bool is_hidden(int fd) { return own::is(fd) && !bypassed(); }

// Whether nothing is known of `fd`: libc's function is right as it is.
inline bool is_plain(int fd) {
  if (own::is(fd) || fd_table::is_duplicated(fd)) return false;
  const FdEntry* entry = fd_table::find(fd);
  return entry == nullptr || entry->is_blank();
}

// Whether the table says anything about `fd` that its end would make untrue.
bool is_noted(int fd) {
  const FdEntry* entry = fd_table::find(fd);
  const bool blank = entry == nullptr || entry->is_blank();
  return (!blank || fd_table::is_duplicated(fd)) && !bypassed() &&
         !process::is_vfork_child();
}

// The table forgets `fd` in the same locked section that closes it, so that a
// recycled number is never overwritten.
template <typename Close>
int close_noted(int fd, Close close_it) {
  const Guard guard(races::lock());
  races::closing_locked(fd);
  return close_it();
}

[[gnu::noinline]] int close_known(int fd) {
  if (is_hidden(fd)) return bad_descriptor();
  if (!is_noted(fd)) return real::close(fd);
  return close_noted(fd, [fd] { return real::close(fd); });
}

[[gnu::noinline]] int note_duplicate(int fd, int copy) {
  if (passes_through() || process::is_vfork_child()) return copy;
  const int saved = errno;
  {
    const Guard guard(races::lock());
    races::duplicated_locked(fd, copy);
  }
  errno = saved;
  return copy;
}

template <typename Duplicate>
[[gnu::noinline]] int duplicate_known(int fd, Duplicate duplicate_it) {
  if (is_hidden(fd)) return bad_descriptor();
  if (passes_through() || process::is_vfork_child()) return duplicate_it();
  races::make_room(fd);
  const Guard guard(races::lock());
  const int copy = duplicate_it();
  const int error = errno;
  if (copy >= 0) races::duplicated_locked(fd, copy);
  errno = error;
  return copy;
}

// Without a race in flight only marks are to be written, so that one that
// starts on either number finds the other. It is counted before it reads the
// marks, and here it is the other way round: one of the two sees the other.
inline int note_if_raced(int fd, int copy) {
  if (copy < 0 || !fd_table::is_valid(fd | copy)) return copy;
  fd_table::mark_duplicated(fd, copy);
  const bool plain = races::in_flight.load() == 0 && !disguises::any();
  return plain ? copy : note_duplicate(fd, copy);
}

template <typename Duplicate>
inline int duplicate(int fd, Duplicate duplicate_it) {
  if (own::is_attended(fd)) return duplicate_known(fd, duplicate_it);
  return note_if_raced(fd, duplicate_it());
}

// dup2 and dup3: whatever `to` showed ends first.
template <typename Duplicate>
int duplicate_onto(int fd, int to, Duplicate duplicate_it) {
  if (is_hidden(fd)) return bad_descriptor();
  if (is_hidden(to)) {
    errno = EBUSY;  // dup(2): "a race condition with open(2) and dup()"
    return -1;
  }
  if (fd == to || bypassed()) return duplicate_it();
  return duplicate_known(fd, [&] {
    const bool valid = real::fcntl(fd, F_GETFD) >= 0;
    if (valid) races::closing_locked(to);
    return duplicate_it();
  });
}

// Closes what the table notes in [first, last], and calls `close_range_it` for
// the gaps between the library's own descriptors.
template <typename CloseRange>
int sweep(unsigned first, unsigned last, CloseRange close_range_it) {
  const Guard guard(races::lock());
  const int most = last < fd_table::kNumbers ? static_cast<int>(last)
                                             : fd_table::kNumbers - 1;
  for (int fd = static_cast<int>(first); fd <= most; ++fd) {
    if (fd_table::find(fd) == nullptr) {
      fd |= fd_table::kPageEntries - 1;  // no page: nothing noted in it
    } else {
      races::closing_locked(fd);
    }
  }
  unsigned from = first;
  for (int fd = own::next(static_cast<int>(first)); fd >= 0;
       fd = own::next(fd + 1)) {
    const auto number = static_cast<unsigned>(fd);
    if (number > last) break;
    if (number > from && close_range_it(from, number - 1) != 0) return -1;
    from = number + 1;
  }
  return from <= last ? close_range_it(from, last) : 0;
}

}  // namespace

HAPPY_EXPORT int close(int fd) {
  if (is_plain(fd)) [[likely]]
    return real::close(fd);
  return close_known(fd);
}
HAPPY_ALIAS(__close, close);

HAPPY_EXPORT int close_range(unsigned first, unsigned last, int flags) __THROW {
  const auto call = [flags](unsigned from, unsigned to) {
    return real::close_range(from, to, flags);
  };
  const bool closes = (flags & CLOSE_RANGE_CLOEXEC) == 0;
  if (!closes || passes_through() || first > last ||
      first >= fd_table::kNumbers || process::is_vfork_child()) {
    return call(first, last);
  }
  return sweep(first, last, call);
}

HAPPY_EXPORT void closefrom(int first) __THROW {
  if (passes_through() || process::is_vfork_child()) {
    return real::closefrom(first);
  }
  const int saved = errno;
  sweep(first < 0 ? 0 : static_cast<unsigned>(first), ~0U,
        [](unsigned from, unsigned to) {
          if (to == ~0U) {
            real::closefrom(static_cast<int>(from));
          } else {
            for (unsigned fd = from; fd <= to; ++fd) {
              real::close(static_cast<int>(fd));
            }
          }
          return 0;
        });
  errno = saved;
}

// fclose(3) and freopen(3) close inside libc: the table learns it beforehand.
HAPPY_EXPORT int fclose(FILE* file) {
  const int fd = file != nullptr ? fileno_unlocked(file) : -1;
  if (!is_noted(fd)) return real::fclose(file);
  return close_noted(fd, [file] { return real::fclose(file); });
}

// The new file is opened after the old one is closed, which may take long
// (a FIFO): the lock is not held across it.
HAPPY_EXPORT FILE* freopen(const char* path, const char* mode, FILE* file) {
  const int fd = file != nullptr ? fileno_unlocked(file) : -1;
  if (is_noted(fd)) close_noted(fd, [] { return 0; });
  return real::freopen(path, mode, file);
}

HAPPY_EXPORT FILE* freopen64(const char* path, const char* mode, FILE* file) {
  const int fd = file != nullptr ? fileno_unlocked(file) : -1;
  if (is_noted(fd)) close_noted(fd, [] { return 0; });
  return real::freopen64(path, mode, file);
}

HAPPY_EXPORT int dup(int fd) __THROW {
  if (own::is_attended(fd)) {
    return duplicate_known(fd, [fd] { return real::dup(fd); });
  }
  return note_if_raced(fd, HAPPY_REAL_LOADED(dup)(fd));
}

HAPPY_EXPORT int dup2(int fd, int to) __THROW {
  return duplicate_onto(fd, to, [=] { return real::dup2(fd, to); });
}
HAPPY_ALIAS(__dup2, dup2);

HAPPY_EXPORT int dup3(int fd, int to, int flags) __THROW {
  return duplicate_onto(fd, to, [=] { return real::dup3(fd, to, flags); });
}

HAPPY_EXPORT int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
    return duplicate(fd, [=] { return real::fcntl(fd, command, argument); });
  }
  if (is_hidden(fd)) return bad_descriptor();
  // A socket that becomes blocking in mid-race must not be a stand-in.
  const bool blocks = command == F_SETFL &&
                      (reinterpret_cast<intptr_t>(argument) & O_NONBLOCK) == 0;
  if (blocks && races::any() && !bypassed() && races::hint(fd) != nullptr) {
    races::settle(fd);
  }
  return real::fcntl(fd, command, argument);
}
HAPPY_ALIAS(fcntl64, fcntl);
HAPPY_ALIAS(__fcntl, fcntl);

HAPPY_EXPORT int ioctl(int fd, unsigned long request, ...) __THROW {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (is_hidden(fd)) return bad_descriptor();
  if (request == FIONBIO && races::any() && !bypassed() &&
      argument != nullptr && *static_cast<int*>(argument) == 0 &&
      races::hint(fd) != nullptr) {
    races::settle(fd);
  }
  return real::ioctl(fd, request, argument);
}

HAPPY_EXPORT int epoll_ctl(int set, int operation, int fd,
                           epoll_event* event) __THROW {
  if (own::may_be(set | fd) && (is_hidden(set) || is_hidden(fd))) {
    return bad_descriptor();
  }
  if (passes_through() || process::is_vfork_child()) {
    return real::epoll_ctl(set, operation, fd, event);
  }
  const Guard guard(races::lock());
  return epoll_sets::control(set, operation, fd, event);
}

// What libuv makes in the helper thread is moved out of the host's way.
HAPPY_EXPORT int epoll_create1(int flags) __THROW {
  const int fd = real::epoll_create1(flags);
  return helper_thread ? own::take(fd) : fd;
}

HAPPY_EXPORT int eventfd(unsigned count, int flags) __THROW {
  const int fd = real::eventfd(count, flags);
  return helper_thread ? own::take(fd) : fd;
}

HAPPY_EXPORT int pipe2(int ends[2], int flags) __THROW {
  const int result = real::pipe2(ends, flags);
  if (result == 0 && helper_thread) {
    ends[0] = own::take(ends[0]);
    ends[1] = own::take(ends[1]);
  }
  return result;
}

// libuv registers a fork handler that makes pipes in every forked child of the
// host, and aborts where it cannot. The engine is rebuilt in the child instead.
HAPPY_EXPORT int __register_atfork(void (*prepare)(), void (*parent)(),
                                   void (*child)(), void* object) {
  using Register = int (*)(void (*)(), void (*)(), void (*)(), void*);
  static constinit std::atomic<Register> next{nullptr};
  if (helper_thread) return 0;
  Register call = next.load();
  if (call == nullptr) {
    call = reinterpret_cast<Register>(dlsym(RTLD_NEXT, "__register_atfork"));
    next.store(call);
  }
  return call(prepare, parent, child, object);
}
