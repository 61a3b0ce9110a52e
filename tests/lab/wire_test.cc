// The wire of the namespace lab in virtual time: exact, without a socket.
#include "tests/lab/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace happy::lab {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr Time kT0{};

Endpoint at(const char* address, uint16_t port) {
  return {IpAddress::parse(address).value(), port};
}

const Endpoint kClient = at("192.0.2.2", 40000);
const Endpoint kServer = at("198.51.100.1", 80);
const Endpoint kClient6 = at("2001:db8:c::2", 40000);
const Endpoint kServer6 = at("2001:db8:5::1", 80);

Raw datagram(const Endpoint& from, const Endpoint& to, size_t size) {
  Raw udp{static_cast<uint8_t>(from.port >> 8),
          static_cast<uint8_t>(from.port),
          static_cast<uint8_t>(to.port >> 8),
          static_cast<uint8_t>(to.port),
          static_cast<uint8_t>((size + 8) >> 8),
          static_cast<uint8_t>(size + 8),
          0,
          0};
  udp.resize(8 + size);
  return make_ip(from.address, to.address, IPPROTO_UDP, udp);
}

constexpr uint8_t kSyn = 2, kAck = 16;

Raw segment(const Endpoint& from, const Endpoint& to, uint8_t flags,
            uint32_t sequence, const std::string& data = {}) {
  const Raw made = make_reset(from, to, sequence, 7);
  Raw tcp(made.end() - 20, made.end());
  tcp[13] = flags;
  tcp.insert(tcp.end(), data.begin(), data.end());
  return make_ip(from.address, to.address, IPPROTO_TCP, tcp);
}

Wire wire_with(const Path& path) {
  return Wire({.paths = {{kServer.address, path}, {kServer6.address, path}}});
}

// All that is under way, with the times since kT0.
std::vector<Delivery> drain(Wire* wire) {
  std::vector<Delivery> all;
  while (const auto next = wire->next())
    all.push_back(wire->deliver(*next).value());
  return all;
}

// One's complement sum over the packet's transport and pseudo header: 0xffff
// where the checksum is right (RFC 1071).
uint32_t verify(const Raw& raw) {
  const bool ipv4 = raw[0] >> 4 == 4;
  const size_t header = ipv4 ? 20 : 40, addresses = ipv4 ? 12 : 8;
  const uint8_t protocol = ipv4 ? raw[9] : raw[6];
  Raw all;
  if (protocol != IPPROTO_ICMP) {
    all.assign(raw.begin() + static_cast<long>(addresses),
               raw.begin() + static_cast<long>(header));
    const size_t size = raw.size() - header;
    all.insert(all.end(), {static_cast<uint8_t>(size >> 8),
                           static_cast<uint8_t>(size), 0, protocol});
  }
  all.insert(all.end(), raw.begin() + static_cast<long>(header), raw.end());
  uint32_t sum = 0;
  for (size_t i = 0; i < all.size(); ++i)
    sum += i % 2 == 0 ? uint32_t{all[i]} << 8 : all[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

TEST(Wire, EachWayTakesHalfTheRtt) {
  Wire wire = wire_with({.rtt = milliseconds(10)});
  wire.take(datagram(kClient, kServer, 1), true, kT0);
  wire.take(datagram(kServer, kClient, 1), false, kT0 + milliseconds(1));
  const auto all = drain(&wire);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].due, kT0 + milliseconds(5));
  EXPECT_FALSE(all[0].to_client);
  EXPECT_EQ(all[1].due, kT0 + milliseconds(6));
  EXPECT_TRUE(all[1].to_client);
}

TEST(Wire, NothingIsDeliveredBeforeItIsDue) {
  Wire wire = wire_with({.rtt = milliseconds(10)});
  wire.take(datagram(kClient, kServer, 1), true, kT0);
  EXPECT_FALSE(wire.deliver(kT0 + milliseconds(5) - Duration(1)).has_value());
  EXPECT_TRUE(wire.deliver(kT0 + milliseconds(5)).has_value());
}

