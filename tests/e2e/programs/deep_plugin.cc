// A plug-in that resolves and connects by itself.
#include <unistd.h>

#include "tests/e2e/programs/fetch.h"

extern "C" __attribute__((visibility("default"))) int plugin_fetch(
    const char* host, const char* port) {
  const addrinfo* const list = resolve(host, port);
  const int descriptor = socket(list->ai_family, SOCK_STREAM, 0);
  if (connect(descriptor, list->ai_addr, list->ai_addrlen) != 0) {
    std::perror("connect");
    return 1;
  }
  if (send(descriptor, kRequest, sizeof kRequest - 1, 0) < 0) return 1;
  char buffer[4096];
  ssize_t got;
  while ((got = recv(descriptor, buffer, sizeof buffer, 0)) > 0)
    std::fwrite(buffer, 1, static_cast<size_t>(got), stdout);
  close(descriptor);
  std::fflush(stdout);
  return 0;
}
