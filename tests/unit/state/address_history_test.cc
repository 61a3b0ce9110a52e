#include "core/state/address_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace happy::state {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr NetworkId kHome{1};
constexpr NetworkId kCafe{2};

IpAddress v4(uint8_t n) { return IpAddress::v4(192, 0, 2, n); }
IpAddress v6(uint8_t n) {
  IpAddress out = *IpAddress::parse("2001:db8::");
  out.bytes[15] = n;
  return out;
}
Endpoint at(const IpAddress& address, uint16_t port = 443) {
  return {address, port};
}

class AddressHistoryTest : public testing::Test {
 protected:
  AddressHistoryTest() { history_.enter(kHome); }

  void connected(const IpAddress& address, Duration rtt) {
    history_.connected(kHome, at(address), rtt, now_);
  }
  void failed(const Endpoint& endpoint,
              FailureKind kind = FailureKind::kSilent) {
    history_.failed(kHome, endpoint, kind, now_);
  }
  bool is_bad(const Endpoint& endpoint) const {
    return history_.failed_lately(endpoint, now_);
  }
  std::vector<int> ranks(std::vector<IpAddress> addresses) const {
    return history_.ranks(addresses, now_);
  }
  std::optional<IpAddress> explore(std::vector<IpAddress> others) {
    return history_.explore(v4(1), others, now_);
  }

  AddressHistory history_;
  Time now_{1000s};
};

// RFC 6298 section 2.2: the first measurement R gives SRTT = R, RTTVAR = R/2.
TEST_F(AddressHistoryTest, FirstSampleHasHalfOfItselfAsVariation) {
  RttEstimate estimate;
  EXPECT_FALSE(estimate.known(now_, 1s));
  estimate.add(80ms, now_);
  EXPECT_EQ(estimate.smoothed(), 80ms);
  EXPECT_EQ(estimate.variation(), 40ms);
  EXPECT_EQ(estimate.limit(), 240ms);
}

// RFC 6298 section 2.3: a quarter of the new deviation, an eighth of the new
// time, the variation first.
TEST_F(AddressHistoryTest, LaterSamplesAreSmoothed) {
  RttEstimate estimate;
  estimate.add(80ms, now_);
  estimate.add(160ms, now_);
  EXPECT_EQ(estimate.variation(), 50ms);
  EXPECT_EQ(estimate.smoothed(), 90ms);
}

TEST_F(AddressHistoryTest, NothingIsKnownOfAStranger) {
  EXPECT_FALSE(is_bad(at(v4(1))));
  EXPECT_EQ(history_.attempt_delay(v4(1), now_), std::nullopt);
  EXPECT_THAT(ranks({v4(1), v4(2), v6(1)}), ElementsAre(0, 0, 0));
}

// The attempt delay: srtt + 4 * rttvar, between 100 ms and 2 s.
TEST_F(AddressHistoryTest, TheDelayFollowsTheAddressWithinBounds) {
  connected(v4(1), 10ms);
  connected(v4(2), 80ms);
  connected(v4(3), 900ms);
  EXPECT_EQ(history_.attempt_delay(v4(1), now_), 100ms);
  EXPECT_EQ(history_.attempt_delay(v4(2), now_), 240ms);
  EXPECT_EQ(history_.attempt_delay(v4(3), now_), 2s);
}

// A network whose RTTs are known is not cold, though this address is.
TEST_F(AddressHistoryTest, AnUnmeasuredAddressHasTheDelayOfItsNetwork) {
  connected(v4(1), 50ms);
  EXPECT_EQ(history_.attempt_delay(v6(9), now_), 150ms);
  EXPECT_EQ(history_.network_delay(now_), 150ms);
  now_ += 10min;
  EXPECT_EQ(history_.attempt_delay(v6(9), now_), std::nullopt);
}

TEST_F(AddressHistoryTest, AWinWithoutARttMeasuresNothing) {
  history_.connected(kHome, at(v4(1)), std::nullopt, now_);
  EXPECT_EQ(history_.attempt_delay(v4(1), now_), std::nullopt);
  EXPECT_THAT(ranks({v4(2), v4(1)}), ElementsAre(1, 0)) << "but has won last";
}

TEST_F(AddressHistoryTest, AFailureIsForgottenInTenMinutes) {
  failed(at(v4(1)));
  EXPECT_TRUE(is_bad(at(v4(1))));
  now_ += 10min - 1us;
  EXPECT_TRUE(is_bad(at(v4(1))));
  now_ += 1us;
  EXPECT_FALSE(is_bad(at(v4(1))));
}

TEST_F(AddressHistoryTest, ASuccessEndsAFailure) {
  failed(at(v4(1)));
  now_ += 1s;
  connected(v4(1), 10ms);
  EXPECT_FALSE(is_bad(at(v4(1))));
  EXPECT_FALSE(is_bad(at(v4(1), 0)));
}

TEST_F(AddressHistoryTest, ARefusalIsOnePortsMatter) {
  for (const auto kind : {FailureKind::kRefused, FailureKind::kUnread}) {
    failed(at(v4(1), 465), kind);
    EXPECT_TRUE(is_bad(at(v4(1), 465)));
    EXPECT_FALSE(is_bad(at(v4(1), 587)));
    EXPECT_TRUE(is_bad(at(v4(1), 0))) << "a look-up knows no port";
  }
}

