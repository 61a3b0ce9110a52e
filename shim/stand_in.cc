#include "shim/stand_in.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "core/base/ip.h"
#include "shim/descriptors.h"
#include "shim/lock.h"
#include "shim/real.h"

namespace happy::shim::stand_in {
namespace {

// Each takes about 4 KiB of what net.ipv4.tcp_mem bounds, as any connection in
// progress; making one costs the same up to this number.
constexpr int kLimit = 10240;
constexpr int kMostRetries = 127;  // TCP_SYNCNT's maximum: hours

constinit Lock listener_lock;
constinit int listener = -1;
constinit uint16_t listener_port = 0;  // network byte order
constinit std::atomic<uint32_t> next_address{0};
constinit std::atomic<int> alive{0};

socklen_t address_of(int family, uint32_t host, sockaddr_storage* out) {
  Endpoint endpoint;
  const uint32_t network = htonl(host);
  memcpy(endpoint.address.bytes.data(), &network, sizeof network);
  if (family == AF_INET6) endpoint.address = endpoint.address.mapped();
  endpoint.port = ntohs(listener_port);
  return endpoint.to_sockaddr(out);
}

// Every stand-in has an address of its own in 127.64.0.0/10 and the listener's
// port: automatic ports on 127.0.0.1 would take thousands of the host's
// ephemeral ports away.
bool bind_to_own_address(int fd, int family) {
  for (int tries = 0; tries < 16; ++tries) {
    const uint32_t offset = next_address.fetch_add(1) & 0x3fffff;
    sockaddr_storage address;
    const socklen_t length = address_of(family, 0x7f400000u + offset, &address);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0) {
      return true;
    }
    if (errno != EADDRINUSE) return false;
  }
  return false;
}

// Past other preloaded libraries, too: one that sends connections to a proxy
// would send this one.
int connect_to_listener(int fd, int family) {
  sockaddr_storage target;
  const socklen_t length = address_of(family, INADDR_LOOPBACK, &target);
  return static_cast<int>(syscall(SYS_connect, fd, &target, length));
}

// The one connection that fills the listener's queue of length 0. It may be
// closed at once: the queue keeps the other end.
bool fill_queue() {
  const int fd = own::take(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const bool filled = fd >= 0 && bind_to_own_address(fd, AF_INET) &&
                      connect_to_listener(fd, AF_INET) == 0;
  own::close(fd);
  return filled;
}

// Listens, but drops every SYN, since its accept queue is full: no privilege is
// needed for that, while a socket filter on TCP may need CAP_NET_ADMIN.
int open_listener() {
  const int fd = own::take(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd < 0) return -1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd, generic, length) == 0 && listen(fd, 0) == 0 &&
      real::getsockname(fd, generic, &length) == 0) {
    listener_port = address.sin_port;
    if (fill_queue()) return fd;
  }
  own::close(fd);
  return -1;
}

bool ensure_listener() {
  const Guard guard(listener_lock);
  if (listener < 0) listener = open_listener();
  return listener >= 0;
}

void set(int fd, int level, int name, int value) {
  real::setsockopt(fd, level, name, &value, socklen_t{sizeof value});
}

bool start(int fd, int family, uint32_t connect_ms) {
  if (family == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  set(fd, IPPROTO_TCP, TCP_SYNCNT, kMostRetries);
  // Before connect(): the kernel reads it when it arms the first timer.
  if (connect_ms != 0) {
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(connect_ms));
  }
  if (!bind_to_own_address(fd, family)) return false;
  return connect_to_listener(fd, family) != 0 && errno == EINPROGRESS;
}

}  // namespace

int make(int family, uint32_t connect_ms) {
  if (alive.load() >= kLimit || !ensure_listener()) return -1;
  const int fd =
      own::take(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd < 0) return -1;
  if (!start(fd, family, connect_ms)) {
    own::close(fd);
    return -1;
  }
  alive.fetch_add(1);
  return fd;
}

void closed() { alive.fetch_sub(1); }

void after_fork_child() {
  listener_lock.reset();
  listener = -1;  // closed with the other inherited descriptors
  alive.store(0);
}

}  // namespace happy::shim::stand_in
