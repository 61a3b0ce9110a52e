// Hooks of connect(2), and of what answers for a socket while it races.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "shim/context.h"
#include "shim/disguises.h"
#include "shim/export.h"
#include "shim/fd_table.h"
#include "shim/names.h"
#include "shim/races.h"
#include "shim/real.h"
#include "shim/socket_options.h"

using namespace happy;
using namespace happy::shim;
using socket_options::Effect;

namespace {

// Whether `fd` may show a race: one relaxed load when there are none.
bool may_race(int fd) {
  return races::any() && !bypassed() && races::hint(fd) != nullptr;
}

[[gnu::noinline]] int connect_known(int fd, const sockaddr* address,
                                    socklen_t length) {
  if (bypassed()) return real::connect(fd, address, length);
  const bool racing = may_race(fd);
  if (!racing && !names::maybe_known(address, length)) {
    return real::connect(fd, address, length);
  }
  return races::connect(fd, address, length, !racing);
}

int set_option(int fd, int level, int name, const void* value,
               socklen_t length) {
  if (!may_race(fd)) return real::setsockopt(fd, level, name, value, length);
  const Guard guard(races::lock());
  return real::setsockopt(races::spokesman_locked(fd), level, name, value,
                          length);
}

[[gnu::noinline]] int set_and_note(int fd, int level, int name,
                                   const void* value, socklen_t length) {
  bool kept = true;
  int result;
  const int saved = errno;
  {
    const Guard guard(races::lock());
    const int speaker = races::spokesman_locked(fd);
    result = real::setsockopt(speaker, level, name, value, length);
    if (result != 0) return result;
    kept = races::option_set_locked(fd, level, name, value, length);
  }
  if (!kept) races::settle(fd, races::Blocked::kGoOn);
  errno = saved;
  return result;
}

[[gnu::noinline]] void mark_uncopyable(int fd) {
  const int saved = errno;
  fd_table::mark_uncopyable(fd);
  errno = saved;
}

}  // namespace

// Returns what connect(2) returns, with errno set the same way. A cancellation
// point: no noexcept, no catch.
HAPPY_EXPORT int connect(int fd, const sockaddr* address, socklen_t length) {
  if (!races::any() && !names::maybe_known(address, length)) [[likely]]
    return real::connect(fd, address, length);
  return connect_known(fd, address, length);
}
HAPPY_ALIAS(__connect, connect);

// A connecting socket that is shut down is a failed one: attempt 1 is put back
// and takes it.
HAPPY_EXPORT int shutdown(int fd, int how) __THROW {
  const bool valid = how == SHUT_RD || how == SHUT_WR || how == SHUT_RDWR;
  if (valid && may_race(fd)) races::settle(fd, races::Blocked::kEndToo);
  return real::shutdown(fd, how);
}

// During a race options are set on attempt 1; the winner gets them too, unless
// they are such as attempts may not go without: those end the race first.
HAPPY_EXPORT int setsockopt(int fd, int level, int name, const void* value,
                            socklen_t length) __THROW {
  int result;
  if (disguises::any() && disguises::answer_setsockopt(fd, level, &result))
    return result;
  const Effect effect = socket_options::effect_of(level, name);
  if (effect == Effect::kNone || bypassed()) {
    return set_option(fd, level, name, value, length);
  }
  if (effect != Effect::kTravels && may_race(fd)) {
    races::settle(fd, races::Blocked::kGoOn);
  }
  result = may_race(fd) ? set_and_note(fd, level, name, value, length)
                        : real::setsockopt(fd, level, name, value, length);
  if (result != 0) return result;
  socket_options::mark_set(level, name);
  if (effect == Effect::kForbids) mark_uncopyable(fd);
  return result;
}

// SO_ERROR is the stand-in's to answer: 0 while in progress.
HAPPY_EXPORT int getsockopt(int fd, int level, int name, void* value,
                            socklen_t* length) __THROW {
  int answer;
  if (disguises::any() &&
      disguises::answer_getsockopt(fd, level, name, value, length, &answer))
    return answer;
  if (!may_race(fd) || (level == SOL_SOCKET && name == SO_ERROR)) {
    return real::getsockopt(fd, level, name, value, length);
  }
  const Guard guard(races::lock());
  const int speaker = races::spokesman_locked(fd);
  const int result = real::getsockopt(speaker, level, name, value, length);
  if (result == 0) {
    races::option_read_locked(fd, level, name, value, *length);
  }
  return result;
}

HAPPY_EXPORT int getsockname(int fd, sockaddr* address,
                             socklen_t* length) __THROW {
  int answer;
  if (disguises::any() &&
      disguises::answer_getsockname(fd, address, length, &answer))
    return answer;
  if (!may_race(fd)) return real::getsockname(fd, address, length);
  const Guard guard(races::lock());
  return real::getsockname(races::spokesman_locked(fd), address, length);
}

// The stand-in is not connected, nor is attempt 1: the kernel says ENOTCONN of
// either.
HAPPY_EXPORT int getpeername(int fd, sockaddr* address,
                             socklen_t* length) __THROW {
  int answer;
  if (disguises::any() &&
      disguises::answer_getpeername(fd, address, length, &answer))
    return answer;
  return real::getpeername(fd, address, length);
}
