#include "shim/disguises.h"

#include <errno.h>
#include <string.h>

#include <algorithm>

#include "core/base/ip.h"
#include "shim/context.h"
#include "shim/fd_table.h"
#include "shim/real.h"

namespace happy::shim::disguises {

constinit std::atomic<bool> worn{false};

namespace {

// The source address of a host whose IPv4 goes over IPv6 (RFC 7335, as RFC 6333
// gives it to such hosts): nobody else's, and none that leads anywhere.
const in_addr kServiceContinuity{htonl(0xc0000002)};  // 192.0.0.2

Disguise of(int fd) {
  if (bypassed()) return {};
  const FdEntry* const entry = fd_table::find(fd);
  return entry != nullptr ? Disguise(entry->disguise.load()) : Disguise();
}

// As the kernel gives an address back: as much as there is room for.
void give(in_addr address, in_port_t port, sockaddr* out, socklen_t room,
          socklen_t* length) {
  sockaddr_in whole{};
  whole.sin_family = AF_INET;
  whole.sin_addr = address;
  whole.sin_port = port;
  memcpy(out, &whole, std::min<size_t>(room, sizeof whole));
  *length = sizeof whole;
}

using Name = int (*)(int, sockaddr*, socklen_t*);

// Errors are the kernel's, for which the caller's own variables are used.
int name_as_ipv4(int fd, sockaddr* address, socklen_t* length, Name ask,
                 in_addr shown) {
  const socklen_t room = *length;
  sockaddr_in6 real_name{};
  socklen_t size = sizeof real_name;
  if (static_cast<int>(room) < 0 ||
      ask(fd, reinterpret_cast<sockaddr*>(&real_name), &size) != 0)
    return ask(fd, address, length);
  give(shown, real_name.sin6_port, address, room, length);
  return 0;
}

int read_int(int fd, int level, int name, void* value, socklen_t* length,
             int shown) {
  const int result = real::getsockopt(fd, level, name, value, length);
  if (result == 0)
    memcpy(value, &shown, std::min<size_t>(*length, sizeof shown));
  return result;
}

int no_such_option() {
  errno = ENOPROTOOPT;
  return -1;
}

int real_getsockname(int fd, sockaddr* address, socklen_t* length) {
  return real::getsockname(fd, address, length);
}
int real_getpeername(int fd, sockaddr* address, socklen_t* length) {
  return real::getpeername(fd, address, length);
}

}  // namespace

void put_on(int fd, Disguise disguise) {
  FdEntry* const entry = fd_table::make(fd);
  if (entry == nullptr) return;
  entry->disguise.store(disguise.word());
  worn.store(true);
}

void copy(int fd, int to) {
  const FdEntry* const entry = fd_table::find(fd);
  if (entry == nullptr) return;
  const Disguise disguise(entry->disguise.load());
  if (disguise.word() != 0) put_on(to, disguise);
}

bool answer_getsockopt(int fd, int level, int name, void* value,
                       socklen_t* length, int* result) {
  const Disguise disguise = of(fd);
  if (disguise.is_v6_only() && level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
    *result = read_int(fd, level, name, value, length, 1);
  } else if (disguise.is_ipv4() && level == SOL_SOCKET && name == SO_DOMAIN) {
    *result = read_int(fd, level, name, value, length, AF_INET);
  } else if (disguise.is_ipv4() && level == IPPROTO_IPV6) {
    *result = no_such_option();
  } else {
    return false;
  }
  return true;
}

bool answer_setsockopt(int fd, int level, int* result) {
  if (level != IPPROTO_IPV6 || !of(fd).is_ipv4()) return false;
  *result = no_such_option();
  return true;
}

bool answer_getsockname(int fd, sockaddr* address, socklen_t* length,
                        int* result) {
  if (!of(fd).is_ipv4()) return false;
  *result =
      name_as_ipv4(fd, address, length, real_getsockname, kServiceContinuity);
  return true;
}

bool answer_getpeername(int fd, sockaddr* address, socklen_t* length,
                        int* result) {
  const Disguise disguise = of(fd);
  if (!disguise.is_ipv4()) return false;
  *result =
      name_as_ipv4(fd, address, length, real_getpeername, disguise.asked());
  return true;
}

}  // namespace happy::shim::disguises
