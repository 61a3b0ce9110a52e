// Socket options set before and during a race, on a winner that is not the
// caller's own socket.
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "core/base/ip.h"
#include "tests/abi/behaviour.h"
#include "tests/lab/sockets.h"

namespace happy::behaviour {
namespace {

int get(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return getsockopt(fd, level, name, &value, &length) == 0 ? value : -errno;
}

int set(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : errno;
}

struct Option {
  const char* name;
  int level, option, value;
};

class OptionTest : public testing::TestWithParam<Option> {
 protected:
  int set_it(int fd) const {
    return set(fd, GetParam().level, GetParam().option, GetParam().value);
  }
  int get_it(int fd) const {
    return get(fd, GetParam().level, GetParam().option);
  }
  // What the kernel makes of the value.
  int expected() const {
    const Descriptor fd = tcp();
    EXPECT_EQ(set_it(fd.get()), 0);
    return get_it(fd.get());
  }
};
INSTANTIATE_TEST_SUITE_P(
    Behaviour, OptionTest,
    testing::Values(
        Option{"KeepAlive", SOL_SOCKET, SO_KEEPALIVE, 1},
        Option{"SendBuffer", SOL_SOCKET, SO_SNDBUF, 30'000},
        Option{"ReceiveBuffer", SOL_SOCKET, SO_RCVBUF, 30'000},
        Option{"Priority", SOL_SOCKET, SO_PRIORITY, 5},
        Option{"OutOfBandInline", SOL_SOCKET, SO_OOBINLINE, 1},
        Option{"ReceiveLowWater", SOL_SOCKET, SO_RCVLOWAT, 3},
        Option{"Tos", IPPROTO_IP, IP_TOS, 0x20},
        Option{"Ttl", IPPROTO_IP, IP_TTL, 77},
        Option{"NoDelay", IPPROTO_TCP, TCP_NODELAY, 1},
        Option{"KeepIdle", IPPROTO_TCP, TCP_KEEPIDLE, 33},
        Option{"KeepInterval", IPPROTO_TCP, TCP_KEEPINTVL, 11},
        Option{"KeepCount", IPPROTO_TCP, TCP_KEEPCNT, 4},
        Option{"SynCount", IPPROTO_TCP, TCP_SYNCNT, 3},
        Option{"UserTimeout", IPPROTO_TCP, TCP_USER_TIMEOUT, 12'345},
        Option{"NotSentLowWater", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16'384},
        Option{"DeferAccept", IPPROTO_TCP, TCP_DEFER_ACCEPT, 7},
        Option{"MinTtl", IPPROTO_IP, IP_MINTTL, 1}),
    [](const auto& it) { return it.param.name; });

TEST_P(OptionTest, SetBeforeTheRaceReachesTheWinner) {
  const Descriptor fd = tcp();
  ASSERT_EQ(set_it(fd.get()), 0);
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  EXPECT_EQ(get_it(fd.get()), expected());
  expect_connected(fd.get());
  EXPECT_EQ(get_it(fd.get()), expected());
}

TEST_P(OptionTest, SetDuringTheRaceReachesTheWinner) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("later")), EINPROGRESS);
  ASSERT_EQ(set_it(fd.get()), 0);
  EXPECT_EQ(get_it(fd.get()), expected());
  EXPECT_EQ(peer_of(fd.get()), "") << "not during the race";
  expect_connected(fd.get());
  EXPECT_EQ(get_it(fd.get()), expected());
}

TEST_P(OptionTest, SetDuringARaceOfARefusalReachesTheSocketThatIsGivenBack) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("bounded")), EINPROGRESS);
  ASSERT_EQ(set_it(fd.get()), 0);
  EXPECT_EQ(get_it(fd.get()), expected());
  ASSERT_NE(polled(fd.get(), POLLOUT, kLong), 0);
  EXPECT_EQ(get_it(fd.get()), expected());
}

TEST_P(OptionTest, OfABlockingRaceReachesTheWinner) {
  const Descriptor fd = tcp(AF_INET, SOCK_CLOEXEC);
  ASSERT_EQ(set_it(fd.get()), 0);
  ASSERT_EQ(begin(fd, resolve("second")), 0);
  EXPECT_EQ(get_it(fd.get()), expected());
}

