// A library that resolves and connects when programs seldom do: in its
// constructor, in an atexit(3) handler and in its destructor. Preloaded behind
// another one its constructor runs before that one's, its destructor after.
// Prints a line for each; EARLY_AND_LATE is "NAME PORT".
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

// Connects, waits where that is in progress, and says to whom.
void connect_to(const addrinfo& place, int flags, char* out, size_t size) {
  const int fd = socket(place.ai_family, SOCK_STREAM | flags, 0);
  int result = connect(fd, place.ai_addr, place.ai_addrlen);
  if (result != 0 && errno == EINPROGRESS) {
    pollfd one{fd, POLLOUT, 0};
    result = poll(&one, 1, 5000) == 1 ? 0 : -1;
  }
  sockaddr_in peer{};
  socklen_t length = sizeof peer;
  if (result != 0 ||
      getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) {
    snprintf(out, size, "%s", strerrordesc_np(errno));
  } else {
    inet_ntop(AF_INET, &peer.sin_addr, out, static_cast<socklen_t>(size));
  }
  const int copy = dup(fd);
  if (copy < 0 || close(copy) != 0 || close(fd) != 0)
    snprintf(out, size, "not closed");
}

void look_up_and_connect(const char* when) {
  char name[128] = "", port[16] = "";
  const char* wanted = getenv("EARLY_AND_LATE");
  if (wanted == nullptr || sscanf(wanted, "%127s %15s", name, port) != 2)
    return;
  addrinfo hints{}, *list = nullptr;
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  const int error = getaddrinfo(name, port, &hints, &list);
  char blocking[64] = "", waiting[64] = "";
  if (error != 0) {
    snprintf(blocking, sizeof blocking, "%s", gai_strerror(error));
  } else {
    connect_to(*list, 0, blocking, sizeof blocking);
    connect_to(*list, SOCK_NONBLOCK, waiting, sizeof waiting);
    freeaddrinfo(list);
  }
  char line[256];
  const int length =
      snprintf(line, sizeof line, "%s: %s %s\n", when, blocking, waiting);
  if (write(1, line, static_cast<size_t>(length)) != length) _exit(3);
}

void at_exit() { look_up_and_connect("atexit"); }

__attribute__((constructor)) void at_load() {
  look_up_and_connect("constructor");
  atexit(at_exit);
}

__attribute__((destructor)) void at_end() { look_up_and_connect("destructor"); }

}  // namespace
