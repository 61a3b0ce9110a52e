// What the behaviour tests share: names with differing worlds behind them,
// sockets, and waiting. The binary runs under libhappy.so (behaviour_main.cc);
// its servers are in its own process. Names, all below lab.test:
//
//   healthy  two good addresses        refused   a refusing A, then a good one
//   second   a dead A, then a good one closed    two that refuse
//   later    the same, started late    hung      two dead ones, for ever
//   dead6    a dead AAAA, a good A     bounded   two dead ones, connect_ms
//   one      a good one only           attempts  a dead one, attempt_ms
//   unreachable   a multicast one, and one whose listener the test owns
//   crowd         two whose listeners the test owns
//
// The kernel's own behaviour, for comparison, is to be had at addresses that no
// name has: numeric().
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <string>

#include "tests/lab/descriptor.h"

namespace happy::behaviour {

using lab::Descriptor;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

inline constexpr const char* kPlainGood = "127.0.99.1";
inline constexpr const char* kPlainDead = "127.0.99.2";
inline constexpr const char* kPlainRefusing = "127.0.99.3";
inline constexpr milliseconds kBoundedConnect{1000}, kAttempt{500};
// Far more than anything here takes; a failure to come, not a slow machine.
inline constexpr milliseconds kLong{10'000};

struct Target {
  sockaddr_storage address{};
  socklen_t length = 0;
  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&address);
  }
};

// The port of all servers.
uint16_t web_port();
// The first address of a name below lab.test, at web_port(). For AF_INET6 with
// IPv4 addresses mapped into it.
Target resolve(const std::string& name, int family = AF_INET);
Target numeric(const std::string& address);

// A TCP socket: non-blocking unless `flags` says otherwise.
Descriptor tcp(int family = AF_INET, int flags = SOCK_NONBLOCK | SOCK_CLOEXEC);
// connect(): 0 or its errno.
int begin(int fd, const Target& target);
inline int begin(const Descriptor& fd, const Target& target) {
  return begin(fd.get(), target);
}

// What poll() reports of these events within the time; 0: nothing.
short polled(int fd, short events, milliseconds limit);
int so_error(int fd);
std::string peer_of(int fd);  // "" without one
// Waits for the connection and expects it to be whole.
void expect_connected(int fd);
// The server's end of a connected socket.
Descriptor accepted(int fd);

// Accepts and closes what nobody has accepted: the servers' queues are finite.
void drain_servers();

// Polls until it is true; false if that took too long.
bool eventually(const std::function<bool()>& condition,
                milliseconds limit = kLong);
// Whether the number shows a stand-in, by a call that no library sees.
bool is_stand_in(int fd);
// Descriptors of this process, the library's included.
int open_descriptors();
// Events of this kind in the trace so far, with `text` somewhere in them.
int traced(const std::string& event, const std::string& text = "");

// Runs it in a forked child and returns its exit status, -1 if it was killed
// or took longer than kLong. GoogleTest's failures in the child make it 99.
int in_child(const std::function<int()>& body);

// Time since it was made.
class Stopwatch {
 public:
  milliseconds elapsed() const {
    return std::chrono::duration_cast<milliseconds>(
        std::chrono::steady_clock::now() - start_);
  }

 private:
  std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
};

// A value for a test that runs both under a race and on the kernel alone.
enum class Way { kRaced, kPlain };
inline std::string name_of(const testing::TestParamInfo<Way>& info) {
  return info.param == Way::kRaced ? "Raced" : "Plain";
}
// A socket family's or a world's tests by both ways.
#define HAPPY_BOTH_WAYS(suite)               \
  INSTANTIATE_TEST_SUITE_P(Behaviour, suite, \
                           testing::Values(Way::kRaced, Way::kPlain), name_of)

}  // namespace happy::behaviour