// TCP_USER_TIMEOUT and TCP_SYNCNT are the library's own tools.
TEST(Options, TheRulesTimeOutDoesNotShow) {
  const Descriptor fd = tcp();
  const int tries = get(fd.get(), IPPROTO_TCP, TCP_SYNCNT);
  for (const char* world : {"bounded", "attempts"}) {
    const Descriptor racing = tcp();
    ASSERT_EQ(begin(racing, resolve(world)), EINPROGRESS);
    EXPECT_EQ(get(racing.get(), IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    EXPECT_EQ(get(racing.get(), IPPROTO_TCP, TCP_SYNCNT), tries);
  }
}

TEST(Options, ATimeOutTakenOffInMidRaceDoesNotTakeOffTheRules) {
  const Descriptor fd = tcp();
  ASSERT_EQ(set(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000), 0);
  ASSERT_EQ(begin(fd, resolve("attempts")), EINPROGRESS);
  EXPECT_EQ(get(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT), 60'000);
  ASSERT_EQ(set(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, 0), 0);
  EXPECT_EQ(get(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
  EXPECT_NE(polled(fd.get(), POLLOUT, kLong), 0);
  EXPECT_EQ(so_error(fd.get()), ETIMEDOUT);
}

TEST(Options, MappedAttemptsGetTheIpv4FormOfIpv6Options) {
  const Descriptor fd = tcp(AF_INET6);
  ASSERT_EQ(set(fd.get(), IPPROTO_IPV6, IPV6_TCLASS, 0x20), 0);
  ASSERT_EQ(set(fd.get(), IPPROTO_IPV6, IPV6_UNICAST_HOPS, 66), 0);
  addrinfo* list = nullptr;
  ASSERT_EQ(getaddrinfo("dead6.lab.test", nullptr, nullptr, &list), 0);
  freeaddrinfo(list);
  ASSERT_EQ(begin(fd, numeric("::1")), EINPROGRESS);
  ASSERT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
  EXPECT_EQ(get(fd.get(), IPPROTO_IP, IP_TOS), 0x20);
  EXPECT_EQ(get(fd.get(), IPPROTO_IP, IP_TTL), 66);
  EXPECT_EQ(get(fd.get(), IPPROTO_IPV6, IPV6_TCLASS), 0x20);
  EXPECT_EQ(get(fd.get(), IPPROTO_IPV6, IPV6_UNICAST_HOPS), 66);
}

TEST(Options, LingerReachesTheWinner) {
  const Descriptor fd = tcp();
  linger wish{1, 17};
  socklen_t length = sizeof wish;
  ASSERT_EQ(setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &wish, length), 0);
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  expect_connected(fd.get());
  wish = {};
  ASSERT_EQ(getsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &wish, &length), 0);
  EXPECT_EQ(wish.l_onoff, 1);
  EXPECT_EQ(wish.l_linger, 17);
}

class Congestion : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Behaviour, Congestion, testing::Bool(),
                         [](const auto& it) {
                           return it.param ? "Before" : "During";
                         });

TEST_P(Congestion, ControlReachesTheWinner) {
  const Descriptor fd = tcp();
  const auto choose = [&] {
    return setsockopt(fd.get(), IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  };
  if (GetParam() && choose() != 0) GTEST_SKIP() << "no reno";
  ASSERT_EQ(begin(fd, resolve("later")), EINPROGRESS);
  if (!GetParam() && choose() != 0) GTEST_SKIP() << "no reno";
  expect_connected(fd.get());
  char name[16] = {};
  socklen_t length = sizeof name;
  ASSERT_EQ(getsockopt(fd.get(), IPPROTO_TCP, TCP_CONGESTION, name, &length),
            0);
  EXPECT_STREQ(name, "reno");
}

TEST(Options, TheFirewallMarkReachesTheWinner) {
  const Descriptor fd = tcp();
  if (set(fd.get(), SOL_SOCKET, SO_MARK, 99) != 0) GTEST_SKIP() << "not root";
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  expect_connected(fd.get());
  EXPECT_EQ(get(fd.get(), SOL_SOCKET, SO_MARK), 99);
}

TEST(Options, TheDeviceReachesTheWinner) {
  const Descriptor fd = tcp();
  char name[16] = "lo";
  socklen_t length = sizeof name;
  if (setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, name, length) != 0)
    GTEST_SKIP() << "not allowed";
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  expect_connected(fd.get());
  memset(name, 0, sizeof name);
  ASSERT_EQ(getsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, name, &length),
            0);
  EXPECT_STREQ(name, "lo");
}

TEST(Options, WrongOnesFailAsInTheKernel) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("hung")), EINPROGRESS);
  int value = 1;
  EXPECT_EQ(setsockopt(fd.get(), SOL_SOCKET, 12345, &value, sizeof value), -1);
  EXPECT_EQ(errno, ENOPROTOOPT);
  EXPECT_EQ(setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &value, 1), -1);
  EXPECT_EQ(errno, EINVAL);
  socklen_t length = sizeof value;
  EXPECT_EQ(getsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, nullptr, &length),
            -1);
  EXPECT_EQ(errno, EFAULT);
}

