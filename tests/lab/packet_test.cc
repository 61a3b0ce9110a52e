#include "tests/lab/packet.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace happy::lab {
namespace {

// A SYN from 192.0.2.2:40000 to 198.51.100.1:80 without options.
std::vector<uint8_t> syn() {
  return {0x45, 0, 0,   40, 0,    0,    0,    0,    64, 6,  0, 0, 192, 0,
          2,    2, 198, 51, 100,  1,    0x9c, 0x40, 0,  80, 0, 0, 0,   0,
          0,    0, 0,   0,  0x50, 0x02, 0,    0,    0,  0,  0, 0};
}

TEST(Packet, ASynIsRead) {
  const auto packet = parse_packet(syn());
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->source.to_string(), "192.0.2.2:40000");
  EXPECT_EQ(packet->destination.to_string(), "198.51.100.1:80");
  EXPECT_EQ(packet->protocol, IPPROTO_TCP);
  EXPECT_TRUE(packet->syn);
  EXPECT_FALSE(packet->ack || packet->rst || packet->fin);
  EXPECT_EQ(packet->payload, 0U);
}

TEST(Packet, AnyTruncationIsRefusedOrHarmless) {
  const auto whole = syn();
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_packet(std::span(whole).first(size)).has_value());
}

TEST(PacketLog, ARetransmittedSynIsOneAttempt) {
  PacketLog log;
  auto packet = parse_packet(syn()).value();
  packet.from_client = true;
  log.add(packet);
  log.add(packet);
  EXPECT_EQ(log.attempts().size(), 1U);
  EXPECT_EQ(log.count_port(80), 2U);
}

// What is under way when the log starts afresh belongs to no packet of it.
TEST(PacketLog, AClearedPacketsFateIsNobodyElses) {
  PacketLog log;
  const size_t old = log.add({});
  log.clear();
  log.add({});
  log.delivered(old, Time{});
  EXPECT_EQ(log.all().at(0).fate, Fate::kUnderWay);
}

TEST(PacketLog, ItsTextNamesKindFateAndTime) {
  PacketLog log;
  auto packet = parse_packet(syn()).value();
  log.fate(log.add(packet), Fate::kLost);
  packet.sent += std::chrono::microseconds(1500);
  log.delivered(log.add(packet), packet.sent);
  EXPECT_EQ(log.describe(),
            "    0.000 ms  192.0.2.2:40000 > 198.51.100.1:80 SYN lost\n"
            "    1.500 ms  192.0.2.2:40000 > 198.51.100.1:80 SYN\n");
}

TEST(PacketLog, OnlyDeliveredDotDataBeforeTheGivenTimeCounts) {
  PacketLog log;
  Packet data;
  data.source.port = 853;
  data.payload = 100;
  const Time start{};
  for (const int ms : {1, 5, 9})
    log.delivered(log.add(data), start + std::chrono::milliseconds(ms));
  log.add(data);  // dropped
  EXPECT_EQ(log.last_dot_data(start + std::chrono::milliseconds(7)),
            start + std::chrono::milliseconds(5));
}

}  // namespace
}  // namespace happy::lab
