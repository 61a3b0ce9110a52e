// bench_crowd HOST PORT COUNT: COUNT non-blocking connections to HOST in flight
// at once, edge-triggered, all made before a server lets any in, then all
// closed. Prints, on one line: how many connected; the process's CPU time a
// connection in microseconds; descriptors before and after; resident memory
// before, with all in flight and after, in KiB, without what the allocator
// keeps of freed memory; how many were raced.
#include <dirent.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "tests/lab/late_server.h"

namespace {

using happy::lab::Descriptor;

int open_descriptors() {
  DIR* folder = opendir("/proc/self/fd");
  int count = -3;  // ".", ".." and the folder
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

long resident_kib() {
  malloc_trim(0);
  FILE* file = std::fopen("/proc/self/statm", "re");
  long all = 0, resident = 0;
  if (std::fscanf(file, "%ld %ld", &all, &resident) != 2) resident = 0;
  std::fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

double cpu_us() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) *
             1e6 +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

// By a call that the library does not see: the address of its stand-ins.
bool is_raced(const Descriptor& fd) {
  sockaddr_in own{};
  socklen_t length = sizeof own;
  syscall(SYS_getsockname, fd.get(), &own, &length);
  return ntohl(own.sin_addr.s_addr) >> 22 == 0x7f400000u >> 22;
}

std::vector<Descriptor> begin(int count, const addrinfo& to, int set) {
  std::vector<Descriptor> out;
  for (int i = 0; i < count; ++i) {
    Descriptor fd(
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    epoll_event event{.events = EPOLLOUT | EPOLLET, .data = {.fd = fd.get()}};
    if (connect(fd.get(), to.ai_addr, to.ai_addrlen) == 0 ||
        errno != EINPROGRESS ||
        epoll_ctl(set, EPOLL_CTL_ADD, fd.get(), &event) != 0)
      break;
    out.push_back(std::move(fd));
  }
  return out;
}

// The number of those that connected without an error.
int collect(size_t count, int set) {
  int good = 0;
  for (size_t seen = 0; seen < count;) {
    epoll_event events[256];
    const int got = epoll_wait(set, events, 256, 30'000);
    if (got <= 0) break;
    seen += static_cast<size_t>(got);
    for (int i = 0; i < got; ++i) {
      int error = -1;
      socklen_t length = sizeof error;
      getsockopt(events[i].data.fd, SOL_SOCKET, SO_ERROR, &error, &length);
      good += error == 0;
    }
  }
  return good;
}

// The library lets go of what it had for a connection a moment after its end.
void settle(int descriptors) {
  for (int i = 0; i < 500 && open_descriptors() > descriptors; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

void run(int count, const addrinfo& to, happy::lab::LateServer* server,
         bool report) {
  const Descriptor set(epoll_create1(EPOLL_CLOEXEC));
  const int descriptors = open_descriptors();
  const long before_kib = resident_kib();
  double used = -cpu_us();
  std::vector<Descriptor> all = begin(count, to, set.get());
  used += cpu_us();
  int raced = 0;
  for (const Descriptor& fd : all) raced += is_raced(fd);
  const long most_kib = resident_kib();
  used -= cpu_us();
  for (const size_t place : {1, 0}) server->open(place);
  const int good = collect(all.size(), set.get());
  all.clear();
  used += cpu_us();
  settle(descriptors);
  if (!report) return;
  std::printf("%d %.1f %d %d %ld %ld %ld %d\n", good, used / count, descriptors,
              open_descriptors(), before_kib, most_kib, resident_kib(), raced);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  addrinfo hints{}, *list = nullptr;
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(argv[1], argv[2], &hints, &list) != 0) return 6;
  std::vector<happy::Endpoint> endpoints;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next)
    endpoints.push_back(
        *happy::Endpoint::from_sockaddr(at->ai_addr, at->ai_addrlen));
  if (list == nullptr || endpoints.size() != 2) return 6;
  // What is needed once, as the library's thread, is not a connection's.
  for (const int count : {1, std::atoi(argv[3])}) {
    happy::lab::LateServer server(endpoints);
    run(count, *list, &server, count != 1);
  }
  freeaddrinfo(list);
}