// 127.0.0.N as source, as `curl --interface` does.
int bind_to(int fd, uint8_t last, uint16_t port) {
  sockaddr_storage address;
  const Endpoint endpoint{IpAddress::v4(127, 0, 0, last), port};
  const socklen_t length = endpoint.to_sockaddr(&address);
  return bind(fd, reinterpret_cast<sockaddr*>(&address), length);
}

std::string own_address(int fd) {
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  auto* generic = reinterpret_cast<sockaddr*>(&own);
  getsockname(fd, generic, &length);
  return Endpoint::from_sockaddr(generic, length)->address.to_string();
}

TEST(Bound, AddressIsHonouredOnEveryAttempt) {
  const Descriptor fd = tcp();
  ASSERT_EQ(set(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1), 0);
  ASSERT_EQ(bind_to(fd.get(), 77, 0), 0);
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  EXPECT_EQ(own_address(fd.get()), "127.0.0.77");
  expect_connected(fd.get());
  EXPECT_EQ(peer_of(fd.get()), "127.0.20.2");
  EXPECT_EQ(own_address(fd.get()), "127.0.0.77");
}

TEST(Bound, APortThatIsChosenMakesNoRace) {
  const Descriptor fd = tcp();
  ASSERT_EQ(bind_to(fd.get(), 77, 0), 0);
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  EXPECT_EQ(polled(fd.get(), POLLOUT, 300ms), 0);
  EXPECT_TRUE(
      eventually([] { return traced("passed", "local port") > 0; }, 1s));
}

TEST(NoRace, WithASocketFilter) {
  const Descriptor fd = tcp();
  sock_filter all[] = {{BPF_RET | BPF_K, 0, 0, 0xffffffff}};
  const sock_fprog program{1, all};
  if (setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program,
                 sizeof program) != 0)
    GTEST_SKIP() << "not allowed";
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  EXPECT_EQ(polled(fd.get(), POLLOUT, 300ms), 0);
  EXPECT_TRUE(eventually([] { return traced("passed", "option") > 0; }, 1s));
}

TEST(NoRace, WithAnMd5Signature) {
  const Descriptor fd = tcp();
  tcp_md5sig key{};
  const Target target = resolve("second");
  memcpy(&key.tcpm_addr, &target.address, target.length);
  key.tcpm_keylen = 3;
  memcpy(key.tcpm_key, "key", 3);
  if (setsockopt(fd.get(), IPPROTO_TCP, TCP_MD5SIG, &key, sizeof key) != 0)
    GTEST_SKIP() << "no TCP-MD5 in this kernel";
  ASSERT_EQ(begin(fd, target), EINPROGRESS);
  EXPECT_EQ(polled(fd.get(), POLLOUT, 300ms), 0);
  EXPECT_TRUE(eventually([] { return traced("passed", "option") > 0; }, 1s));
}

// Set by root, connected by somebody else: attempts cannot have the mark.
TEST(Required, WhatCannotBeCopiedMakesNoAttempt) {
  if (geteuid() != 0) GTEST_SKIP() << "not root";
  const int before = traced("attempt_failed", "EPERM");
  const Target target = resolve("second");  // opens the trace, too
  EXPECT_EQ(in_child([&] {
              const Descriptor fd = tcp();
              EXPECT_EQ(set(fd.get(), SOL_SOCKET, SO_MARK, 99), 0);
              EXPECT_EQ(fchown(fd.get(), 65534, 65534), 0);
              EXPECT_EQ(setresuid(65534, 65534, 65534), 0);
              EXPECT_EQ(begin(fd, target), EINPROGRESS);
              EXPECT_EQ(polled(fd.get(), POLLOUT, 500ms), 0);
              return 0;
            }),
            0);
  EXPECT_GT(traced("attempt_failed", "EPERM"), before);
}

