#include "tools/happyctl/relay.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace happyctl {
namespace {

constexpr size_t kRoom = 65536;

// 0 or an errno.
int write_all(int to, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t written = write(to, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    data += written;
    size -= static_cast<size_t>(written);
  }
  return 0;
}

enum class Moved { kSome, kEnd, kFailed };

// One read and what it takes to pass it on. `errno` tells of kFailed.
Moved move_some(int from, int to) {
  std::array<char, kRoom> buffer;
  const ssize_t got = read(from, buffer.data(), buffer.size());
  if (got == 0) return Moved::kEnd;
  if (got < 0)
    return errno == EINTR || errno == EAGAIN ? Moved::kSome : Moved::kFailed;
  const int error = write_all(to, buffer.data(), static_cast<size_t>(got));
  errno = error;
  return error == 0 ? Moved::kSome : Moved::kFailed;
}

}  // namespace

int relay(int in, int out, int socket) {
  pollfd ends[] = {{.fd = in, .events = POLLIN, .revents = 0},
                   {.fd = socket, .events = POLLIN, .revents = 0}};
  for (;;) {
    if (poll(ends, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    if (ends[1].revents != 0) {
      const Moved moved = move_some(socket, out);
      if (moved == Moved::kFailed) return errno;
      if (moved == Moved::kEnd) return 0;
    }
    if (ends[0].revents == 0) continue;
    const Moved moved = move_some(in, socket);
    if (moved == Moved::kFailed) return errno;
    if (moved == Moved::kEnd) {
      shutdown(socket, SHUT_WR);
      ends[0].fd = -1;  // poll() leaves it out
    }
  }
}

}  // namespace happyctl