TEST_F(AddressHistoryTest, SilenceIsEveryPortsMatterUntilTheAddressIsReached) {
  for (const auto kind : {FailureKind::kSilent, FailureKind::kUnreachable}) {
    failed(at(v4(1), 465), kind);
    EXPECT_TRUE(is_bad(at(v4(1), 587)));
    history_.connected(kHome, at(v4(1), 587), 10ms, now_);
    EXPECT_FALSE(is_bad(at(v4(1), 587)));
    EXPECT_FALSE(is_bad(at(v4(1), 0)));
    EXPECT_TRUE(is_bad(at(v4(1), 465))) << "a firewall may drop one port";
    now_ += 1s;
  }
}

TEST_F(AddressHistoryTest, TheMappedFormIsTheSameAddress) {
  failed(at(v4(1).mapped()));
  EXPECT_TRUE(is_bad(at(v4(1))));
}

TEST_F(AddressHistoryTest, TheNearestIsFirstAndTheUnmeasuredLast) {
  connected(v4(1), 36ms);
  connected(v4(2), 8ms);
  EXPECT_THAT(ranks({v4(1), v4(3), v4(2)}), ElementsAre(1, 2, 0));
}

// RFC 8305 section 4: among equals, what was used before.
TEST_F(AddressHistoryTest, OfEquallyNearOnesTheLastWinnerIsFirst) {
  connected(v4(1), 20'000us);
  now_ += 1s;
  connected(v4(2), 20'400us);
  EXPECT_THAT(ranks({v4(1), v4(2)}), ElementsAre(1, 0));
  now_ += 1s;
  connected(v4(1), 20'000us);
  EXPECT_THAT(ranks({v4(1), v4(2)}), ElementsAre(0, 1));
}

TEST_F(AddressHistoryTest, RttsAreForgottenAsWell) {
  connected(v4(2), 8ms);
  now_ += 10min;
  EXPECT_THAT(ranks({v4(1), v4(2)}), ElementsAre(0, 0));
}

TEST_F(AddressHistoryTest, AfterALongPauseSmoothingStartsAnew) {
  connected(v4(1), 1000ms);
  now_ += 11min;
  connected(v4(1), 50ms);
  EXPECT_EQ(history_.attempt_delay(v4(1), now_), 150ms);
  EXPECT_EQ(history_.network_delay(now_), 150ms);
}

TEST_F(AddressHistoryTest, AnotherNetworkForgetsEverything) {
  connected(v4(1), 50ms);
  failed(at(v4(2)));
  history_.enter(kHome);
  EXPECT_TRUE(is_bad(at(v4(2))));
  history_.enter(kCafe);
  EXPECT_FALSE(is_bad(at(v4(2))));
  EXPECT_EQ(history_.network_delay(now_), std::nullopt);
  EXPECT_EQ(history_.size(), 0u);
}

TEST_F(AddressHistoryTest, ARaceOfTheLastNetworkTeachesNothing) {
  history_.enter(kCafe);
  connected(v4(1), 50ms);
  failed(at(v4(2)));
  EXPECT_EQ(history_.size(), 0u);
}

// A server of one's own machine comes and goes by itself.
TEST_F(AddressHistoryTest, LoopbackHasNoHistory) {
  const IpAddress loopback = IpAddress::v4(127, 0, 0, 1);
  failed(at(loopback));
  connected(*IpAddress::parse("::1"), 1ms);
  EXPECT_FALSE(is_bad(at(loopback)));
  EXPECT_EQ(history_.network_delay(now_), std::nullopt);
}

TEST_F(AddressHistoryTest, AnUnmeasuredAddressIsExploredInTheEighthRace) {
  for (int race = 1; race <= 16; ++race) {
    EXPECT_EQ(explore({v4(2)}).has_value(), race % 8 == 0) << race;
  }
}

// One a race, each at most once in eight.
TEST_F(AddressHistoryTest, SeveralUnmeasuredAddressesTakeTurns) {
  std::vector<IpAddress> turns;
  for (int race = 1; race <= 11; ++race) {
    if (const auto one = explore({v4(2), v4(3), v4(4)})) {
      turns.push_back(*one);
    }
  }
  EXPECT_THAT(turns, ElementsAre(v4(4), v4(3), v4(2)));
}

TEST_F(AddressHistoryTest, NoneThatIsMeasuredFailedOrOfTheOtherFamily) {
  connected(v4(2), 8ms);
  failed(at(v4(3)));
  for (int race = 1; race <= 20; ++race) {
    EXPECT_EQ(explore({v4(2), v4(3), v6(4)}), std::nullopt);
  }
}

// It has had its chance; nothing nearer is there for now.
TEST_F(AddressHistoryTest, WhatWasExploredInVainIsLeftForTheLifeOfNews) {
  for (int race = 1; race <= 8; ++race) explore({v4(2)});
  history_.explored(kHome, v4(2), now_);
  for (int race = 1; race <= 20; ++race) {
    EXPECT_EQ(explore({v4(2)}), std::nullopt);
  }
  now_ += 10min;
  int turns = 0;
  for (int race = 1; race <= 8; ++race) turns += explore({v4(2)}).has_value();
  EXPECT_EQ(turns, 1);
}

TEST_F(AddressHistoryTest, TheOldestAddressMakesRoom) {
  AddressHistory small({.addresses = 2});
  for (uint8_t n = 1; n <= 3; ++n) {
    small.failed(NetworkId{}, at(v4(n)), FailureKind::kSilent, now_);
    now_ += 1s;
  }
  EXPECT_EQ(small.size(), 2u);
  EXPECT_FALSE(small.failed_lately(at(v4(1)), now_));
  EXPECT_TRUE(small.failed_lately(at(v4(3)), now_));
}

}  // namespace
}  // namespace happy::state
