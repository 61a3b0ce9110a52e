#include "tests/abi/behaviour.h"

#include <dirent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "core/base/ip.h"
#include "tests/lab/library.h"

namespace happy::behaviour {

Target resolve(const std::string& name, int family) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  if (family == AF_INET6) hints.ai_flags = AI_V4MAPPED;
  addrinfo* list = nullptr;
  const std::string port = std::to_string(web_port());
  const int error =
      getaddrinfo((name + ".lab.test").c_str(), port.c_str(), &hints, &list);
  EXPECT_EQ(error, 0) << name << ": " << gai_strerror(error);
  Target target;
  if (error != 0) return target;
  target.length = list->ai_addrlen;
  memcpy(&target.address, list->ai_addr, list->ai_addrlen);
  freeaddrinfo(list);
  return target;
}

Target numeric(const std::string& address) {
  Target target;
  const Endpoint endpoint{IpAddress::parse(address).value(), web_port()};
  target.length = endpoint.to_sockaddr(&target.address);
  return target;
}

Descriptor tcp(int family, int flags) {
  return Descriptor(socket(family, SOCK_STREAM | flags, 0));
}

int begin(int fd, const Target& target) {
  return connect(fd, target.get(), target.length) == 0 ? 0 : errno;
}

short polled(int fd, short events, milliseconds limit) {
  pollfd one{fd, events, 0};
  poll(&one, 1, static_cast<int>(limit.count()));
  return one.revents;
}

int so_error(int fd) {
  int error = -1;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

std::string peer_of(int fd) {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  auto* generic = reinterpret_cast<sockaddr*>(&peer);
  if (getpeername(fd, generic, &length) != 0) return "";
  const auto endpoint = Endpoint::from_sockaddr(generic, length);
  return endpoint ? endpoint->address.unmapped().to_string() : "";
}

void expect_connected(int fd) {
  EXPECT_EQ(polled(fd, POLLOUT, kLong), POLLOUT);
  EXPECT_EQ(so_error(fd), 0);
  EXPECT_NE(peer_of(fd), "");
  EXPECT_TRUE(accepted(fd).open());
}

bool eventually(const std::function<bool()>& condition, milliseconds limit) {
  const Stopwatch watch;
  while (!condition()) {
    if (watch.elapsed() > limit) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

bool is_stand_in(int fd) {
  sockaddr_in own{};
  socklen_t length = sizeof own;
  syscall(SYS_getsockname, fd, &own, &length);
  return ntohl(own.sin_addr.s_addr) >> 22 == 0x7f400000u >> 22;
}

int open_descriptors() {
  DIR* folder = opendir("/proc/self/fd");
  int count = 0;
  while (const dirent* entry = readdir(folder)) count += *entry->d_name != '.';
  closedir(folder);
  return count - 1;  // without the folder itself
}

int traced(const std::string& event, const std::string& text) {
  const char* const file = getenv("HAPPY_TRACE");
  if (file == nullptr) return 0;
  int count = 0;
  for (const auto& line : lab::events_of(lab::read_trace(file), event))
    count += line.dump().find(text) != std::string::npos;
  return count;
}

int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    const int status = body();
    _exit(testing::Test::HasFailure() ? 99 : status);
  }
  int status = 0;
  if (!eventually([&] { return waitpid(child, &status, WNOHANG) == child; })) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace happy::behaviour
