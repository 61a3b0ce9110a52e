// Calls that end a race, and those that the library must leave to libc.
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <thread>

#include "tests/abi/behaviour.h"

namespace happy::behaviour {
namespace {

class MidRace : public testing::TestWithParam<Way> {
 protected:
  MidRace() : fd_(tcp()), n_(fd_.get()) {
    const Target target =
        GetParam() == Way::kRaced ? resolve("hung") : numeric(kPlainDead);
    EXPECT_EQ(begin(fd_, target), EINPROGRESS);
  }
  int disconnect() const {
    sockaddr none{};
    none.sa_family = AF_UNSPEC;
    return connect(n_, &none, sizeof none) == 0 ? 0 : errno;
  }
  Descriptor fd_;
  int n_;
};
HAPPY_BOTH_WAYS(MidRace);

TEST_P(MidRace, AnUnspecifiedAddressDisconnects) {
  EXPECT_EQ(disconnect(), 0);
  EXPECT_EQ(polled(n_, POLLIN | POLLOUT | POLLRDHUP, 1s) & POLLHUP, POLLHUP);
  EXPECT_EQ(disconnect(), 0);
}

TEST_P(MidRace, AfterDisconnectingItConnectsElsewhere) {
  EXPECT_EQ(disconnect(), 0);
  EXPECT_EQ(begin(n_, numeric(kPlainGood)), EINPROGRESS);
  expect_connected(n_);
}

TEST_P(MidRace, ShutdownEndsTheConnection) {
  EXPECT_EQ(shutdown(n_, SHUT_RDWR), 0);
  EXPECT_EQ(polled(n_, POLLIN | POLLOUT | POLLRDHUP, 1s),
            POLLOUT | POLLERR | POLLHUP);
  EXPECT_EQ(peer_of(n_), "");
}

TEST(MidRaceShutdown, EndsTheRaceToo) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  EXPECT_EQ(shutdown(fd.get(), SHUT_RDWR), 0);
  std::this_thread::sleep_for(400ms);  // past the win that may not come
  EXPECT_EQ(peer_of(fd.get()), "");
  EXPECT_FALSE(is_stand_in(fd.get()));
}

TEST_P(MidRace, ShutdownThenShutdownIsNotConnected) {
  EXPECT_EQ(shutdown(n_, SHUT_RDWR), 0);
  EXPECT_EQ(shutdown(n_, SHUT_RDWR), -1);
  EXPECT_EQ(errno, ENOTCONN);
}

TEST_P(MidRace, ABadShutdownIsInvalidAndEndsNothing) {
  EXPECT_EQ(shutdown(n_, 77), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(polled(n_, POLLIN | POLLOUT, 50ms), 0);
}

TEST_P(MidRace, ABadAddressOfASecondConnectIsReported) {
  EXPECT_EQ(connect(n_, reinterpret_cast<sockaddr*>(1), 16), -1);
  EXPECT_EQ(errno, EFAULT);
  EXPECT_EQ(connect(n_, nullptr, 16), -1);
  EXPECT_EQ(errno, EFAULT);
  EXPECT_EQ(polled(n_, POLLIN | POLLOUT, 50ms), 0);
}

// Shutdown for writing after a race has been won.
TEST(Won, ShutdownReachesTheServer) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  ASSERT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
  const Descriptor server = accepted(fd.get());
  EXPECT_EQ(shutdown(fd.get(), SHUT_WR), 0);
  EXPECT_EQ(polled(server.get(), POLLIN | POLLRDHUP, kLong),
            POLLIN | POLLRDHUP);
  char byte;
  EXPECT_EQ(recv(server.get(), &byte, 1, 0), 0);
}

TEST(Won, CloseReachesTheServer) {
  for (const char* world : {"second", "healthy"}) {
    Descriptor fd = tcp();
    ASSERT_EQ(begin(fd, resolve(world)), EINPROGRESS);
    ASSERT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
    const Descriptor server = accepted(fd.get());
    fd.reset();
    EXPECT_EQ(polled(server.get(), POLLIN, 1s), POLLIN);
  }
}

class BadAddress : public testing::TestWithParam<Way> {
 protected:
  BadAddress() : fd_(tcp()), n_(fd_.get()) {
    target_ =
        GetParam() == Way::kRaced ? resolve("second") : numeric(kPlainGood);
  }
  int try_it(const void* address, socklen_t length) const {
    return connect(n_, static_cast<const sockaddr*>(address), length) == 0
               ? 0
               : errno;
  }
  Target target_;
  Descriptor fd_;
  int n_;
};
HAPPY_BOTH_WAYS(BadAddress);

TEST_P(BadAddress, NullIsAFault) { EXPECT_EQ(try_it(nullptr, 16), EFAULT); }
TEST_P(BadAddress, UnmappedIsAFault) {
  EXPECT_EQ(try_it(reinterpret_cast<void*>(8), 16), EFAULT);
}
TEST_P(BadAddress, ShortIsInvalid) {
  EXPECT_EQ(try_it(&target_.address, 4), EINVAL);
  EXPECT_EQ(try_it(&target_.address, 0), EINVAL);
  EXPECT_EQ(try_it(&target_.address, 15), EINVAL);
}
TEST_P(BadAddress, TooLongIsInvalid) {
  EXPECT_EQ(try_it(&target_.address, 4096), EINVAL);
}
TEST_P(BadAddress, LongerThanNeededIsFine) {
  EXPECT_EQ(try_it(&target_.address, 100), EINPROGRESS);
}
TEST_P(BadAddress, OfAnotherFamilyIsReported) {
  const Descriptor six = tcp(AF_INET6);
  EXPECT_EQ(begin(six, target_), EINVAL);  // too short for one
  target_.length = sizeof(sockaddr_in6);
  EXPECT_EQ(begin(six, target_), EAFNOSUPPORT);
}
TEST_P(BadAddress, OnABadDescriptorIsReported) {
  EXPECT_EQ(begin(-1, target_), EBADF);
  EXPECT_EQ(begin(5000, target_), EBADF);
  EXPECT_EQ(begin(1'000'000'000, target_), EBADF);
}
TEST_P(BadAddress, OnAFileIsNotASocket) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Descriptor in(ends[0]), out(ends[1]);
  EXPECT_EQ(begin(in, target_), ENOTSOCK);
}
TEST_P(BadAddress, OnAListeningSocketIsConnected) {
  const Descriptor fd = tcp();
  ASSERT_EQ(listen(fd.get(), 1), 0);
  EXPECT_EQ(begin(fd, target_), EISCONN);
}
TEST_P(BadAddress, OnAConnectedSocketIsConnected) {
  ASSERT_EQ(begin(fd_, target_), EINPROGRESS);
  ASSERT_EQ(polled(n_, POLLOUT, kLong), POLLOUT);
  EXPECT_EQ(begin(fd_, target_), 0);
  EXPECT_EQ(begin(fd_, numeric(kPlainGood)), EISCONN);
}

TEST(OtherSockets, DatagramsPass) {
  const Target target = resolve("second");
  const Descriptor fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(begin(fd, target), 0);
  EXPECT_EQ(peer_of(fd.get()), "127.0.20.1");
  EXPECT_EQ(begin(fd, target), 0) << "again, as datagram sockets may";
}

TEST(OtherSockets, UnixPass) {
  const Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, "/nonexistent/socket");
  EXPECT_EQ(
      connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address),
      -1);
  EXPECT_EQ(errno, ENOENT);
}

