// What the test programs share: addresses of a name as libc gives them, and a
// request. These programs know nothing of the library.
#pragma once

#include <netdb.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

inline constexpr char kRequest[] = "GET / HTTP/1.0\r\n\r\n";

// Never returns nullptr; ends the program where the name has no address.
inline addrinfo* resolve(const char* host, const char* port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int error = getaddrinfo(host, port, &hints, &list); error != 0) {
    std::fprintf(stderr, "%s: %s\n", host, gai_strerror(error));
    std::exit(6);
  }
  return list;
}
