// Writing to a log or trace from within somebody else's program. Header only:
// the shim has it too.
#pragma once

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

namespace happy {

// A reader that has gone must not kill the host: a SIGPIPE that this write
// raised is taken back before the mask is restored. What cannot be written is
// lost.
inline void write_quietly(int fd, const char* data, size_t size) {
  sigset_t pipe_only, before, pending;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
  const ssize_t written = write(fd, data, size);
  if (written < 0 && errno == EPIPE && !sigismember(&pending, SIGPIPE)) {
    const timespec now{};
    sigtimedwait(&pipe_only, nullptr, &now);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace happy
