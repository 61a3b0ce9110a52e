// Which addresses the guard against rebinding takes out.
#include "core/dns/private_addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace happy::dns {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

TEST(PrivateAddresses, AreThoseOfTheMachineAndItsNetworks) {
  for (const char* const text : {"0.0.0.0",
                                 "10.0.0.1",
                                 "10.255.255.255",
                                 "100.64.0.1",
                                 "100.127.255.1",
                                 "127.0.0.1",
                                 "127.255.0.1",
                                 "169.254.169.254",
                                 "172.16.0.1",
                                 "172.31.255.1",
                                 "192.168.0.1",
                                 "::",
                                 "::1",
                                 "fc00::1",
                                 "fdff::1",
                                 "fe80::1",
                                 "febf::1",
                                 "fec0::1",
                                 "::ffff:192.168.1.1",
                                 "64:ff9b::10.0.0.1"}) {
    EXPECT_TRUE(is_private(ip(text))) << text;
  }
}

TEST(PrivateAddresses, AreNotTheirNeighbours) {
  for (const char* const text : {"1.0.0.1",
                                 "9.255.255.255",
                                 "11.0.0.0",
                                 "100.63.255.255",
                                 "100.128.0.0",
                                 "126.255.255.255",
                                 "128.0.0.1",
                                 "169.253.1.1",
                                 "169.255.1.1",
                                 "172.15.255.255",
                                 "172.32.0.0",
                                 "192.167.1.1",
                                 "192.169.0.1",
                                 "192.0.2.1",
                                 "203.0.113.1",
                                 "::2",
                                 "::1:0:0:1",
                                 "fb00::1",
                                 "fe00::1",
                                 "ff02::1",
                                 "2001:db8::1",
                                 "::ffff:192.0.2.1",
                                 "64:ff9b::192.0.2.1",
                                 "64:ff9b:1::10.0.0.1"}) {
    EXPECT_FALSE(is_private(ip(text))) << text;
  }
}

TEST(PrivateAddresses, AreTakenOutOfAnAnswer) {
  Answer answer;
  answer.status = AnswerStatus::kAddresses;
  answer.addresses = {ip("192.0.2.1"), ip("10.0.0.1"), ip("127.0.0.1")};
  EXPECT_EQ(ip("10.0.0.1"), drop_private(&answer));
  EXPECT_THAT(answer.addresses, ElementsAre(ip("192.0.2.1")));
  EXPECT_EQ(AnswerStatus::kAddresses, answer.status);
  EXPECT_EQ(std::nullopt, drop_private(&answer));
}

TEST(PrivateAddresses, AloneLeaveNoData) {
  Answer answer;
  answer.status = AnswerStatus::kAddresses;
  answer.addresses = {ip("::1")};
  EXPECT_EQ(ip("::1"), drop_private(&answer));
  EXPECT_THAT(answer.addresses, IsEmpty());
  EXPECT_EQ(AnswerStatus::kNoData, answer.status);
}

}  // namespace
}  // namespace happy::dns
