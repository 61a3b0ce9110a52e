// Hooks of what hands descriptors to other programs: exec, spawn, and
// SCM_RIGHTS. A racing number must not leave as a stand-in, so attempt 1 is put
// back first. With no race in flight each is one relaxed load.
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/context.h"
#include "shim/export.h"
#include "shim/process.h"
#include "shim/races.h"
#include "shim/real.h"

using namespace happy;
using namespace happy::shim;

namespace {

// Before this process's descriptors go over to another program. In a vfork
// child only its own descriptor table is changed, no memory.
void before_handing_on() {
  if (!races::any() || bypassed()) return;
  if (process::is_vfork_child()) {
    races::uncover_for_exec();
  } else {
    races::settle_inheritable();
  }
}

// The arguments of execl() and friends as a vector on the caller's stack.
template <typename Exec>
int exec_list(const char* first, va_list arguments, Exec exec) {
  va_list again;
  va_copy(again, arguments);
  size_t count = 1;
  while (va_arg(arguments, const char*) != nullptr) ++count;
  auto** vector =
      static_cast<char**>(__builtin_alloca((count + 1) * sizeof(char*)));
  vector[0] = const_cast<char*>(first);
  for (size_t i = 1; i <= count; ++i) vector[i] = va_arg(again, char*);
  char* const* environment = va_arg(again, char* const*);
  va_end(again);
  return exec(vector, environment);
}

void settle_passed(const msghdr* message) {
  if (message == nullptr || message->msg_control == nullptr) return;
  auto* mutable_message = const_cast<msghdr*>(message);
  for (cmsghdr* at = CMSG_FIRSTHDR(message); at != nullptr;
       at = CMSG_NXTHDR(mutable_message, at)) {
    if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) continue;
    const size_t size = at->cmsg_len - CMSG_LEN(0);
    for (size_t i = 0; i + sizeof(int) <= size; i += sizeof(int)) {
      int fd;
      memcpy(&fd, CMSG_DATA(at) + i, sizeof fd);
      if (races::hint(fd) != nullptr) races::settle(fd);
    }
  }
}

bool may_pass_descriptors() {
  return races::any() && !bypassed() && !process::is_vfork_child();
}

}  // namespace

HAPPY_EXPORT int execve(const char* path, char* const arguments[],
                        char* const environment[]) __THROW {
  before_handing_on();
  return real::execve(path, arguments, environment);
}

HAPPY_EXPORT int execv(const char* path, char* const arguments[]) __THROW {
  before_handing_on();
  return real::execv(path, arguments);
}

HAPPY_EXPORT int execvp(const char* file, char* const arguments[]) __THROW {
  before_handing_on();
  return real::execvp(file, arguments);
}

HAPPY_EXPORT int execvpe(const char* file, char* const arguments[],
                         char* const environment[]) __THROW {
  before_handing_on();
  return real::execvpe(file, arguments, environment);
}

HAPPY_EXPORT int fexecve(int fd, char* const arguments[],
                         char* const environment[]) __THROW {
  before_handing_on();
  return real::fexecve(fd, arguments, environment);
}

HAPPY_EXPORT int execveat(int folder, const char* path, char* const arguments[],
                          char* const environment[], int flags) __THROW {
  before_handing_on();
  return real::execveat(folder, path, arguments, environment, flags);
}

HAPPY_EXPORT int execl(const char* path, const char* first, ...) __THROW {
  before_handing_on();
  va_list arguments;
  va_start(arguments, first);
  const int result = exec_list(first, arguments, [path](char** vector, auto) {
    return real::execv(path, static_cast<char* const*>(vector));
  });
  va_end(arguments);
  return result;
}

HAPPY_EXPORT int execlp(const char* file, const char* first, ...) __THROW {
  before_handing_on();
  va_list arguments;
  va_start(arguments, first);
  const int result = exec_list(first, arguments, [file](char** vector, auto) {
    return real::execvp(file, static_cast<char* const*>(vector));
  });
  va_end(arguments);
  return result;
}

HAPPY_EXPORT int execle(const char* path, const char* first, ...) __THROW {
  before_handing_on();
  va_list arguments;
  va_start(arguments, first);
  const int result = exec_list(
      first, arguments, [path](char** vector, char* const* environment) {
        return real::execve(path, static_cast<char* const*>(vector),
                            environment);
      });
  va_end(arguments);
  return result;
}

HAPPY_EXPORT int posix_spawn(pid_t* pid, const char* path,
                             const posix_spawn_file_actions_t* actions,
                             const posix_spawnattr_t* attributes,
                             char* const arguments[],
                             char* const environment[]) {
  before_handing_on();
  return real::posix_spawn(pid, path, actions, attributes, arguments,
                           environment);
}

HAPPY_EXPORT int posix_spawnp(pid_t* pid, const char* file,
                              const posix_spawn_file_actions_t* actions,
                              const posix_spawnattr_t* attributes,
                              char* const arguments[],
                              char* const environment[]) {
  before_handing_on();
  return real::posix_spawnp(pid, file, actions, attributes, arguments,
                            environment);
}

HAPPY_EXPORT int system(const char* command) {
  before_handing_on();
  return real::system(command);
}

HAPPY_EXPORT FILE* popen(const char* command, const char* mode) {
  before_handing_on();
  return real::popen(command, mode);
}

HAPPY_EXPORT ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  if (may_pass_descriptors()) settle_passed(message);
  return real::sendmsg(fd, message, flags);
}

HAPPY_EXPORT int sendmmsg(int fd, mmsghdr* messages, unsigned count,
                          int flags) {
  if (may_pass_descriptors()) {
    for (unsigned i = 0; i < count; ++i) settle_passed(&messages[i].msg_hdr);
  }
  return real::sendmmsg(fd, messages, count, flags);
}
