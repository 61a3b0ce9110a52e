// bench_lookup NAME...: looks each name up in turn and prints what each
// getaddrinfo() took in microseconds.
#include <netdb.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdio>

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    addrinfo hints{}, *list = nullptr;
    hints.ai_socktype = SOCK_STREAM;
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
