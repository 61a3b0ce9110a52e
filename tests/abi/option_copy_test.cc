// shim/socket_options.h with real sockets: every option of the table that is
// copied is set on one, taken, given to another, and read there.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "shim/option_numbers.h"
#include "shim/option_table.h"
#include "shim/socket_options.h"
#include "tests/abi/option_names.h"
#include "tests/lab/descriptor.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

namespace happy::shim {
namespace {

using lab::Descriptor;
using option_table::Reading;
using option_table::Row;
using option_table::Travel;
using Bytes = std::vector<uint8_t>;

template <typename T>
Bytes bytes_of(const T& value) {
  Bytes out(sizeof value);
  memcpy(out.data(), &value, sizeof value);
  return out;
}
Bytes number(int value) { return bytes_of(value); }

struct Kind {
  const char* name;
  int family, protocol;
};
constexpr Kind kTcp4{"Tcp4", AF_INET, IPPROTO_TCP};
constexpr Kind kTcp6{"Tcp6", AF_INET6, IPPROTO_TCP};
constexpr Kind kMptcp4{"Mptcp4", AF_INET, IPPROTO_MPTCP};
constexpr Kind kMptcp6{"Mptcp6", AF_INET6, IPPROTO_MPTCP};

Descriptor fresh(const Kind& kind) {
  return Descriptor(
      socket(kind.family, SOCK_STREAM | SOCK_CLOEXEC, kind.protocol));
}

// 0 or errno. What the hook of setsockopt(2) notes is noted.
int set(const Descriptor& fd, int level, int name, const Bytes& value) {
  const auto length = static_cast<socklen_t>(value.size());
  if (setsockopt(fd.get(), level, name, value.data(), length) != 0)
    return errno;
  socket_options::mark_set(level, name);
  return 0;
}
int set(const Descriptor& fd, int level, int name, int value) {
  return set(fd, level, name, number(value));
}

// Empty where it cannot be read.
Bytes get(const Descriptor& fd, int level, int name) {
  Bytes out(64);
  socklen_t length = 64;
  if (getsockopt(fd.get(), level, name, out.data(), &length) != 0) return {};
  out.resize(length);
  return out;
}

std::string text_of(const Bytes& bytes) {
  std::string out = "[";
  for (const uint8_t byte : bytes) out += " " + std::to_string(byte);
  return out + " ]";
}

socket_options::Snapshot taken(const Descriptor& fd, const Kind& kind) {
  socket_options::Snapshot out;
  const char* const why =
      socket_options::take(fd.get(), kind.family, kind.protocol, &out);
  EXPECT_STREQ(why, nullptr);
  return out;
}

// A second socket that is given what the first one has.
Descriptor copy_of(const Descriptor& fd, const Kind& kind) {
  const auto snapshot = taken(fd, kind);
  Descriptor copy = fresh(kind);
  EXPECT_TRUE(socket_options::give(snapshot, copy.get(), snapshot.speaks_ipv4))
      << strerror(errno);
  return copy;
}

bool is(const Row& row, int level, int name) {
  return row.level == level && row.name == name;
}

// Values to try, until one is taken that is not the default.
std::vector<Bytes> values_for(const Row& row) {
  if (is(row, IPPROTO_IP, IP_OPTIONS)) return {{1, 1, 1, 0}};
  if (is(row, SOL_SOCKET, SO_BINDTODEVICE)) return {{'l', 'o', 0}};
  if (is(row, IPPROTO_IP, IP_LOCAL_PORT_RANGE))
    return {number(40000 | 40010 << 16)};
  if (is(row, IPPROTO_IP, IP_UNICAST_IF) ||
      is(row, IPPROTO_IPV6, IPV6_UNICAST_IF))
    return {number(static_cast<int>(htonl(if_nametoindex("lo"))))};
  if (row.level == SOL_SOCKET) {
    switch (row.name) {
      case SO_LINGER:
        return {bytes_of(linger{1, 17})};
      case SO_RCVTIMEO_OLD:
      case SO_SNDTIMEO_OLD:
        return {bytes_of(timeval{3, 0})};
      case SO_TXTIME:
        return {bytes_of(std::array<int, 2>{CLOCK_MONOTONIC, 1})};
      case SO_BINDTOIFINDEX:
        return {number(static_cast<int>(if_nametoindex("lo")))};
      case SO_SNDBUF:
      case SO_RCVBUF:
        return {number(30'000)};
      case SO_RCVLOWAT:
        return {number(7), number(300'000)};
      default:
        break;
    }
  }
  if (is(row, IPPROTO_TCP, TCP_CONGESTION)) return {{'r', 'e', 'n', 'o'}};
  if (is(row, IPPROTO_TCP, TCP_FASTOPEN_KEY)) return {Bytes(16, 9)};
  if (is(row, IPPROTO_TCP, TCP_RTO_MAX_MS)) return {number(60'000)};
  std::vector<Bytes> out;
  for (const int value : {1, 0, 2, 3, 8, 33, 1000, 5000, -1})
    out.push_back(number(value));
  return out;
}

bool is_copied(const Row& row) {
  switch (row.travel) {
    case Travel::kCopied:
    case Travel::kDoubled:
    case Travel::kRequired:
    case Travel::kSteers:
      return row.reading != Reading::kNever;
    default:
      return false;
  }
}

// What other rows say, that a change of this one changes as well.
void expect_alike(const Descriptor& one, const Descriptor& other) {
  for (int i = 0; i < option_table::kRowCount; ++i) {
    const Row& row = option_table::kRows[i];
    if (!is_copied(row)) continue;
    EXPECT_EQ(text_of(get(other, row.level, row.name)),
              text_of(get(one, row.level, row.name)))
        << name_of(i) << " differs";
  }
}

class Copied : public testing::TestWithParam<std::tuple<int, Kind>> {
 protected:
  const Row& row() const {
    return option_table::kRows[std::get<0>(GetParam())];
  }
  const Kind& kind() const { return std::get<1>(GetParam()); }
};

std::vector<int> copied_rows() {
  std::vector<int> out;
  for (int i = 0; i < option_table::kRowCount; ++i)
    if (is_copied(option_table::kRows[i])) out.push_back(i);
  return out;
}
INSTANTIATE_TEST_SUITE_P(Options, Copied,
                         testing::Combine(testing::ValuesIn(copied_rows()),
                                          testing::Values(kTcp4, kTcp6, kMptcp4,
                                                          kMptcp6)),
                         [](const auto& it) {
                           return name_of(std::get<0>(it.param)) + "_" +
                                  std::get<1>(it.param).name;
                         });

// Errors that say that this kernel has no such option for this kind of socket,
// or that this user may not use it.
bool is_refusal(int error) {
  return error == ENOPROTOOPT || error == EOPNOTSUPP ||
         (error == EPERM && geteuid() != 0);
}

TEST_P(Copied, ArrivesAsItWasSet) {
  if (!fresh(kind()).open()) return;  // a kernel without MPTCP
  const Bytes usual = get(fresh(kind()), row().level, row().name);
  int error = ENOPROTOOPT;
  for (const Bytes& value : values_for(row())) {
    const Descriptor caller = fresh(kind());
    error = set(caller, row().level, row().name, value);
    if (is_refusal(error)) return;
    const Bytes expected = get(caller, row().level, row().name);
    if (error != 0 || expected == usual) continue;
    const Descriptor copy = copy_of(caller, kind());
    EXPECT_EQ(text_of(get(copy, row().level, row().name)), text_of(expected));
    expect_alike(caller, copy);
    return;
  }
  // Without effect on this kind of socket: accepted, and never anything else.
  EXPECT_EQ(error, 0) << strerror(error) << ": no value was taken";
  EXPECT_TRUE(usual.empty() || kind().protocol == IPPROTO_MPTCP)
      << "every value reads as the default";
}

// What the kernel obeys on a connection of the other IP.
struct Pair {
  const char* name;
  int ipv4, ipv6, value, other;
};
class Mapping : public testing::TestWithParam<Pair> {
 protected:
  static int number_at(const Descriptor& fd, int level, int name) {
    const Bytes bytes = get(fd, level, name);
    int value = -1;
    if (bytes.size() == sizeof value)
      memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  int ipv4_of(const Descriptor& fd) const {
    return number_at(fd, IPPROTO_IP, GetParam().ipv4);
  }
  int ipv6_of(const Descriptor& fd) const {
    return number_at(fd, IPPROTO_IPV6, GetParam().ipv6);
  }
  Descriptor given(const Descriptor& caller, bool caller_mapped,
                   bool attempt_mapped) const {
    auto snapshot = taken(caller, kTcp6);
    snapshot.speaks_ipv4 = caller_mapped;
    Descriptor copy = fresh(kTcp6);
    EXPECT_TRUE(socket_options::give(snapshot, copy.get(), attempt_mapped));
    return copy;
  }
  const Descriptor caller_ = fresh(kTcp6);
  const int usual4_ = ipv4_of(fresh(kTcp6)), usual6_ = ipv6_of(fresh(kTcp6));
};
INSTANTIATE_TEST_SUITE_P(
    Options, Mapping,
    testing::Values(Pair{"Tos", IP_TOS, IPV6_TCLASS, 0x28, 0x10},
                    Pair{"Ttl", IP_TTL, IPV6_UNICAST_HOPS, 33, 44},
                    Pair{"MtuDiscover", IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, 2,
                         3},
                    Pair{"RecvErr", IP_RECVERR, IPV6_RECVERR, 1, 1},
                    Pair{"MinTtl", IP_MINTTL, IPV6_MINHOPCOUNT, 5, 7}),
    [](const auto& it) { return it.param.name; });

TEST_P(Mapping, Ipv6FormBecomesTheIpv4OneOnAMappedAttempt) {
  ASSERT_EQ(set(caller_, IPPROTO_IPV6, GetParam().ipv6, GetParam().value), 0);
  const Descriptor copy = given(caller_, false, true);
  EXPECT_EQ(ipv4_of(copy), GetParam().value);
  EXPECT_EQ(ipv6_of(copy), GetParam().value);
}

TEST_P(Mapping, Ipv4FormBecomesTheIpv6OneOnANativeAttempt) {
  ASSERT_EQ(set(caller_, IPPROTO_IP, GetParam().ipv4, GetParam().value), 0);
  const Descriptor copy = given(caller_, true, false);
  EXPECT_EQ(ipv4_of(copy), GetParam().value);
  EXPECT_EQ(ipv6_of(copy), GetParam().value);
}

TEST_P(Mapping, WhatTheCallerSetItselfCounts) {
  ASSERT_EQ(set(caller_, IPPROTO_IPV6, GetParam().ipv6, GetParam().value), 0);
  ASSERT_EQ(set(caller_, IPPROTO_IP, GetParam().ipv4, GetParam().other), 0);
  const Descriptor copy = given(caller_, false, true);
  EXPECT_EQ(ipv4_of(copy), GetParam().other);
}

TEST_P(Mapping, AttemptsOfTheCallersOwnKindAreLeftAlone) {
  ASSERT_EQ(set(caller_, IPPROTO_IPV6, GetParam().ipv6, GetParam().value), 0);
  EXPECT_EQ(ipv4_of(given(caller_, false, false)), usual4_);
  const Descriptor other = fresh(kTcp6);
  ASSERT_EQ(set(other, IPPROTO_IP, GetParam().ipv4, GetParam().value), 0);
  EXPECT_EQ(ipv6_of(given(other, true, true)), usual6_);
}

// A caller of IPv4 whose race uses IPv6.
TEST_P(Mapping, Ipv4FormOfAnIpv4SocketBecomesTheIpv6One) {
  const Descriptor caller = fresh(kTcp4);
  ASSERT_EQ(set(caller, IPPROTO_IP, GetParam().ipv4, GetParam().value), 0);
  auto snapshot = taken(caller, kTcp4);
  const Descriptor copy = fresh(kTcp6);
  ASSERT_TRUE(socket_options::give(snapshot, copy.get(), false));
  EXPECT_EQ(ipv4_of(copy), GetParam().value);
  EXPECT_EQ(ipv6_of(copy), GetParam().value);
}

TEST(Buffers, OfTheUsualSizeStayFixedOnceTheyWereSet) {
  const Descriptor caller = fresh(kTcp4);
  int usual = 0;
  memcpy(&usual, get(caller, SOL_SOCKET, SO_SNDBUF).data(), sizeof usual);
  ASSERT_EQ(set(caller, SOL_SOCKET, SO_SNDBUF, usual / 2), 0);
  const Descriptor copy = copy_of(caller, kTcp4);
  EXPECT_EQ(text_of(get(copy, SOL_SOCKET, SO_BUF_LOCK)),
            text_of(get(caller, SOL_SOCKET, SO_BUF_LOCK)));
  expect_alike(caller, copy);
}

TEST(Buffers, ThatTheKernelTunesAreStillTuned) {
  const Descriptor caller = fresh(kTcp4);
  ASSERT_EQ(set(caller, SOL_SOCKET, SO_RCVLOWAT, 300'000), 0);
  const Descriptor copy = copy_of(caller, kTcp4);
  EXPECT_NE(get(caller, SOL_SOCKET, SO_RCVBUF),
            get(fresh(kTcp4), SOL_SOCKET, SO_RCVBUF))
      << "the low-water mark enlarges the buffer no more: test another way";
  EXPECT_EQ(text_of(get(copy, SOL_SOCKET, SO_BUF_LOCK)), text_of(number(0)));
  expect_alike(caller, copy);
}

TEST(Buffers, BeyondTheLimitArriveToo) {
  const Descriptor caller = fresh(kTcp4);
  constexpr int kBeyond = 32 << 20;
  if (set(caller, SOL_SOCKET, SO_SNDBUFFORCE, kBeyond) != 0)
    GTEST_SKIP() << "not root";
  ASSERT_EQ(set(caller, SOL_SOCKET, SO_RCVBUFFORCE, kBeyond), 0);
  expect_alike(caller, copy_of(caller, kTcp4));
}

// IP_TOS sets the priority, which the caller took back.
TEST(Order, APriorityBackAtTheDefaultIsNotWhatTheTosMadeOfIt) {
  const Descriptor caller = fresh(kTcp4);
  ASSERT_EQ(set(caller, IPPROTO_IP, IP_TOS, 0x10), 0);
  ASSERT_EQ(set(caller, SOL_SOCKET, SO_PRIORITY, 0), 0);
  expect_alike(caller, copy_of(caller, kTcp4));
}

TEST(Order, OfChangesDuringTheRaceIsTheHosts) {
  const Descriptor caller = fresh(kTcp4);
  auto snapshot = taken(caller, kTcp4);
  const auto change = [&](int level, int name, int value) {
    ASSERT_EQ(set(caller, level, name, value), 0);
    ASSERT_TRUE(socket_options::note_change(level, name, &value, sizeof value,
                                            &snapshot));
  };
  change(IPPROTO_IP, IP_TOS, 0x10);
  change(SOL_SOCKET, SO_PRIORITY, 1);
  change(IPPROTO_IP, IP_TOS, 0x08);
  const Descriptor copy = fresh(kTcp4);
  socket_options::give_changed(snapshot, copy.get());
  expect_alike(caller, copy);
}

struct Forbidding {
  int level, name;
  Bytes value;
};

TEST(Forbidden, OptionsThatCanBeReadAreNoticed) {
  const Bytes padding{0, 0, 1, 4, 0, 0, 0, 0};  // an empty extension header
  for (const Forbidding& it : std::initializer_list<Forbidding>{
           {IPPROTO_IPV6, IPV6_FLOWINFO_SEND, number(1)},
           {IPPROTO_IPV6, IPV6_DSTOPTS, padding},
           {IPPROTO_TCP, TCP_REPAIR, number(1)}}) {
    const Descriptor caller = fresh(kTcp6);
    const int error = set(caller, it.level, it.name, it.value);
    if (error == EPERM && geteuid() != 0) continue;
    ASSERT_EQ(error, 0) << it.name;
    socket_options::Snapshot unused;
    EXPECT_THAT(
        socket_options::take(caller.get(), AF_INET6, IPPROTO_TCP, &unused),
        testing::HasSubstr("cannot be copied"))
        << it.level << " " << it.name;
  }
}

TEST(Device, ThatIsGoneBindsTheAttemptsAsWell) {
  const Descriptor caller = fresh(kTcp4);
  constexpr int kNoDevice = 123'456;
  ASSERT_EQ(set(caller, SOL_SOCKET, SO_BINDTOIFINDEX, kNoDevice), 0);
  const Descriptor copy = copy_of(caller, kTcp4);
  EXPECT_EQ(text_of(get(copy, SOL_SOCKET, SO_BINDTOIFINDEX)),
            text_of(number(kNoDevice)));
}

// Changes of user and namespace concern the thread alone.
template <typename Body>
void in_a_thread(Body body) {
  std::thread(body).join();
}

TEST(Required, WithoutThePrivilegeForItThereIsNoAttempt) {
  const Descriptor caller = fresh(kTcp4);
  if (set(caller, SOL_SOCKET, SO_MARK, 99) != 0) GTEST_SKIP() << "not root";
  auto snapshot = taken(caller, kTcp4);
  snapshot.owner = socket_options::Snapshot::kNone;
  in_a_thread([&] {
    ASSERT_EQ(syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    const Descriptor copy = fresh(kTcp4);
    EXPECT_FALSE(
        socket_options::give(snapshot, copy.get(), snapshot.speaks_ipv4));
    EXPECT_EQ(errno, EPERM);
  });
}

uid_t owner_of(const Descriptor& fd) {
  struct stat status {};
  fstat(fd.get(), &status);
  return status.st_uid;
}

TEST(Owner, OfAnAttemptIsThatOfTheCallersSocket) {
  const Descriptor caller = fresh(kTcp4);
  if (fchown(caller.get(), 1234, static_cast<gid_t>(-1)) != 0)
    GTEST_SKIP() << "not root";
  EXPECT_EQ(owner_of(copy_of(caller, kTcp4)), 1234u);
}

TEST(Owner, WhoCannotBeMadeTheAttemptsMakesNone) {
  if (geteuid() != 0) GTEST_SKIP() << "not root";
  const auto snapshot = taken(fresh(kTcp4), kTcp4);
  in_a_thread([&] {
    ASSERT_EQ(syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    const Descriptor copy = fresh(kTcp4);
    EXPECT_FALSE(
        socket_options::give(snapshot, copy.get(), snapshot.speaks_ipv4));
    EXPECT_EQ(errno, EPERM);
  });
}

TEST(NetworkNamespace, AnotherOneMakesNoAttempt) {
  const auto snapshot = taken(fresh(kTcp4), kTcp4);
  if (snapshot.network == 0) GTEST_SKIP() << "the kernel does not tell";
  in_a_thread([&] {
    if (unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "not root";
    const Descriptor elsewhere = fresh(kTcp4);
    EXPECT_FALSE(
        socket_options::give(snapshot, elsewhere.get(), snapshot.speaks_ipv4));
    EXPECT_EQ(errno, EXDEV);
  });
}

TEST(NetworkNamespace, AnotherOnesSocketIsNotRaced) {
  taken(fresh(kTcp4), kTcp4);
  in_a_thread([&] {
    if (unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "not root";
    socket_options::Snapshot unused;
    EXPECT_STREQ(
        socket_options::take(fresh(kTcp4).get(), AF_INET, IPPROTO_TCP, &unused),
        "another network namespace");
  });
}

TEST(Effect, FollowsTheTable) {
  using socket_options::Effect;
  using socket_options::effect_of;
  EXPECT_EQ(effect_of(IPPROTO_TCP, TCP_NODELAY), Effect::kTravels);
  EXPECT_EQ(effect_of(SOL_SOCKET, SO_RCVBUFFORCE), Effect::kTravels);
  EXPECT_EQ(effect_of(SOL_SOCKET, SO_MARK), Effect::kEndsRace);
  EXPECT_EQ(effect_of(SOL_SOCKET, SO_BINDTODEVICE), Effect::kEndsRace);
  EXPECT_EQ(effect_of(SOL_SOCKET, SO_ATTACH_FILTER), Effect::kEndsRace);
  EXPECT_EQ(effect_of(IPPROTO_TCP, TCP_MD5SIG), Effect::kForbids);
  EXPECT_EQ(effect_of(IPPROTO_TCP, TCP_AO_ADD_KEY), Effect::kForbids);
  EXPECT_EQ(effect_of(SOL_SOCKET, SO_TYPE), Effect::kNone);
  EXPECT_EQ(effect_of(SOL_SOCKET, SO_DETACH_FILTER), Effect::kNone);
}

TEST(Effect, OptionsOfALaterKernelForbidARace) {
  using socket_options::Effect;
  using socket_options::effect_of;
  for (const int level :
       {SOL_SOCKET, int{IPPROTO_IP}, int{IPPROTO_IPV6}, int{IPPROTO_TCP}}) {
    EXPECT_EQ(effect_of(level, 127), Effect::kForbids);
    EXPECT_EQ(effect_of(level, 100'000), Effect::kForbids);
    EXPECT_EQ(effect_of(level, -1), Effect::kForbids);
  }
  EXPECT_EQ(effect_of(IPPROTO_UDP, 1), Effect::kNone);
}

}  // namespace
}  // namespace happy::shim
