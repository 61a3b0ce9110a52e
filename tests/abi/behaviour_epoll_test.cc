// epoll registrations while the file behind a number is exchanged.
#include <sys/epoll.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/abi/behaviour.h"

namespace happy::behaviour {
namespace {

Descriptor new_set() { return Descriptor(epoll_create1(EPOLL_CLOEXEC)); }

int control(const Descriptor& set, int operation, int fd, uint32_t events,
            uint64_t data = 7) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = data;
  return epoll_ctl(set.get(), operation, fd, &event) == 0 ? 0 : errno;
}

// One event, or one without any within the time.
epoll_event next(const Descriptor& set, milliseconds limit = kLong) {
  epoll_event event{};
  epoll_wait(set.get(), &event, 1, static_cast<int>(limit.count()));
  return event;
}

struct Registration {
  const char* name;
  uint32_t mode;
  bool before;
};

class Registered : public testing::TestWithParam<Registration> {
 protected:
  void start(const char* world) {
    const Target target = resolve(world);
    const auto add = [&] {
      EXPECT_EQ(control(set_, EPOLL_CTL_ADD, fd_.get(),
                        EPOLLOUT | GetParam().mode, 0x1234567890),
                0);
    };
    if (GetParam().before) add();
    // A fresh TCP socket is writable and hung up; as nginx, do not look.
    EXPECT_EQ(begin(fd_, target), EINPROGRESS);
    if (!GetParam().before) add();
  }
  Descriptor fd_ = tcp(), set_ = new_set();
};
INSTANTIATE_TEST_SUITE_P(
    Behaviour, Registered,
    testing::Values(Registration{"Level", 0, false},
                    Registration{"LevelBefore", 0, true},
                    Registration{"Edge", EPOLLET, false},
                    Registration{"EdgeBefore", EPOLLET, true},
                    Registration{"OneShot", EPOLLONESHOT, false},
                    Registration{"OneShotBefore", EPOLLONESHOT, true},
                    Registration{"Exclusive", EPOLLEXCLUSIVE, false},
                    Registration{"ExclusiveBefore", EPOLLEXCLUSIVE, true}),
    [](const auto& it) { return it.param.name; });

TEST_P(Registered, ReportsTheWinnerWithItsData) {
  start("second");
  const epoll_event event = next(set_);
  EXPECT_EQ(event.events, uint32_t{EPOLLOUT});
  EXPECT_EQ(event.data.u64, 0x1234567890u);
  expect_connected(fd_.get());
}

TEST_P(Registered, ReportsNothingBefore) {
  start("hung");
  EXPECT_EQ(next(set_, 300ms).events, 0u);
}

TEST_P(Registered, ReportsAgainAsItsModeSays) {
  start("second");
  ASSERT_EQ(next(set_).events, uint32_t{EPOLLOUT});
  const bool once = (GetParam().mode & (EPOLLET | EPOLLONESHOT)) != 0;
  EXPECT_EQ(next(set_, 100ms).events, once ? 0u : uint32_t{EPOLLOUT});
}

TEST_P(Registered, IsDeletedOnceDuringTheRace) {
  start("hung");
  EXPECT_EQ(control(set_, EPOLL_CTL_DEL, fd_.get(), 0), 0);
  EXPECT_EQ(control(set_, EPOLL_CTL_DEL, fd_.get(), 0), ENOENT);
}

TEST_P(Registered, IsDeletedOnceAfterTheRace) {
  start("second");
  ASSERT_EQ(next(set_).events, uint32_t{EPOLLOUT});
  EXPECT_EQ(control(set_, EPOLL_CTL_DEL, fd_.get(), 0), 0);
  EXPECT_EQ(control(set_, EPOLL_CTL_DEL, fd_.get(), 0), ENOENT);
  EXPECT_EQ(next(set_, 50ms).events, 0u);
}

TEST_P(Registered, IsModifiedDuringTheRace) {
  start("second");
  if (GetParam().mode == EPOLLEXCLUSIVE) {  // the kernel refuses to
    EXPECT_EQ(control(set_, EPOLL_CTL_MOD, fd_.get(), EPOLLIN), EINVAL);
    EXPECT_EQ(next(set_).events, uint32_t{EPOLLOUT});
    return;
  }
  EXPECT_EQ(control(set_, EPOLL_CTL_MOD, fd_.get(),
                    EPOLLOUT | EPOLLIN | GetParam().mode, 99),
            0);
  EXPECT_EQ(control(set_, EPOLL_CTL_ADD, fd_.get(), EPOLLOUT), EEXIST);
  const epoll_event event = next(set_);
  EXPECT_EQ(event.events, uint32_t{EPOLLOUT});
  EXPECT_EQ(event.data.u64, 99u);
}

TEST_P(Registered, IsModifiedAfterTheRace) {
  start("second");
  ASSERT_EQ(next(set_).events, uint32_t{EPOLLOUT});
  if (GetParam().mode == EPOLLEXCLUSIVE) {
    EXPECT_EQ(control(set_, EPOLL_CTL_MOD, fd_.get(), EPOLLIN), EINVAL);
    return;
  }
  EXPECT_EQ(
      control(set_, EPOLL_CTL_MOD, fd_.get(), EPOLLIN | GetParam().mode, 99),
      0);
  EXPECT_EQ(next(set_, 50ms).events, 0u);
  const Descriptor server = accepted(fd_.get());
  ASSERT_EQ(send(server.get(), "x", 1, 0), 1);
  const epoll_event event = next(set_);
  EXPECT_EQ(event.events, uint32_t{EPOLLIN});
  EXPECT_EQ(event.data.u64, 99u);
}

TEST(Epoll, ExclusiveRegistrationsCannotBeModified) {
  const Descriptor fd = tcp(), set = new_set();
  ASSERT_EQ(begin(fd, resolve("hung")), EINPROGRESS);
  ASSERT_EQ(control(set, EPOLL_CTL_ADD, fd.get(), EPOLLOUT | EPOLLEXCLUSIVE),
            0);
  EXPECT_EQ(control(set, EPOLL_CTL_MOD, fd.get(), EPOLLOUT), EINVAL);
}

// nginx and others register first, and see a fresh socket's HUP.
TEST(Epoll, AOneShotThatFiredBeforeConnectComesBackByModify) {
  const Descriptor fd = tcp(), set = new_set();
  ASSERT_EQ(control(set, EPOLL_CTL_ADD, fd.get(), EPOLLOUT | EPOLLONESHOT), 0);
  ASSERT_EQ(next(set).events, uint32_t{EPOLLOUT | EPOLLHUP});
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  EXPECT_EQ(next(set, 50ms).events, 0u);
  EXPECT_EQ(control(set, EPOLL_CTL_MOD, fd.get(), EPOLLOUT | EPOLLONESHOT), 0);
  EXPECT_EQ(next(set).events, uint32_t{EPOLLOUT});
}

TEST(Epoll, AOneShotThatFiredBeforeConnectStaysSilentAfterTheRace) {
  const Descriptor fd = tcp(), set = new_set();
  ASSERT_EQ(control(set, EPOLL_CTL_ADD, fd.get(), EPOLLOUT | EPOLLONESHOT), 0);
  ASSERT_EQ(next(set).events, uint32_t{EPOLLOUT | EPOLLHUP});
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  expect_connected(fd.get());
  EXPECT_EQ(next(set, 50ms).events, 0u);
  EXPECT_EQ(control(set, EPOLL_CTL_ADD, fd.get(), EPOLLOUT), EEXIST);
  EXPECT_EQ(control(set, EPOLL_CTL_DEL, fd.get(), 0), 0);
  EXPECT_EQ(control(set, EPOLL_CTL_DEL, fd.get(), 0), ENOENT);
}

TEST(Epoll, TwoSetsBothReport) {
  const Descriptor fd = tcp(), one = new_set(), two = new_set();
  ASSERT_EQ(control(one, EPOLL_CTL_ADD, fd.get(), EPOLLOUT, 1), 0);
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  ASSERT_EQ(control(two, EPOLL_CTL_ADD, fd.get(), EPOLLOUT, 2), 0);
  EXPECT_EQ(next(one).data.u64, 1u);
  EXPECT_EQ(next(two).data.u64, 2u);
}

TEST(Epoll, TwoNumbersOfOneSocketInOneSetBothReport) {
  const Descriptor fd = tcp(), set = new_set();
  const Descriptor copy(dup(fd.get()));
  ASSERT_EQ(control(set, EPOLL_CTL_ADD, fd.get(), EPOLLOUT | EPOLLET, 1), 0);
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  ASSERT_EQ(control(set, EPOLL_CTL_ADD, copy.get(), EPOLLOUT | EPOLLET, 2), 0);
  ASSERT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
  uint64_t seen = 0;
  while (seen != 3) {
    const epoll_event event = next(set, 2s);
    ASSERT_NE(event.events, 0u) << seen;
    if (event.events == EPOLLOUT) seen |= event.data.u64;
  }
}

TEST(Epoll, ASetInsideASetReports) {
  const Descriptor fd = tcp(), inner = new_set(), outer = new_set();
  ASSERT_EQ(control(outer, EPOLL_CTL_ADD, inner.get(), EPOLLIN), 0);
  ASSERT_EQ(control(inner, EPOLL_CTL_ADD, fd.get(), EPOLLOUT), 0);
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  ASSERT_EQ(next(outer, 50ms).events, 0u);
  EXPECT_EQ(next(outer).events, uint32_t{EPOLLIN});
  EXPECT_EQ(next(inner).events, uint32_t{EPOLLOUT});
}

TEST(Epoll, AClosedSocketLeavesItsSet) {
  Descriptor fd = tcp();
  const Descriptor set = new_set();
  ASSERT_EQ(begin(fd, resolve("hung")), EINPROGRESS);
  ASSERT_EQ(control(set, EPOLL_CTL_ADD, fd.get(), EPOLLOUT), 0);
  const int number = fd.get();
  fd.reset();
  EXPECT_EQ(control(set, EPOLL_CTL_DEL, number, 0), EBADF);
  EXPECT_EQ(next(set, 50ms).events, 0u);
}

// The exchange takes a registration out of the set for a moment.
TEST(Epoll, AnotherThreadsModifyNeverMissesTheRegistration) {
  const Target target = resolve("refused");
  const Descriptor set = new_set();
  std::atomic<int> current{-1}, wrong{0}, modified{0};
  std::atomic<bool> done{false};
  std::thread other([&] {
    while (!done) {
      const int fd = current;
      if (fd < 0) continue;
      const int error = control(set, EPOLL_CTL_MOD, fd, EPOLLIN);
      if (error != 0) wrong = error;
      ++modified;
    }
  });
  std::vector<Descriptor> all;
  for (int i = 0; i < 300; ++i) {
    all.push_back(tcp());
    const int fd = all.back().get();
    EXPECT_EQ(control(set, EPOLL_CTL_ADD, fd, EPOLLIN), 0);
    current = fd;
    EXPECT_EQ(begin(fd, target), EINPROGRESS);
    EXPECT_EQ(polled(fd, POLLOUT, kLong), POLLOUT);
    EXPECT_EQ(control(set, EPOLL_CTL_ADD, fd, EPOLLIN), EEXIST);
  }
  done = true;
  other.join();
  EXPECT_EQ(wrong, 0) << strerror(wrong);
  EXPECT_GT(modified, 300);
}

}  // namespace
}  // namespace happy::behaviour