TEST(OtherSockets, MultipathTcpRacesAsSuch) {
  const Descriptor fd(
      socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 262));
  if (fd.get() < 0) GTEST_SKIP() << "no MPTCP";
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  EXPECT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
  int protocol = 0;
  socklen_t length = sizeof protocol;
  getsockopt(fd.get(), SOL_SOCKET, SO_PROTOCOL, &protocol, &length);
  EXPECT_EQ(protocol, 262);
  EXPECT_EQ(peer_of(fd.get()), "127.0.20.2");
}

TEST(Strangers, AddressesThatNoNameHasAreNotRaced) {
  resolve("second");
  const Descriptor fd = tcp();
  EXPECT_EQ(begin(fd, numeric(kPlainDead)), EINPROGRESS);
  EXPECT_EQ(polled(fd.get(), POLLOUT, 300ms), 0);
}

TEST(Errno, IsLeftAloneBySuccessfulCalls) {
  const Target target = resolve("second");
  const Descriptor fd = tcp(AF_INET, SOCK_CLOEXEC);
  errno = 77;
  EXPECT_EQ(connect(fd.get(), target.get(), target.length), 0);
  EXPECT_EQ(errno, 77);
  resolve("second");
  EXPECT_EQ(errno, 77);
  Descriptor copy(dup(fd.get()));
  EXPECT_EQ(errno, 77);
  copy.reset();
  EXPECT_EQ(errno, 77);
}

}  // namespace
}  // namespace happy::behaviour
