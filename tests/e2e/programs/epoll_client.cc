// A client in the manner of nginx: non-blocking, and the descriptor is in the
// epoll set, level-, edge- or one-shot-triggered, before connect(). Prints the
// reply. Usage: e2e_epoll_client level|edge|oneshot HOST PORT
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "tests/e2e/programs/fetch.h"

namespace {

struct Loop {
  int epoll;
  uint32_t flags;

  void set(int descriptor, int operation, uint32_t events) const {
    epoll_event event{};
    event.events = events | flags;
    event.data.fd = descriptor;
    if (epoll_ctl(epoll, operation, descriptor, &event) != 0) {
      std::perror("epoll_ctl");
      std::exit(2);
    }
  }

  uint32_t wait() const {
    epoll_event event{};
    const int count = epoll_wait(epoll, &event, 1, 9000);
    if (count == 1) return event.events;
    std::fprintf(stderr, "epoll_wait: %d\n", count);
    std::exit(3);
  }
};

// 0, or the errno of a connection that failed.
int connect_by(const Loop& loop, int descriptor, const addrinfo& address) {
  loop.set(descriptor, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
  if (connect(descriptor, address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  while ((loop.wait() & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) {
  }
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

int talk(const Loop& loop, int descriptor) {
  if (send(descriptor, kRequest, sizeof kRequest - 1, 0) < 0) return 4;
  loop.set(descriptor, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP);
  while (true) {
    loop.wait();
    char buffer[4096];
    ssize_t got;
    while ((got = recv(descriptor, buffer, sizeof buffer, 0)) > 0)
      std::fwrite(buffer, 1, static_cast<size_t>(got), stdout);
    if (got == 0) break;
    if (errno != EAGAIN) return 5;
    if ((loop.flags & EPOLLONESHOT) != 0)
      loop.set(descriptor, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP);
  }
  loop.set(descriptor, EPOLL_CTL_DEL, 0);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 1;
  const std::string_view mode = argv[1];
  const Loop loop{epoll_create1(EPOLL_CLOEXEC), mode == "edge" ? EPOLLET
                                                : mode == "oneshot"
                                                    ? EPOLLONESHOT
                                                    : 0U};
  addrinfo* const list = resolve(argv[2], argv[3]);
  int error = 0;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    const int descriptor =
        socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    error = connect_by(loop, descriptor, *one);
    if (error == 0) return talk(loop, descriptor);
    close(descriptor);
  }
  std::fprintf(stderr, "connect: %s\n", std::strerror(error));
  return 7;
}
