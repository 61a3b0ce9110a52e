// bench_race_cost PORT HOST...: a connect() to the first address of each HOST,
// and the CPU time of the library's helper thread in it, in microseconds.
#include <dirent.h>
#include <netdb.h>
#include <sys/socket.h>
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

constexpr int kRest = 60'000;  // us; until nothing is left to do

// False: no connection.
bool race(const char* host, const char* port, double* cost) {
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
  freeaddrinfo(list);
  return connected;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 2; i < argc; ++i) {
    double cost = 0;
    if (!race(argv[i], argv[1], &cost)) return 1;
    std::printf("%.1f\n", cost);
  }
}
