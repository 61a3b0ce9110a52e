// Names for addresses that look-ups of strict names gave: from the hosts file
// or by PTR over the encrypted resolvers of such a look-up.
#pragma once

#include <netdb.h>
#include <stddef.h>
#include <sys/socket.h>

namespace happy::shim::address_names {

// As gethostbyaddr_r(3) is handed it.
struct Address {
  const void* bytes;
  socklen_t length;
  int family;
};

// Whether libc must not be asked about the address.
bool is_strict(const Address& address);

// gethostbyaddr_r(3) and gethostbyaddr(3) for such an address.
int get_entry(const Address& address, hostent* entry, char* buffer, size_t size,
              hostent** result, int* error);
hostent* get_static_entry(const Address& address);

// getnameinfo(3) for such an address, where a name is wanted.
int getnameinfo(const sockaddr* address, socklen_t length, char* host,
                socklen_t host_size, char* service, socklen_t service_size,
                int flags);

}  // namespace happy::shim::address_names
