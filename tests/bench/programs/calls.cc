// Makes one system call of libc's so many times, for counting instructions:
// calls FUNCTION TIMES [NAME]. NAME is looked up first.
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <tuple>

namespace {

sockaddr_in stranger() {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(9);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 76);
  return out;
}

void repeat_connect(int times) {
  // Of UDP: it may be connected again and again.
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in address = stranger();
  for (int i = 0; i < times; ++i) {
    std::ignore = connect(fd, reinterpret_cast<const sockaddr*>(&address),
                          sizeof address);
  }
}

void repeat_dup(int times) {
  for (int i = 0; i < times; ++i) {
    syscall(SYS_close, dup(0));  // costs the same with the library
  }
}

void repeat_close(int times) {
  for (int i = 0; i < times; ++i) close(900);
}

void repeat_epoll(int times) {
  const int set = epoll_create1(0);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
  for (int i = 0; i < times; ++i) epoll_ctl(set, EPOLL_CTL_MOD, fd, &event);
}

}  // namespace

int main(int count, char** arguments) {
  const char* function = arguments[1];
  const int times = atoi(arguments[2]);
  if (count > 3) {
    addrinfo* list = nullptr;
    if (getaddrinfo(arguments[3], nullptr, nullptr, &list) != 0) return 1;
  }
  if (strcmp(function, "connect") == 0) repeat_connect(times);
  if (strcmp(function, "dup") == 0) repeat_dup(times);
  if (strcmp(function, "close") == 0) repeat_close(times);
  if (strcmp(function, "epoll_ctl") == 0) repeat_epoll(times);
  return 0;
}
