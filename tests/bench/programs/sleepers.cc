// bench_sleepers HOST PORT BATCHES: how long after its connection is there a
// thread that sleeps on a connecting socket is awake, for each call that one
// can sleep in, and for two threads at once. A line a sleeper: the call's name,
// the number of threads, microseconds.
//
// HOST has two addresses that nobody listens on. At the second one this program
// has a listener that drops SYNs until all sleepers of a batch sleep; the
// kernel sends them again a second later. Without the library, which tries the
// second address by itself, the program connects there. The instant at which a
// connection is there is that at which a thread in accept() has it.
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/lab/descriptor.h"
#include "tests/lab/sockets.h"

namespace {

using namespace std::chrono_literals;
using happy::lab::Descriptor;
using Clock = std::chrono::steady_clock;

constexpr int kMost_ms = 10'000;
constexpr timespec kMost{kMost_ms / 1000, 0};

int in_poll(int fd) {
  pollfd one{fd, POLLOUT, 0};
  return poll(&one, 1, kMost_ms);
}
int in_ppoll(int fd) {
  pollfd one{fd, POLLOUT, 0};
  return ppoll(&one, 1, &kMost, nullptr);
}
int in_select(int fd) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  timeval limit{kMost_ms / 1000, 0};
  return select(fd + 1, nullptr, &set, nullptr, &limit);
}
int in_pselect(int fd) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  return pselect(fd + 1, nullptr, &set, nullptr, &kMost, nullptr);
}
Descriptor set_of(int fd) {
  Descriptor set(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLOUT, .data = {}};
  epoll_ctl(set.get(), EPOLL_CTL_ADD, fd, &event);
  return set;
}
int in_epoll_wait(int fd) {
  const Descriptor set = set_of(fd);
  epoll_event event;
  return epoll_wait(set.get(), &event, 1, kMost_ms);
}
int in_epoll_pwait(int fd) {
  const Descriptor set = set_of(fd);
  epoll_event event;
  return epoll_pwait(set.get(), &event, 1, kMost_ms, nullptr);
}

struct Call {
  const char* name;
  int (*sleep)(int fd);
};
constexpr Call kCalls[] = {{"poll", in_poll},
                           {"ppoll", in_ppoll},
                           {"select", in_select},
                           {"pselect", in_pselect},
                           {"epoll_wait", in_epoll_wait},
                           {"epoll_pwait", in_epoll_pwait}};

// One socket and who sleeps on it.
struct Sleepers {
  const Call* call;
  int threads;
  Descriptor fd{};
  Clock::time_point awake[2]{};
  std::vector<std::thread> running{};

  void sleep() {
    for (int i = 0; i < threads; ++i)
      running.emplace_back([this, i] {
        if (call->sleep(fd.get()) == 1) awake[i] = Clock::now();
      });
  }
};

uint16_t port_of(const sockaddr_storage& address) {
  return reinterpret_cast<const sockaddr_in&>(address).sin_port;
}

// When each connection was there, by the client's port.
std::map<uint16_t, Clock::time_point> accept_all(int listener,
                                                 const std::atomic<bool>& end) {
  std::map<uint16_t, Clock::time_point> out;
  while (!end) {
    pollfd one{listener, POLLIN, 0};
    if (poll(&one, 1, 20) != 1) continue;
    sockaddr_storage client{};
    socklen_t length = sizeof client;
    const int fd = accept4(listener, reinterpret_cast<sockaddr*>(&client),
                           &length, SOCK_CLOEXEC);
    const auto now = Clock::now();
    if (fd < 0) continue;
    out[port_of(client)] = now;
    close(fd);
  }
  return out;
}

bool connect_to(const addrinfo& target, Sleepers* one) {
  one->fd = Descriptor(
      socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return connect(one->fd.get(), target.ai_addr, target.ai_addrlen) != 0 &&
         errno == EINPROGRESS;
}

void print(const Sleepers& one,
           const std::map<uint16_t, Clock::time_point>& there) {
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  getsockname(one.fd.get(), reinterpret_cast<sockaddr*>(&own), &length);
  const auto at = there.find(port_of(own));
  for (int i = 0; i < one.threads; ++i) {
    if (at == there.end() || one.awake[i] == Clock::time_point{}) continue;
    const std::chrono::duration<double, std::micro> late =
        one.awake[i] - at->second;
    std::printf("%s %d %.1f\n", one.call->name, one.threads, late.count());
  }
}

// All begin within half a second, 50 ms apart, and wake as far apart; the
// listener opens between the library's own first SYN there, 250 ms after each
// connect(), and the first that the kernel repeats.
bool batch(const addrinfo& target, const happy::Endpoint& late) {
  const Descriptor listener =
      happy::lab::listen_on(late, happy::lab::Listening::kBlackHole);
  const auto started = Clock::now();
  std::vector<Sleepers> all;
  for (const int threads : {1, 2})
    for (const Call& call : kCalls)
      all.push_back({.call = &call, .threads = threads});
  for (size_t i = 0; i < all.size(); ++i) {
    std::this_thread::sleep_until(started + i * 50ms);
    if (!connect_to(target, &all[i])) return false;
    all[i].sleep();
  }
  std::this_thread::sleep_until(started + 900ms);
  listen(listener.get(), 64);
  std::atomic<bool> end{false};
  std::map<uint16_t, Clock::time_point> there;
  std::thread server([&] { there = accept_all(listener.get(), end); });
  for (Sleepers& one : all)
    for (std::thread& thread : one.running) thread.join();
  end = true;
  server.join();
  for (const Sleepers& one : all) print(one, there);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  addrinfo hints{}, *list = nullptr;
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(argv[1], argv[2], &hints, &list) != 0) return 6;
  if (list->ai_next == nullptr) return 6;
  const addrinfo* second = list->ai_next;
  const auto late =
      happy::Endpoint::from_sockaddr(second->ai_addr, second->ai_addrlen);
  const char* preloaded = std::getenv("LD_PRELOAD");
  const bool with =
      preloaded != nullptr &&
      std::string_view(preloaded).find("libhappy") != std::string_view::npos;
  for (int i = std::atoi(argv[3]); i > 0; --i)
    if (!batch(with ? *list : *second, *late)) return 1;
  freeaddrinfo(list);
}