TEST(Wire, JitterKeepsTheOrderAndItsBounds) {
  Wire wire = wire_with({.rtt = milliseconds(10), .jitter = milliseconds(4)});
  for (size_t i = 0; i < 200; ++i)
    wire.take(datagram(kClient, kServer, i), true, kT0 + Duration(100 * i));
  const auto all = drain(&wire);
  ASSERT_EQ(all.size(), 200U);
  Duration least = milliseconds(99), most{};
  for (size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(parse_packet(all[i].raw)->payload, i);
    const Duration took = all[i].due - (kT0 + Duration(100 * i));
    least = std::min(least, took);
    most = std::max(most, took);
  }
  EXPECT_GE(least, milliseconds(5));
  EXPECT_LT(least, milliseconds(7));
  EXPECT_GT(most, milliseconds(7));
  EXPECT_LE(most, milliseconds(9));
}

std::vector<bool> losses(unsigned seed, const Endpoint& far, int count) {
  Wire wire({.paths = {{kServer.address, {.loss = 0.2}},
                       {kServer6.address, {.loss = 0.2}}},
             .seed = seed});
  const bool ipv4 = far.address.family == Family::kIpv4;
  for (int i = 0; i < count; ++i)
    wire.take(datagram(ipv4 ? kClient : kClient6, far, 1), true, kT0);
  std::vector<bool> lost;
  for (const auto& packet : wire.log().all())
    lost.push_back(packet.fate == Fate::kLost);
  return lost;
}

