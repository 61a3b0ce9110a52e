// Socket addresses by name in scripts, and as classes in what is printed:
// automatic ports and the address that won are not the same twice.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace happy::abi {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  bool is_bad = false;  // then `pointer`, which cannot be read
  const sockaddr* pointer = nullptr;

  const sockaddr* get() const {
    return is_bad ? pointer : reinterpret_cast<const sockaddr*>(&storage);
  }
};

Address numeric(const std::string& address, uint16_t port);
// OPEN, OPEN-TOO, SHUT, DEAD, DEAD-TOO, DEAD6, OPEN-MAPPED, ANY, LOCAL,
// BROADCAST: at the world's port or, for ANY, LOCAL and LOCAL6, 0; UNSPEC,
// UNIX, NULL, BAD. Throws for others.
Address address_of(const std::string& token, uint16_t port);
// "inet good:world", "inet6 mapped-loopback:automatic", "unix".
std::string describe(const sockaddr_storage& address, socklen_t length,
                     uint16_t port);

}  // namespace happy::abi
