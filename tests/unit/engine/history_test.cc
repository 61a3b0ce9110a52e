// What history makes of a plan and of a look-up's list.
#include "tests/unit/engine/engine_fixture.h"

namespace happy {
namespace {

using nlohmann::json;
using state::FailureKind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

const std::string kOne = "192.0.2.1", kTwo = "192.0.2.2", kThree = "192.0.2.3";
const std::string kSix = "2001:db8::1";

class HistoryTest : public EngineTest {
 protected:
  // An engine that knows www.example; the network is entered.
  void begin(json rule = json::object(),
             const std::vector<std::string>& addresses = {kOne, kTwo, kThree}) {
    rule["hosts"] = json::array({"*"});
    start(json::array({rule}));
    remember("www.example", addresses);
    plan(addresses.front());
  }
  void failed(const std::string& address, uint16_t port = 80,
              FailureKind kind = FailureKind::kSilent) {
    auto& history = engine_->history();
    history.failed(history.network(), {*IpAddress::parse(address), port}, kind,
                   net::monotonic_now());
  }
  void connected(const std::string& address, Duration rtt) {
    auto& history = engine_->history();
    history.connected(history.network(), {*IpAddress::parse(address), 80}, rtt,
                      net::monotonic_now());
  }
  static std::vector<std::string> texts(const std::vector<Endpoint>& list) {
    std::vector<std::string> out;
    for (const Endpoint& one : list) out.push_back(one.address.to_string());
    return out;
  }
  static std::vector<std::string> with_ports(
      const std::vector<Endpoint>& list) {
    std::vector<std::string> out;
    for (const Endpoint& one : list) out.push_back(one.to_string());
    return out;
  }
};

TEST_F(HistoryTest, ColdThereIsNothingToWeigh) {
  begin();
  const auto made = plan(kOne);
  EXPECT_EQ(made->settings.attempt_delay, 250ms);
  EXPECT_THAT(made->begin.attempt_delays, IsEmpty());
  EXPECT_THAT(texts(made->begin.candidates), ElementsAre(kOne, kTwo, kThree));
}

TEST_F(HistoryTest, WhatFailedLatelyGoesLast) {
  begin();
  failed(kTwo);
  const auto made = plan(kOne);
  EXPECT_THAT(texts(made->begin.candidates), ElementsAre(kOne, kThree));
  EXPECT_THAT(texts(made->begin.deferred), ElementsAre(kTwo));
  EXPECT_FALSE(made->begin.first_is_doubtful);
}

// The named address goes first unless history says that it failed lately: it
// is the caller's own socket, so the next one starts beside it.
TEST_F(HistoryTest, ANamedAddressThatFailedLatelyIsNotWaitedFor) {
  begin();
  failed(kOne);
  const auto made = plan(kOne);
  EXPECT_THAT(texts(made->begin.candidates), ElementsAre(kOne, kTwo, kThree));
  EXPECT_TRUE(made->begin.first_is_doubtful);
}

TEST_F(HistoryTest, WhereAllHaveFailedNobodyStandsBack) {
  begin();
  for (const auto& address : {kOne, kTwo, kThree}) failed(address);
  const auto made = plan(kOne);
  EXPECT_THAT(texts(made->begin.candidates), ElementsAre(kOne, kTwo, kThree));
  EXPECT_FALSE(made->begin.first_is_doubtful);
}

TEST_F(HistoryTest, ARefusalOnAnotherPortSaysNothing) {
  begin();
  failed(kTwo, 443, FailureKind::kRefused);
  EXPECT_THAT(plan(kOne)->begin.deferred, IsEmpty());
}

TEST_F(HistoryTest, TheNearestComesNextAndHasItsOwnDelay) {
  begin();
  connected(kThree, 60ms);
  const auto made = plan(kOne);
  EXPECT_THAT(texts(made->begin.candidates), ElementsAre(kOne, kThree, kTwo));
  EXPECT_EQ(made->begin.attempt_delays.at(*IpAddress::parse(kThree)), 180ms);
  EXPECT_EQ(made->settings.attempt_delay, 180ms) << "the network's";
}

TEST_F(HistoryTest, WithoutAdaptiveTheRulesDelayHolds) {
  begin({{"race", {{"adaptive", false}}}});
  connected(kTwo, 60ms);
  const auto made = plan(kOne);
  EXPECT_EQ(made->settings.attempt_delay, 250ms);
  EXPECT_THAT(made->begin.attempt_delays, IsEmpty());
  EXPECT_THAT(texts(made->begin.candidates), ElementsAre(kOne, kTwo, kThree));
}

TEST_F(HistoryTest, ARulesShortDelayIsNotMadeLonger) {
  begin({{"race", {{"attempt_delay_ms", 30}}}});
  connected(kTwo, 5ms);
  const auto made = plan(kOne);
  EXPECT_EQ(made->settings.attempt_delay, 30ms);
  EXPECT_EQ(made->begin.attempt_delays.at(*IpAddress::parse(kTwo)), 30ms);
}

// One time in 32, so that all clients converge again.
TEST_F(HistoryTest, NowAndThenItIsSetAside) {
  begin();
  failed(kOne);
  connected(kThree, 60ms);
  int aside = 0;
  for (uint32_t chance = 0; chance < 32; ++chance) {
    engine_->set_chance([chance] { return chance; });
    const auto made = plan(kOne);
    if (made->begin.first_is_doubtful) continue;
    ++aside;
    EXPECT_EQ(made->settings.attempt_delay, 250ms);
    EXPECT_THAT(texts(made->begin.candidates), ElementsAre(kOne, kTwo, kThree));
  }
  EXPECT_EQ(aside, 1);
}

TEST_F(HistoryTest, AnUnmeasuredAddressIsExploredNowAndThen) {
  begin({}, {kOne, kTwo, kSix});  // the first race
  connected(kOne, 36ms);
  for (int race = 2; race <= 8; ++race) {
    const auto made = plan(kOne);
    EXPECT_EQ(made->begin.explored.has_value(), race == 8) << race;
    if (race == 8) {
      EXPECT_EQ(made->begin.explored->address.to_string(), kTwo);
    }
  }
}

// Each address with all ports before the next; the first port is attempt 1's.
TEST_F(HistoryTest, PortAlternativesReplaceThePort) {
  begin({{"port_alternatives", {{"587", {465, 587}}}}}, {kOne, kTwo});
  const auto made = plan(kOne, 587);
  EXPECT_EQ(made->port, 465);
  EXPECT_EQ(made->candidates, 3u);
  EXPECT_THAT(with_ports(made->begin.candidates),
              ElementsAre("192.0.2.1:465", "192.0.2.1:587", "192.0.2.2:465",
                          "192.0.2.2:587"));
  EXPECT_EQ(plan(kOne, 80)->port, 0) << "another port is left alone";
}

TEST_F(HistoryTest, OneAddressWithTwoPortsIsARace) {
  begin({{"port_alternatives", {{"587", {587, 465}}}}}, {kOne});
  const auto made = plan(kOne, 587);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->port, 0) << "the caller's own is the first";
  EXPECT_THAT(with_ports(made->begin.candidates),
              ElementsAre("192.0.2.1:587", "192.0.2.1:465"));
}

TEST_F(HistoryTest, OnePortInPlaceOfAnotherIsAPlan) {
  begin({{"port_alternatives", {{"587", {465}}}}}, {kOne});
  const auto made = plan(kOne, 587);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->port, 465);
  EXPECT_EQ(made->candidates, 0u);
}

