// libc's own functions, past every hook of this library: real::connect(...) at
// the call site. Resolved with dlsym(RTLD_NEXT) once, at load or at the first
// call of a hook, so that other preloaded libraries behind this one keep their
// turn.
#pragma once

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <resolv.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

// Every function that the shim replaces, or must reach past its own hook.
// clang-format off
#define HAPPY_REAL_FUNCTIONS(X)                                               \
  X(connect) X(close) X(dup) X(dup2) X(dup3) X(fcntl) X(ioctl)                \
  X(close_range) X(closefrom) X(fclose) X(freopen) X(freopen64) X(shutdown)   \
  X(setsockopt) X(getsockopt) X(getsockname) X(getpeername) X(epoll_ctl)      \
  X(epoll_create1) X(eventfd) X(pipe2) X(getaddrinfo) X(getaddrinfo_a)        \
  X(gethostbyname) X(gethostbyname2) X(gethostbyname_r) X(gethostbyname2_r)   \
  X(getnameinfo) X(gethostbyaddr) X(gethostbyaddr_r) X(rcmd) X(rcmd_af)       \
  X(rexec) X(rexec_af) X(ruserok) X(ruserok_af) X(res_query)                  \
  X(res_search) X(res_querydomain) X(res_nquery) X(res_nsearch)               \
  X(res_nquerydomain) X(res_send) X(res_nsend) X(execve) X(execv) X(execvp)   \
  X(execvpe) X(fexecve) X(execveat) X(posix_spawn) X(posix_spawnp) X(system)  \
  X(popen) X(sendmsg) X(sendmmsg) X(dlopen)
// clang-format on

namespace happy::real {

struct Table {
#define HAPPY_DECLARE(name) void* name = nullptr;
  HAPPY_REAL_FUNCTIONS(HAPPY_DECLARE)
#undef HAPPY_DECLARE
};

extern Table table;
extern std::atomic<bool> loaded;
void load();  // idempotent
// Where load() has certainly been called.
#define HAPPY_REAL_LOADED(name) \
  reinterpret_cast<decltype(&::name)>(real::table.name)

#define HAPPY_WRAPPER(name)                                               \
  template <typename... Arguments>                                        \
  inline auto name(Arguments... arguments) {                              \
    if (!loaded.load(std::memory_order_acquire)) [[unlikely]]             \
      load();                                                             \
    return reinterpret_cast<decltype(&::name)>(table.name)(arguments...); \
  }
HAPPY_REAL_FUNCTIONS(HAPPY_WRAPPER)
#undef HAPPY_WRAPPER

}  // namespace happy::real