// Four standard deviations of the binomial distribution: 4 * sqrt(npq).
TEST(Wire, TheShareOfLossesIsRight) {
  const auto lost = losses(1, kServer, 10'000);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(lost, true)), 2000, 160);
}

TEST(Wire, TheSeedDecidesWhichPacketsAreLost) {
  EXPECT_EQ(losses(1, kServer, 500), losses(1, kServer, 500));
  EXPECT_NE(losses(1, kServer, 500), losses(2, kServer, 500));
  EXPECT_NE(losses(1, kServer, 500), losses(1, kServer6, 500));
}

TEST(Wire, TheRateSpacesPacketsBySize) {
  Wire wire =
      wire_with({.rtt = milliseconds(10), .octets_per_second = 100'000});
  // 28 octets of headers: 1,000 an IP packet, so 10 ms each.
  for (int i = 0; i < 3; ++i)
    wire.take(datagram(kClient, kServer, 972), true, kT0);
  std::vector<Time> due;
  for (const auto& one : drain(&wire)) due.push_back(one.due);
  EXPECT_THAT(due, ElementsAre(kT0 + milliseconds(15), kT0 + milliseconds(25),
                               kT0 + milliseconds(35)));
}

TEST(Wire, AChangeHoldsFromItsTimeOn) {
  Wire wire = wire_with({.rtt = milliseconds(10)});
  wire.change(kServer.address, {.black_hole = true}, kT0 + milliseconds(20));
  wire.change(kServer.address, {.rtt = milliseconds(2)},
              kT0 + milliseconds(30));
  for (const int ms : {0, 19, 20, 29, 30})
    wire.take(datagram(kClient, kServer, 1), true, kT0 + milliseconds(ms));
  std::vector<Time> due;
  for (const auto& one : drain(&wire)) due.push_back(one.due);
  EXPECT_THAT(due, ElementsAre(kT0 + milliseconds(5), kT0 + milliseconds(24),
                               kT0 + milliseconds(31)));
  EXPECT_EQ(wire.log().all()[2].fate, Fate::kSwallowed);
}

TEST(Wire, ARefusedSynIsResetAfterOneRtt) {
  Wire wire = wire_with({.rtt = milliseconds(10), .refusal = Refusal::kReset});
  wire.take(segment(kClient, kServer, kSyn, 1000), true, kT0);
  const auto all = drain(&wire);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].to_client);
  EXPECT_EQ(all[0].due, kT0 + milliseconds(10));
  const auto reset = parse_packet(all[0].raw).value();
  EXPECT_TRUE(reset.rst && reset.ack);
  EXPECT_EQ(reset.acknowledgment, 1001U);
  EXPECT_EQ(verify(all[0].raw), 0xffffU);
}

TEST(Wire, AnIcmpErrorQuotesThePacket) {
  for (const bool ipv4 : {true, false}) {
    const Raw syn = ipv4 ? segment(kClient, kServer, kSyn, 1)
                         : segment(kClient6, kServer6, kSyn, 1);
    Wire wire = wire_with({.refusal = Refusal::kHostUnreachable});
    wire.take(syn, true, kT0);
    const auto all = drain(&wire);
    ASSERT_EQ(all.size(), 1U);
    const auto error = parse_packet(all[0].raw).value();
    EXPECT_TRUE(error.unreachable());
    EXPECT_EQ(error.icmp_code, ipv4 ? 1 : 3);
    EXPECT_EQ(verify(all[0].raw), 0xffffU);
    EXPECT_EQ(Raw(all[0].raw.begin() + (ipv4 ? 28 : 48), all[0].raw.end()),
              syn);
  }
}

TEST(Wire, AConnectionIsCutAfterExactlySoManyOctets) {
  Wire wire = wire_with({.reset_after = 5});
  wire.take(segment(kServer, kClient, kSyn | kAck, 0xfffffffe), false, kT0);
  wire.take(segment(kServer, kClient, kAck, 0xffffffff, "abc"), false, kT0);
  wire.take(segment(kServer, kClient, kAck, 2, "defg"), false, kT0);
  wire.take(segment(kServer, kClient, kAck, 6, "hij"), false, kT0);
  const auto all = drain(&wire);
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(std::string(all[1].raw.begin() + 40, all[1].raw.end()), "abc");
  EXPECT_EQ(std::string(all[2].raw.begin() + 40, all[2].raw.end()), "de");
  EXPECT_EQ(verify(all[2].raw), 0xffffU);
  const auto reset = parse_packet(all[3].raw).value();
  EXPECT_TRUE(reset.rst && all[3].to_client);
  EXPECT_EQ(reset.sequence, 4U);
  EXPECT_TRUE(parse_packet(all[4].raw)->rst);
  EXPECT_FALSE(all[4].to_client);
}

TEST(Wire, Nat64TranslatesBothWaysWithTheIpv4AddressesPath) {
  Wire wire(
      {.paths = {{kServer.address, {.rtt = milliseconds(10)}}}, .nat64 = true});
  const Endpoint far{to_nat64(kServer.address), 80};
  EXPECT_EQ(far.to_string(), "[64:ff9b::c633:6401]:80");
  const Endpoint source{WireWish{}.nat64_source, kClient6.port};
  wire.take(segment(kClient6, far, kSyn, 1, "x"), true, kT0);
  wire.take(segment(kServer, source, kSyn | kAck, 1, "y"), false, kT0);
  const auto all = drain(&wire);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].due, kT0 + milliseconds(5));
  const auto there = parse_packet(all[0].raw).value();
  EXPECT_EQ(there.source, source);
  EXPECT_EQ(there.destination, kServer);
  const auto back = parse_packet(all[1].raw).value();
  EXPECT_EQ(back.source, far);
  EXPECT_EQ(back.destination, kClient6);
  for (const auto& one : all) EXPECT_EQ(verify(one.raw), 0xffffU);
}

TEST(Wire, HostileOctetsAreIgnored) {
  Wire wire({.paths = {}, .nat64 = true});
  const Raw whole = segment(kClient6, {to_nat64(kServer.address), 80}, kSyn, 1);
  for (size_t size = 0; size < whole.size(); ++size)
    wire.take(Raw(whole.begin(), whole.begin() + static_cast<long>(size)), true,
              kT0);
  EXPECT_TRUE(drain(&wire).empty());
}

}  // namespace
}  // namespace happy::lab
