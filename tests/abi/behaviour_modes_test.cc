// The mode of a descriptor and of its open file: what the caller set before or
// during the race is what the winner has.
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "tests/abi/behaviour.h"

namespace happy::behaviour {
namespace {

TEST(Modes, CloseOnExecIsKept) {
  for (const int flag : {0, int{SOCK_CLOEXEC}}) {
    const Descriptor fd = tcp(AF_INET, SOCK_NONBLOCK | flag);
    ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
    EXPECT_EQ(fcntl(fd.get(), F_GETFD), flag != 0 ? FD_CLOEXEC : 0);
    expect_connected(fd.get());
    EXPECT_EQ(fcntl(fd.get(), F_GETFD), flag != 0 ? FD_CLOEXEC : 0);
  }
}

TEST(Modes, CloseOnExecSetDuringTheRaceIsKept) {
  const Descriptor fd = tcp(AF_INET, SOCK_NONBLOCK);
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  ASSERT_EQ(fcntl(fd.get(), F_SETFD, FD_CLOEXEC), 0);
  expect_connected(fd.get());
  EXPECT_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST(Modes, FileStatusIsTheSameAsWithoutARace) {
  const Descriptor fd = tcp();
  const int before = fcntl(fd.get(), F_GETFL);
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  EXPECT_EQ(fcntl(fd.get(), F_GETFL), before);
  expect_connected(fd.get());
  EXPECT_EQ(fcntl(fd.get(), F_GETFL), before);
}

TEST(Modes, ABlockingSocketIsBlockingAfterItsRace) {
  const Descriptor fd = tcp(AF_INET, SOCK_CLOEXEC);
  ASSERT_EQ(begin(fd, resolve("second")), 0);
  EXPECT_EQ(fcntl(fd.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(Modes, OwnerAndSignalAreKeptWithoutAsync) {
  const Descriptor fd = tcp();
  ASSERT_EQ(fcntl(fd.get(), F_SETOWN, getpid()), 0);
  ASSERT_EQ(fcntl(fd.get(), F_SETSIG, SIGUSR2), 0);
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  EXPECT_EQ(fcntl(fd.get(), F_GETOWN), getpid());
  EXPECT_EQ(fcntl(fd.get(), F_GETSIG), SIGUSR2);
  expect_connected(fd.get());
  EXPECT_EQ(fcntl(fd.get(), F_GETOWN), getpid());
  EXPECT_EQ(fcntl(fd.get(), F_GETSIG), SIGUSR2);
}

volatile sig_atomic_t signalled = 0;

class Async : public testing::Test {
 protected:
  Async() {
    signalled = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { signalled = signalled + 1; };
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &action, &before_);
  }
  ~Async() override { sigaction(SIGUSR2, &before_, nullptr); }
  static void ask_for_signals(int fd) {
    EXPECT_EQ(fcntl(fd, F_SETOWN, getpid()), 0);
    EXPECT_EQ(fcntl(fd, F_SETSIG, SIGUSR2), 0);
    EXPECT_EQ(fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC), 0);
  }
  struct sigaction before_;
};

TEST_F(Async, TheWinnerSignalsAsTheCallerAsked) {
  const Descriptor fd = tcp();
  ask_for_signals(fd.get());
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  EXPECT_TRUE(eventually([] { return signalled > 0; }));
  EXPECT_NE(fcntl(fd.get(), F_GETFL) & O_ASYNC, 0);
  ASSERT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
  const Descriptor server = accepted(fd.get());
  signalled = 0;
  ASSERT_EQ(send(server.get(), "x", 1, 0), 1);
  EXPECT_TRUE(eventually([] { return signalled > 0; }));
}

TEST_F(Async, AskedForDuringTheRaceItSignalsToo) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("later")), EINPROGRESS);
  ask_for_signals(fd.get());
  EXPECT_TRUE(eventually([] { return signalled > 0; }));
  EXPECT_EQ(peer_of(fd.get()), "127.0.21.2");
}

class MadeBlocking : public testing::TestWithParam<bool> {
 protected:
  static int make_blocking(int fd) {
    int off = 0;
    return GetParam() ? ioctl(fd, FIONBIO, &off)
                      : fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  }
};
INSTANTIATE_TEST_SUITE_P(Behaviour, MadeBlocking, testing::Bool(),
                         [](const auto& it) {
                           return it.param ? "Ioctl" : "Fcntl";
                         });

TEST_P(MadeBlocking, InMidRaceTheSocketIsAConnectingOneOfItsOwn) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("hung")), EINPROGRESS);
  ASSERT_EQ(make_blocking(fd.get()), 0);
  EXPECT_EQ(fcntl(fd.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(polled(fd.get(), POLLIN | POLLOUT, 100ms), 0);
  EXPECT_EQ(so_error(fd.get()), 0);
  EXPECT_FALSE(is_stand_in(fd.get()));
}

TEST_P(MadeBlocking, AtOnceThenABlockingConnectWorks) {
  const Descriptor fd = tcp();
  const Target target = resolve("healthy");
  ASSERT_EQ(begin(fd, target), EINPROGRESS);
  ASSERT_EQ(make_blocking(fd.get()), 0);
  EXPECT_EQ(begin(fd, target), 0);
  EXPECT_EQ(begin(fd, target), EISCONN);
}

TEST_P(MadeBlocking, AfterTheTimeOutTheErrorIsStillThere) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("bounded")), EINPROGRESS);
  ASSERT_NE(polled(fd.get(), POLLOUT, kLong), 0);
  ASSERT_EQ(make_blocking(fd.get()), 0);
  EXPECT_EQ(so_error(fd.get()), ETIMEDOUT);
}

}  // namespace
}  // namespace happy::behaviour
