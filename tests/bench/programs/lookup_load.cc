// bench_lookup_load cached NAME THREADS: after one look-up, each thread repeats
// it for a second; prints the least number that a thread did.
// bench_lookup_load names THREADS COUNT: after a look-up of n0.lab.test, the
// threads look up n1 ... nCOUNT between them; prints milliseconds, failures.
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

bool look_up(const std::string& name) {
  addrinfo hints{}, *list = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = AF_INET;
  if (getaddrinfo(name.c_str(), "80", &hints, &list) != 0) return false;
  freeaddrinfo(list);
  return true;
}

template <typename Work>
void in_threads(int count, Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (auto& thread : threads) thread.join();
}

int cached(const std::string& name, int threads) {
  if (!look_up(name)) return 6;
  std::vector<long> done(static_cast<size_t>(threads), 0);
  in_threads(threads, [&](int i) {
    const auto end = Clock::now() + std::chrono::seconds(1);
    long count = 0;
    while (Clock::now() < end && look_up(name)) ++count;
    done[static_cast<size_t>(i)] = count;
  });
  std::printf("%ld\n", *std::min_element(done.begin(), done.end()));
  return 0;
}

std::string nth(int n) { return "n" + std::to_string(n) + ".lab.test"; }

int names(int threads, int count) {
  if (!look_up(nth(0))) return 6;
  std::atomic<int> next{1}, failures{0};
  const auto started = Clock::now();
  in_threads(threads, [&](int) {
    for (int n = next++; n <= count; n = next++)
      if (!look_up(nth(n))) ++failures;
  });
  const std::chrono::duration<double, std::milli> took = Clock::now() - started;
  std::printf("%.1f %d\n", took.count(), failures.load());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  return std::string_view(argv[1]) == "cached"
             ? cached(argv[2], std::atoi(argv[3]))
             : names(std::atoi(argv[2]), std::atoi(argv[3]));
}
