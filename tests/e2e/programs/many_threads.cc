// Many threads that connect() to one name at once, blocking, several times
// each, and exchange a request each time. Prints how many connections were good
// and how many descriptors are open before and after.
// Usage: e2e_many_threads HOST PORT THREADS TIMES
#include <dirent.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/programs/fetch.h"

namespace {

bool exchange(const addrinfo& address) {
  const int descriptor =
      socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  std::string reply;
  if (connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 &&
      send(descriptor, kRequest, sizeof kRequest - 1, MSG_NOSIGNAL) > 0) {
    char buffer[1024];
    ssize_t got;
    while ((got = recv(descriptor, buffer, sizeof buffer, 0)) > 0)
      reply.append(buffer, static_cast<size_t>(got));
  }
  close(descriptor);
  return reply.starts_with("HTTP/1.1 200");
}

int open_descriptors() {
  DIR* const folder = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

// The library closes losers a little later than the race ends.
int settled_descriptors(int wanted) {
  int count = open_descriptors();
  for (int i = 0; i < 200 && count > wanted; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    count = open_descriptors();
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 1;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 65536);
  setrlimit(RLIMIT_NOFILE, &limit);
  const addrinfo* const first = resolve(argv[1], argv[2]);
  const int threads = std::atoi(argv[3]), times = std::atoi(argv[4]);

  std::atomic<int> good{exchange(*first) ? 0 : -1};  // opens what stays open
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const int before = open_descriptors();
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i)
    running.emplace_back([&] {
      for (int k = 0; k < times; ++k) good += exchange(*first) ? 1 : 0;
    });
  for (auto& thread : running) thread.join();
  const int after = settled_descriptors(before);
  std::printf("good %d before %d after %d\n", good.load(), before, after);
  return good == threads * times && after <= before ? 0 : 1;
}