TEST_F(HistoryTest, APortThatFailedLatelyGoesLast) {
  begin({{"port_alternatives", {{"587", {465, 587}}}}}, {kOne, kTwo});
  failed(kTwo, 465, FailureKind::kRefused);
  const auto made = plan(kOne, 587);
  EXPECT_THAT(with_ports(made->begin.candidates),
              ElementsAre("192.0.2.1:465", "192.0.2.1:587", "192.0.2.2:587"));
  EXPECT_THAT(with_ports(made->begin.deferred), ElementsAre("192.0.2.2:465"));
}

// Programs that take the first address gain as much.
TEST_F(HistoryTest, ALookUpsListIsInTheOrderOfARace) {
  test::Entry entry = with_a(kOne);
  entry.a(kTwo);
  serve("home", {{"www.example", entry}});
  json rule = {{"hosts", {"*"}}, {"resolvers", {"home"}}};
  start(json::array({rule}));
  const auto before = look_up("www.example", AF_INET).addresses;
  ASSERT_EQ(before.size(), 2u);
  failed(before.front());
  EXPECT_THAT(look_up("www.example", AF_INET).addresses,
              ElementsAre(before[1], before[0]));
  failed(before.back());
  EXPECT_EQ(look_up("www.example", AF_INET).addresses, before)
      << "where all have failed, the old order holds";
}

TEST_F(HistoryTest, TheRulesFamilyLeadsAndTheOtherTakesTurns) {
  test::Entry entry = with_a(kOne);
  entry.a(kTwo).aaaa(kSix).aaaa("2001:db8::2");
  serve("home", {{"www.example", entry}});
  json rule = {{"hosts", {"*"}},
               {"resolvers", {"home"}},
               {"families", {"ipv4", "ipv6"}}};
  start(json::array({rule}));
  const auto list = look_up("www.example").addresses;
  ASSERT_EQ(list.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(list[i].find(':') == std::string::npos, i % 2 == 0) << list[i];
  }
}

}  // namespace
}  // namespace happy
