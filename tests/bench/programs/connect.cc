// bench_connect blocking|epoll HOST PORT COUNT: connects to the first address
// of HOST, COUNT times, and prints what each took in microseconds.
#include <fcntl.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

bool connect_blocking(int fd, const addrinfo& to) {
  return connect(fd, to.ai_addr, to.ai_addrlen) == 0;
}

bool connect_epoll(int fd, const addrinfo& to, int set) {
  if (connect(fd, to.ai_addr, to.ai_addrlen) == 0) return true;
  if (errno != EINPROGRESS) return false;
  epoll_event event{.events = EPOLLOUT, .data = {.fd = fd}};
  if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0) return false;
  if (epoll_wait(set, &event, 1, 5000) != 1) return false;
  int error = -1;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const bool blocking = std::string_view(argv[1]) == "blocking";
  addrinfo hints{}, *list = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(argv[2], argv[3], &hints, &list) != 0) return 6;
  const int set = epoll_create1(EPOLL_CLOEXEC);
  for (int i = std::atoi(argv[4]); i > 0; --i) {
    const int fd = socket(list->ai_family,
                          SOCK_STREAM | (blocking ? 0 : SOCK_NONBLOCK), 0);
    const auto started = std::chrono::steady_clock::now();
    if (!(blocking ? connect_blocking(fd, *list)
                   : connect_epoll(fd, *list, set))) {
      std::perror("bench_connect");
      return 1;
    }
    const std::chrono::duration<double, std::micro> took =
        std::chrono::steady_clock::now() - started;
    std::printf("%.1f\n", took.count());
    close(fd);
  }
  freeaddrinfo(list);
}
