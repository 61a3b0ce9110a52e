// bench_lookup [-4] NAME...: looks each name up in turn, for both families or
// for IPv4 alone, and prints what each getaddrinfo() took in microseconds.
#include <netdb.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdio>
#include <string_view>

int main(int argc, char** argv) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "-4") {
      hints.ai_family = AF_INET;
      continue;
    }
    addrinfo* list = nullptr;
    const auto started = std::chrono::steady_clock::now();
    const int error = getaddrinfo(argv[i], "80", &hints, &list);
    const std::chrono::duration<double, std::micro> took =
        std::chrono::steady_clock::now() - started;
    if (error != 0) {
      std::fprintf(stderr, "%s: %s\n", argv[i], gai_strerror(error));
      return 6;
    }
    std::printf("%.1f\n", took.count());
    freeaddrinfo(list);
  }
}
