#include "tests/lab/sockets.h"

#include <poll.h>
#include <sys/socket.h>

#include <random>
#include <system_error>

#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

// A queue of length 0 takes one connection; it stays there when its client has
// closed, since nobody accepts it.
void fill_queue(int listener, const sockaddr_storage& address,
                socklen_t length) {
  const Descriptor client(check(
      socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  check(connect(client.get(), reinterpret_cast<const sockaddr*>(&address),
                length),
        "connect");
  pollfd queued{listener, POLLIN, 0};
  if (poll(&queued, 1, 1000) != 1) fail("the queue does not fill");
}

}  // namespace

Descriptor listen_on(const Endpoint& endpoint, Listening listening) {
  sockaddr_storage address{};
  const socklen_t length = endpoint.to_sockaddr(&address);
  Descriptor made(check(
      socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
      "socket"));
  const int on = 1;
  setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ss_family == AF_INET6)
    setsockopt(made.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  check(bind(made.get(), reinterpret_cast<sockaddr*>(&address), length),
        "bind to " + endpoint.to_string());
  const bool dead = listening == Listening::kBlackHole;
  check(listen(made.get(), dead ? 0 : 4096), "listen");
  if (dead) fill_queue(made.get(), address, length);
  return made;
}

uint16_t likely_free_port() {
  std::random_device random;
  std::uniform_int_distribution<int> ports(10'000, 32'000);
  for (int i = 0; i < 100; ++i) {
    const auto port = static_cast<uint16_t>(ports(random));
    try {
      listen_on({IpAddress::v4(127, 0, 0, 1), port});
      return port;
    } catch (const std::system_error&) {
      continue;  // in use: the next one
    }
  }
  fail("no free port");
}

}  // namespace happy::lab