// Attempts without it are under way: they are given up.
class EndsTheRace : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Behaviour, EndsTheRace, testing::Bool(),
                         [](const auto& it) {
                           return it.param ? "NonBlocking" : "Blocking";
                         });

TEST_P(EndsTheRace, WhatSteersPacketsSetInItsMiddle) {
  const Target target = resolve("later");
  const bool non_blocking = GetParam();
  const Descriptor fd =
      tcp(AF_INET, SOCK_CLOEXEC | (non_blocking ? SOCK_NONBLOCK : 0));
  const timeval limit{1, 500'000};
  ASSERT_EQ(setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit),
            0);
  std::thread setter;
  if (!non_blocking) {
    setter = std::thread([&] {
      std::this_thread::sleep_for(200ms);
      EXPECT_EQ(set(fd.get(), SOL_SOCKET, SO_DONTROUTE, 1), 0);
    });
  }
  EXPECT_EQ(begin(fd, target), EINPROGRESS);
  if (non_blocking) {
    ASSERT_EQ(set(fd.get(), SOL_SOCKET, SO_DONTROUTE, 1), 0);
    EXPECT_EQ(polled(fd.get(), POLLOUT, 1200ms), 0);
  } else {
    setter.join();
  }
  EXPECT_FALSE(is_stand_in(fd.get()));
  EXPECT_EQ(peer_of(fd.get()), "");
  EXPECT_EQ(get(fd.get(), SOL_SOCKET, SO_DONTROUTE), 1);
}

TEST(NoRace, WithAnMd5SignatureSetUnderAnotherNumber) {
  const Descriptor fd = tcp();
  const Target target = resolve("second");
  tcp_md5sig key{};
  memcpy(&key.tcpm_addr, target.get(), target.length);
  key.tcpm_keylen = 3;
  memcpy(key.tcpm_key, "key", 3);
  const Descriptor copy(dup(fd.get()));
  if (setsockopt(copy.get(), IPPROTO_TCP, TCP_MD5SIG, &key, sizeof key) != 0)
    GTEST_SKIP() << "no TCP-MD5 in this kernel";
  ASSERT_EQ(begin(fd, target), EINPROGRESS);
  EXPECT_EQ(polled(fd.get(), POLLOUT, 300ms), 0);
}

TEST(Options, OfMultipathTcpReachTheWinner) {
  const Descriptor fd(
      socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 262));
  if (!fd.open()) GTEST_SKIP() << "no MPTCP";
  ASSERT_EQ(set(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1), 0);
  ASSERT_EQ(set(fd.get(), SOL_SOCKET, SO_RCVBUF, 30'000), 0);
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  ASSERT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
  EXPECT_EQ(peer_of(fd.get()), "127.0.20.2");
  EXPECT_EQ(get(fd.get(), SOL_SOCKET, SO_PROTOCOL), 262);
  EXPECT_EQ(get(fd.get(), IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(get(fd.get(), SOL_SOCKET, SO_RCVBUF), 60'000);
}

// The attempt that wins is under way when the option is set.
TEST(Options, SetWhileTheWinnerConnectsReachesIt) {
  const lab::Descriptor server =
      lab::listen_on({IpAddress::parse("127.0.45.2").value(), web_port()},
                     lab::Listening::kBlackHole);
  resolve("unreachable");
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, numeric("224.0.0.1")), EINPROGRESS);
  std::this_thread::sleep_for(200ms);
  ASSERT_EQ(set(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1), 0);
  // Makes room in the black hole's queue: the next SYN is answered.
  while (Descriptor(accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC))
             .open()) {
  }
  ASSERT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
  EXPECT_EQ(peer_of(fd.get()), "127.0.45.2");
  EXPECT_EQ(get(fd.get(), IPPROTO_TCP, TCP_NODELAY), 1);
}

}  // namespace
}  // namespace happy::behaviour
