// A non-blocking connect() while it is in progress, and once it is done: each
// test also runs on the kernel alone.
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/abi/behaviour.h"

namespace happy::behaviour {
namespace {

class InProgress : public testing::TestWithParam<Way> {
 protected:
  InProgress() : fd_(tcp()), n_(fd_.get()) {
    target_ = GetParam() == Way::kRaced ? resolve("hung") : numeric(kPlainDead);
    EXPECT_EQ(begin(fd_, target_), EINPROGRESS);
  }
  Target target_;
  Descriptor fd_;
  int n_;
};
HAPPY_BOTH_WAYS(InProgress);

TEST_P(InProgress, PollReportsNothing) {
  EXPECT_EQ(polled(n_, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 300ms), 0);
}

TEST_P(InProgress, SelectReportsNothing) {
  fd_set in, out, except;
  FD_ZERO(&in);
  FD_SET(n_, &in);
  out = except = in;
  timeval limit{0, 300'000};
  EXPECT_EQ(select(n_ + 1, &in, &out, &except, &limit), 0);
}

TEST_P(InProgress, EpollReportsNothing) {
  const Descriptor set(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT;
  ASSERT_EQ(epoll_ctl(set.get(), EPOLL_CTL_ADD, n_, &event), 0);
  EXPECT_EQ(epoll_wait(set.get(), &event, 1, 300), 0);
}

TEST_P(InProgress, ASecondConnectIsAlready) {
  EXPECT_EQ(begin(n_, target_), EALREADY);
  EXPECT_EQ(begin(n_, target_), EALREADY);
}

TEST_P(InProgress, ThereIsNoPeer) {
  sockaddr_storage peer;
  socklen_t length = sizeof peer;
  EXPECT_EQ(getpeername(n_, reinterpret_cast<sockaddr*>(&peer), &length), -1);
  EXPECT_EQ(errno, ENOTCONN);
}

TEST_P(InProgress, ThereIsNoError) { EXPECT_EQ(so_error(n_), 0); }

TEST_P(InProgress, SendAndReceiveWouldBlock) {
  char byte = 0;
  EXPECT_EQ(send(n_, &byte, 1, MSG_NOSIGNAL), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(recv(n_, &byte, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(write(n_, &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_P(InProgress, TheOwnAddressIsThatOfTheConnection) {
  sockaddr_in own{};
  socklen_t length = sizeof own;
  ASSERT_EQ(getsockname(n_, reinterpret_cast<sockaddr*>(&own), &length), 0);
  EXPECT_EQ(length, sizeof own);
  EXPECT_EQ(own.sin_family, AF_INET);
  EXPECT_EQ(own.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
  EXPECT_NE(own.sin_port, 0);
}

TEST_P(InProgress, ListenIsInvalid) {
  EXPECT_EQ(listen(n_, 5), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST_P(InProgress, TcpInfoSaysSynSent) {
  tcp_info info{};
  socklen_t length = sizeof info;
  ASSERT_EQ(getsockopt(n_, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
  EXPECT_EQ(info.tcpi_state, TCP_SYN_SENT);
}

class Connecting : public testing::TestWithParam<Way> {
 protected:
  Target target() const {
    return GetParam() == Way::kRaced ? resolve("second") : numeric(kPlainGood);
  }
};
HAPPY_BOTH_WAYS(Connecting);

TEST_P(Connecting, EndsWritableWithoutErrorAndWithAPeer) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, target()), EINPROGRESS);
  EXPECT_EQ(polled(fd.get(), POLLIN | POLLOUT | POLLRDHUP, kLong), POLLOUT);
  EXPECT_EQ(so_error(fd.get()), 0);
  EXPECT_EQ(peer_of(fd.get()),
            GetParam() == Way::kRaced ? "127.0.20.2" : kPlainGood);
}

TEST_P(Connecting, ConnectIsGoodOnceThenIsConnected) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, target()), EINPROGRESS);
  ASSERT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
  EXPECT_EQ(begin(fd, target()), 0);
  EXPECT_EQ(begin(fd, target()), EISCONN);
}

TEST_P(Connecting, PollingConnectGoesFromAlreadyToGoodToConnected) {
  const Descriptor fd = tcp();
  const Target there = target();
  ASSERT_EQ(begin(fd, there), EINPROGRESS);
  int error = 0;
  ASSERT_TRUE(
      eventually([&] { return (error = begin(fd, there)) != EALREADY; }));
  EXPECT_EQ(error, 0);
  EXPECT_EQ(begin(fd, there), EISCONN);
}

TEST_P(Connecting, DataGoesBothWays) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, target()), EINPROGRESS);
  ASSERT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
  const Descriptor server = accepted(fd.get());
  char text[8] = {};
  EXPECT_EQ(send(fd.get(), "there", 5, 0), 5);
  EXPECT_EQ(recv(server.get(), text, 5, MSG_WAITALL), 5);
  EXPECT_EQ(send(server.get(), "back", 4, 0), 4);
  ASSERT_EQ(polled(fd.get(), POLLIN, kLong), POLLIN);
  EXPECT_EQ(recv(fd.get(), text, 4, 0), 4);
}

TEST(Mapped, AnAddressFamilyInet6SocketStaysOne) {
  const Descriptor fd = tcp(AF_INET6);
  ASSERT_EQ(begin(fd, resolve("second", AF_INET6)), EINPROGRESS);
  sockaddr_in6 own{};
  socklen_t length = sizeof own;
  ASSERT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &length),
            0);
  EXPECT_EQ(length, sizeof own);
  EXPECT_EQ(own.sin6_family, AF_INET6);
  EXPECT_EQ(own.sin6_addr.s6_addr[13], 0) << "a stand-in's address";
  expect_connected(fd.get());
  sockaddr_in6 peer{};
  length = sizeof peer;
  ASSERT_EQ(getpeername(fd.get(), reinterpret_cast<sockaddr*>(&peer), &length),
            0);
  EXPECT_EQ(peer.sin6_family, AF_INET6);
  EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
}

// The hints of this look-up allowed IPv4, though the connect() is to IPv6.
TEST(Mapped, ADeadIpv6AddressIsOvertakenByIpv4) {
  addrinfo* list = nullptr;
  ASSERT_EQ(getaddrinfo("dead6.lab.test", nullptr, nullptr, &list), 0);
  freeaddrinfo(list);
  const Descriptor fd = tcp(AF_INET6);
  ASSERT_EQ(begin(fd, numeric("::1")), EINPROGRESS);
  EXPECT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
  EXPECT_EQ(peer_of(fd.get()), "127.0.80.1");
}

// Some programs set it on every socket (ruby's), and walk a list of both
// families: a dead IPv6 address would hold them up for minutes.
class V6Only : public testing::TestWithParam<int> {
 protected:
  static void set(const Descriptor& fd, int value) {
    ASSERT_EQ(
        setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof value),
        0);
  }
  static int read(int fd) {
    int value = -1;
    socklen_t length = sizeof value;
    EXPECT_EQ(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &length), 0);
    EXPECT_EQ(length, sizeof value);
    return value;
  }
  // Behind the number, past the library.
  static int read_real(int fd) {
    int value = -1;
    socklen_t length = sizeof value;
    syscall(SYS_getsockopt, fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &length);
    return value;
  }
};

TEST_P(V6Only, IsOvertakenByIpv4AndReadsAsItWas) {
  addrinfo* list = nullptr;
  ASSERT_EQ(getaddrinfo("dead6.lab.test", nullptr, nullptr, &list), 0);
  freeaddrinfo(list);
  Descriptor fd = tcp(AF_INET6, SOCK_CLOEXEC | GetParam());
  set(fd, 1);
  const int begun = begin(fd, numeric("::1"));
  ASSERT_EQ(begun, GetParam() != 0 ? EINPROGRESS : 0);
  EXPECT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
  EXPECT_EQ(peer_of(fd.get()), "127.0.80.1");
  EXPECT_EQ(read(fd.get()), 1);
  EXPECT_EQ(read_real(fd.get()), 0) << "the test sees nothing else";
  const int number = fd.get();
  fd.reset();
  const Descriptor next = tcp(AF_INET6);
  ASSERT_EQ(next.get(), number);
  EXPECT_EQ(read(number), 0) << "of the file that had the number before";
}

INSTANTIATE_TEST_SUITE_P(Mapped, V6Only, testing::Values(0, SOCK_NONBLOCK),
                         [](const auto& tested) {
                           return tested.param != 0 ? "NonBlocking"
                                                    : "Blocking";
                         });

TEST(V6OnlyHints, ForbidIpv4WhereTheLookUpDid) {
  addrinfo hints{};
  hints.ai_family = AF_INET6;
  addrinfo* list = nullptr;
  ASSERT_EQ(getaddrinfo("dead6.lab.test", nullptr, &hints, &list), 0);
  freeaddrinfo(list);
  const Descriptor fd = tcp(AF_INET6);
  ASSERT_EQ(begin(fd, numeric("::1")), EINPROGRESS);
  EXPECT_EQ(polled(fd.get(), POLLOUT, milliseconds(500)), 0);
}

// The stand-in, by calls that no library sees.
class StandIn : public testing::Test {
 protected:
  StandIn() {
    const Target target = resolve("hung");
    EXPECT_EQ(begin(one_, target), EINPROGRESS);
    EXPECT_EQ(begin(other_, target), EINPROGRESS);
  }
  static sockaddr_in own_address(int fd) {
    sockaddr_in out{};
    socklen_t length = sizeof out;
    EXPECT_EQ(syscall(SYS_getsockname, fd, &out, &length), 0);
    return out;
  }
  const Descriptor one_ = tcp(), other_ = tcp();
};

TEST_F(StandIn, ConnectsForLongerThanTheKernelWould) {
  int retries = 0;
  socklen_t length = sizeof retries;
  ASSERT_EQ(syscall(SYS_getsockopt, one_.get(), IPPROTO_TCP, TCP_SYNCNT,
                    &retries, &length),
            0);
  EXPECT_GT(retries, 100);
}

// All have the same port, each on an address of its own.
TEST_F(StandIn, TakesNoPortOfTheHosts) {
  const sockaddr_in one = own_address(one_.get());
  const sockaddr_in other = own_address(other_.get());
  EXPECT_EQ(one.sin_port, other.sin_port);
  EXPECT_NE(one.sin_addr.s_addr, other.sin_addr.s_addr);
  EXPECT_TRUE(is_stand_in(one_.get()));
}

}  // namespace
}  // namespace happy::behaviour
