// A non-blocking connect() that fails: refused, or out of time.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#include "tests/abi/behaviour.h"

namespace happy::behaviour {
namespace {

class Refused : public testing::TestWithParam<Way> {
 protected:
  Refused() : fd_(tcp()), n_(fd_.get()) {
    target_ =
        GetParam() == Way::kRaced ? resolve("closed") : numeric(kPlainRefusing);
    EXPECT_EQ(begin(fd_, target_), EINPROGRESS);
  }
  Target target_;
  Descriptor fd_;
  int n_;
};
HAPPY_BOTH_WAYS(Refused);

TEST_P(Refused, PollReportsWhatTheKernelDoes) {
  short mask = 0;
  ASSERT_TRUE(eventually([&] {
    mask = polled(n_, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 100ms);
    return mask != 0;
  }));
  EXPECT_EQ(mask, POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
}

TEST_P(Refused, EpollReportsWhatTheKernelDoes) {
  const Descriptor set(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
  ASSERT_EQ(epoll_ctl(set.get(), EPOLL_CTL_ADD, n_, &event), 0);
  ASSERT_EQ(epoll_wait(set.get(), &event, 1, 5000), 1);
  EXPECT_EQ(event.events,
            EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP);
}

TEST_P(Refused, TheErrorIsReadOnce) {
  ASSERT_TRUE(eventually([&] { return polled(n_, POLLOUT, 100ms) != 0; }));
  EXPECT_EQ(so_error(n_), ECONNREFUSED);
  EXPECT_EQ(so_error(n_), 0);
}

TEST_P(Refused, ASecondConnectGivesTheError) {
  ASSERT_TRUE(eventually([&] { return polled(n_, POLLOUT, 100ms) != 0; }));
  EXPECT_EQ(begin(n_, target_), ECONNREFUSED);
}

TEST_P(Refused, SendGivesTheError) {
  ASSERT_TRUE(eventually([&] { return polled(n_, POLLOUT, 100ms) != 0; }));
  char byte = 0;
  EXPECT_EQ(send(n_, &byte, 1, MSG_NOSIGNAL), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
}

TEST_P(Refused, TheSocketConnectsAgainElsewhere) {
  ASSERT_TRUE(eventually([&] { return polled(n_, POLLOUT, 100ms) != 0; }));
  EXPECT_EQ(so_error(n_), ECONNREFUSED);
  EXPECT_EQ(begin(n_, numeric(kPlainGood)), ECONNABORTED);  // Linux, once
  EXPECT_EQ(begin(n_, numeric(kPlainGood)), EINPROGRESS);
  expect_connected(n_);
}

// Of a wholly failed race another address of the same look-up fails at once.
TEST(AllRefused, TheNextOfTheListFailsWithItsOwnError) {
  const Descriptor fd = tcp(), next = tcp();
  ASSERT_EQ(begin(fd, resolve("closed")), EINPROGRESS);
  ASSERT_TRUE(
      eventually([&] { return polled(fd.get(), POLLOUT, 100ms) != 0; }));
  ASSERT_TRUE(eventually([] { return traced("race_end") > 0; }));
  EXPECT_EQ(begin(next, numeric("127.0.40.2")), ECONNREFUSED);
}

class OutOfTime : public testing::TestWithParam<const char*> {
 protected:
  OutOfTime() : fd_(tcp()), n_(fd_.get()), target_(resolve(GetParam())) {
    EXPECT_EQ(begin(fd_, target_), EINPROGRESS);
  }
  Descriptor fd_;
  int n_;
  Target target_;
  Stopwatch watch_;
};
INSTANTIATE_TEST_SUITE_P(Behaviour, OutOfTime,
                         testing::Values("bounded", "attempts"),
                         [](const auto& it) { return it.param; });

TEST_P(OutOfTime, TheErrorIsTimedOutAfterTheRulesTime) {
  EXPECT_NE(polled(n_, POLLOUT, kLong), 0);
  EXPECT_GE(watch_.elapsed(), kAttempt - 50ms);
  EXPECT_LE(watch_.elapsed(), kBoundedConnect + 1500ms);
  EXPECT_EQ(so_error(n_), ETIMEDOUT);
}

TEST_P(OutOfTime, PollReportsErrorAndHangUp) {
  EXPECT_EQ(polled(n_, POLLIN | POLLOUT | POLLRDHUP, kLong),
            POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
}

TEST_P(OutOfTime, ASecondConnectGivesTheError) {
  ASSERT_NE(polled(n_, POLLOUT, kLong), 0);
  EXPECT_EQ(begin(n_, target_), ETIMEDOUT);
}

TEST_P(OutOfTime, TheSocketConnectsAgainElsewhere) {
  ASSERT_NE(polled(n_, POLLOUT, kLong), 0);
  EXPECT_EQ(so_error(n_), ETIMEDOUT);
  int error = 0;
  // Polled: a few ms lie between the kernel's error and the library's.
  ASSERT_TRUE(eventually([&] {
    error = begin(n_, numeric(kPlainGood));
    return error == EINPROGRESS || error == 0;
  })) << error;
  expect_connected(n_);
}

TEST_P(OutOfTime, TheSocketIsTheCallersOwnAgain) {
  int on = 1;
  ASSERT_EQ(setsockopt(n_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on), 0);
  ASSERT_NE(polled(n_, POLLOUT, kLong), 0);
  EXPECT_EQ(so_error(n_), ETIMEDOUT);
  ASSERT_TRUE(eventually([&] {
    const int error = begin(n_, numeric(kPlainGood));
    return error == EINPROGRESS || error == 0;
  }));
  socklen_t length = sizeof on;
  EXPECT_EQ(getsockopt(n_, SOL_SOCKET, SO_KEEPALIVE, &on, &length), 0);
  EXPECT_EQ(on, 1);
  EXPECT_EQ(getsockopt(n_, IPPROTO_TCP, TCP_USER_TIMEOUT, &on, &length), 0);
  EXPECT_EQ(on, 0);
}

}  // namespace
}  // namespace happy::behaviour
