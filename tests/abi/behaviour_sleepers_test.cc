// Threads that sleep on a racing socket in every call that can: woken as soon
// as the winner is there.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <atomic>
#include <thread>

#include "tests/abi/behaviour.h"
#include "tests/lab/library.h"

namespace happy::behaviour {
namespace {

constexpr timespec kMost{10, 0};

// Sleeps until the descriptor is ready for the event (POLLIN or POLLOUT);
// returns the calls' own result.
using Sleep = int (*)(int fd, short event);

int in_poll(int fd, short event) {
  pollfd one{fd, event, 0};
  return poll(&one, 1, 10'000);
}
int in_ppoll(int fd, short event) {
  pollfd one{fd, event, 0};
  sigset_t mask;
  sigemptyset(&mask);
  return ppoll(&one, 1, &kMost, &mask);
}
int in_select(int fd, short event) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  timeval limit{10, 0};
  return event == POLLIN ? select(fd + 1, &set, nullptr, nullptr, &limit)
                         : select(fd + 1, nullptr, &set, nullptr, &limit);
}
int in_pselect(int fd, short event) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  return event == POLLIN
             ? pselect(fd + 1, &set, nullptr, nullptr, &kMost, nullptr)
             : pselect(fd + 1, nullptr, &set, nullptr, &kMost, nullptr);
}
int in_epoll(int fd, short event) {
  const Descriptor set(epoll_create1(EPOLL_CLOEXEC));
  epoll_event wanted{};
  wanted.events = static_cast<uint32_t>(event);
  epoll_ctl(set.get(), EPOLL_CTL_ADD, fd, &wanted);
  return epoll_wait(set.get(), &wanted, 1, 10'000);
}
int in_epoll_pwait(int fd, short event) {
  const Descriptor set(epoll_create1(EPOLL_CLOEXEC));
  epoll_event wanted{};
  wanted.events = static_cast<uint32_t>(event);
  epoll_ctl(set.get(), EPOLL_CTL_ADD, fd, &wanted);
  return epoll_pwait(set.get(), &wanted, 1, 10'000, nullptr);
}

struct Call {
  const char* name;
  Sleep sleep;
};

class Sleeper : public testing::TestWithParam<Call> {};
INSTANTIATE_TEST_SUITE_P(Behaviour, Sleeper,
                         testing::Values(Call{"Poll", in_poll},
                                         Call{"Ppoll", in_ppoll},
                                         Call{"Select", in_select},
                                         Call{"Pselect", in_pselect},
                                         Call{"EpollWait", in_epoll},
                                         Call{"EpollPwait", in_epoll_pwait}),
                         [](const auto& it) { return it.param.name; });

milliseconds allowance() { return lab::sanitized() ? 500ms : 50ms; }

TEST_P(Sleeper, ForOutputWakesWithTheWinner) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  const Stopwatch watch;
  EXPECT_EQ(GetParam().sleep(fd.get(), POLLOUT), 1);
  EXPECT_LT(watch.elapsed(), 100ms + allowance());
  EXPECT_EQ(polled(fd.get(), POLLOUT, 0ms), POLLOUT);
}

// Many clients connect and then wait for the server's banner alone.
TEST_P(Sleeper, ForInputOnlyWakesWithTheBanner) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  std::atomic<int> result{-2};
  std::atomic<std::chrono::steady_clock::time_point> woken{};
  std::thread sleeper([&] {
    result = GetParam().sleep(fd.get(), POLLIN);
    woken = std::chrono::steady_clock::now();
  });
  EXPECT_TRUE(eventually([&] { return !peer_of(fd.get()).empty(); }));
  const Descriptor server = accepted(fd.get());
  std::this_thread::sleep_for(100ms);  // the sleeper goes back to sleep
  EXPECT_EQ(result, -2) << "woken without any input";
  const auto sent = std::chrono::steady_clock::now();
  EXPECT_EQ(send(server.get(), "220", 3, 0), 3);
  sleeper.join();
  EXPECT_EQ(result, 1);
  EXPECT_LT(woken.load() - sent, allowance());
}

TEST_P(Sleeper, ForInputOnlyWakesWithTheServersEnd) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  std::atomic<int> result{-2};
  std::thread sleeper([&] { result = GetParam().sleep(fd.get(), POLLIN); });
  EXPECT_TRUE(eventually([&] { return !peer_of(fd.get()).empty(); }));
  accepted(fd.get()).reset();
  EXPECT_TRUE(eventually([&] { return result == 1; }, 2s));
  sleeper.join();
}

TEST_P(Sleeper, WakesWhenAllAddressesRefuse) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("closed")), EINPROGRESS);
  const Stopwatch watch;
  EXPECT_EQ(GetParam().sleep(fd.get(), POLLIN), 1);
  EXPECT_LT(watch.elapsed(), allowance());
}

TEST_P(Sleeper, WakesAtTheTimeOut) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("bounded")), EINPROGRESS);
  const Stopwatch watch;
  EXPECT_EQ(GetParam().sleep(fd.get(), POLLOUT), 1);
  EXPECT_LT(watch.elapsed(), kBoundedConnect + 1500ms);
}

TEST_P(Sleeper, TwoAtOnceBothWake) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  std::atomic<int> awake{0};
  const auto sleep = [&] { awake += GetParam().sleep(fd.get(), POLLOUT) == 1; };
  std::thread one(sleep), two(sleep);
  EXPECT_TRUE(eventually([&] { return awake == 2; }, 2s));
  one.join();
  two.join();
}

// A server's client in C: connect, then poll for what comes first.
TEST(Sleepers, APollForBothReportsOnlyOutputAtFirst) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  EXPECT_EQ(polled(fd.get(), POLLIN | POLLOUT | POLLRDHUP | POLLPRI, kLong),
            POLLOUT);
}

}  // namespace
}  // namespace happy::behaviour
