// bench_race_cost PORT HOST...: a connect() to the first address of each HOST.
// Prints the CPU time of the library's helper thread in it, and that of as many
// bare attempts to all addresses but the first, in microseconds.
// bench_race_cost -l PORT HOST: many connect()s one after the other, and the
// mean of each; this program itself listens at the last address of HOST.
#include <dirent.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

namespace {

// 0: there is none.
pid_t helper() {
  pid_t found = 0;
  DIR* const tasks = opendir("/proc/self/task");
  while (const dirent* task = readdir(tasks)) {
    std::ifstream file(std::string("/proc/self/task/") + task->d_name +
                       "/comm");
    std::string name;
    if (file >> name && name == "happy") found = std::atoi(task->d_name);
  }
  closedir(tasks);
  return found;
}

// The kernel's number of a thread's CPU clock (clock_getcpuclockid(3), but by
// the thread's id).
double cpu_us(pid_t thread) {
  constexpr int kOfAThread = 6;
  const auto clock =
      static_cast<clockid_t>(~static_cast<unsigned>(thread)) * 8 + kOfAThread;
  timespec time{};
  if (clock_gettime(clock, &time) != 0) std::exit(4);
  return static_cast<double>(time.tv_sec) * 1e6 +
         static_cast<double>(time.tv_nsec) / 1e3;
}

// socket(), connect(), poll() and close(), as any race has to make them, past
// the library.
double bare(const addrinfo* list) {
  constexpr int kPatience = 20;  // ms
  const double before = cpu_us(gettid());
  for (const addrinfo* one = list->ai_next; one != nullptr;
       one = one->ai_next) {
    const auto fd = static_cast<int>(
        syscall(SYS_socket, one->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0));
    syscall(SYS_connect, fd, one->ai_addr, one->ai_addrlen);
    pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
    poll(&ready, 1, kPatience);
    syscall(SYS_close, fd);
  }
  return cpu_us(gettid()) - before;
}

constexpr int kRest = 60'000;  // us; until nothing is left to do

// False: no connection.
bool race(const char* host, const char* port, double* cost, double* bare_cost) {
  addrinfo hints{}, *list = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host, port, &hints, &list) != 0) return false;
  const pid_t thread = helper();
  if (thread == 0) return false;
  usleep(kRest);
  const double before = cpu_us(thread);
  const int fd = socket(list->ai_family, SOCK_STREAM, 0);
  const bool connected = connect(fd, list->ai_addr, list->ai_addrlen) == 0;
  usleep(kRest);
  *cost = cpu_us(thread) - before;
  close(fd);
  *bare_cost = bare(list);
  freeaddrinfo(list);
  return connected;
}

addrinfo* look_up(const char* host, const char* port) {
  addrinfo hints{}, *list = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host, port, &hints, &list) != 0) std::exit(5);
  return list;
}

// False: a connect() failed.
bool connect_often(const addrinfo* list, int times) {
  for (int i = 0; i < times; ++i) {
    const int fd = socket(list->ai_family, SOCK_STREAM, 0);
    if (connect(fd, list->ai_addr, list->ai_addrlen) != 0) return false;
    close(fd);
  }
  return true;
}

int loop(const char* port, const char* host) {
  constexpr int kWarmUp = 50, kTimes = 500;
  const addrinfo* const list = look_up(host, port);
  const addrinfo* last = list;
  while (last->ai_next != nullptr) last = last->ai_next;
  const int listener = socket(last->ai_family, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, last->ai_addr, last->ai_addrlen) != 0 ||
      listen(listener, 4096) != 0 || !connect_often(list, kWarmUp))
    return 1;
  const pid_t thread = helper();
  const double before = cpu_us(thread);
  if (!connect_often(list, kTimes)) return 1;
  usleep(kRest);
  const double cost = cpu_us(thread) - before;
  double bare_cost = 0;
  for (int i = 0; i < kTimes; ++i) bare_cost += bare(list);
  std::printf("%.1f %.1f\n", cost / kTimes, bare_cost / kTimes);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "-l") return loop(argv[2], argv[3]);
  for (int i = 2; i < argc; ++i) {
    double cost = 0, bare_cost = 0;
    if (!race(argv[i], argv[1], &cost, &bare_cost)) return 1;
    std::printf("%.1f %.1f\n", cost, bare_cost);
  }
}
