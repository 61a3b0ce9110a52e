// What a connect() may race, after look-ups by the resolver or by libc.
#include <poll.h>

#include "tests/unit/engine/engine_fixture.h"

namespace happy {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StrEq;
using namespace std::chrono_literals;

const json kBySystem = {{"hosts", json::array({"*"})},
                        {"resolvers", json::array({"system"})}};

TEST_F(EngineTest, TheDestinationComesFirstAndTheRestFollow) {
  start(json::array({kBySystem}));
  remember("www.example", {"192.0.2.1", "192.0.2.2", "2001:db8::1"});
  EXPECT_THAT(planned("192.0.2.2"),
              ElementsAre("192.0.2.2", "192.0.2.1", "2001:db8::1"));
}

TEST_F(EngineTest, FamiliesThatTheSocketCannotUseAreLeftOut) {
  start(json::array({kBySystem}));
  remember("www.example", {"192.0.2.1", "192.0.2.2", "2001:db8::1"});
  EXPECT_THAT(planned("192.0.2.2", 1), ElementsAre("192.0.2.2", "192.0.2.1"));
  EXPECT_THAT(planned("2001:db8::1", 2), IsEmpty());
  EXPECT_THAT(why_, StrEq("one address and no time-out"));
}

// RFC 8305 races what the look-up gave; `curl -4` asked for IPv4 only.
TEST_F(EngineTest, FamiliesThatTheHintsLeftOutAreLeftOut) {
  start(json::array({kBySystem}));
  remember("www.example", {"192.0.2.1", "192.0.2.2"}, AF_INET);
  EXPECT_THAT(planned("192.0.2.1"), ElementsAre("192.0.2.1", "192.0.2.2"));
}

TEST_F(EngineTest, AStrangersAddressHasNoPlanAndNoReason) {
  start(json::array({kBySystem}));
  remember("www.example", {"192.0.2.1", "192.0.2.2"});
  EXPECT_THAT(planned("198.51.100.1"), IsEmpty());
  EXPECT_EQ(why_, nullptr);
}

TEST_F(EngineTest, AnAddressOfTwoNamesRacesOnlyTheLatestOnes) {
  start(json::array({kBySystem}));
  remember("one.example", {"192.0.2.1", "192.0.2.2"});
  remember("two.example", {"192.0.2.1", "192.0.2.3"});
  EXPECT_THAT(planned("192.0.2.1"), ElementsAre("192.0.2.1", "192.0.2.3"));
}

TEST_F(EngineTest, ATimeOutMakesAPlanOfOneAddress) {
  json rule = kBySystem;
  rule["timeouts"] = {{"attempt_ms", 2000}, {"connect_ms", 3000}};
  start(json::array({rule}));
  remember("www.example", {"192.0.2.1"});
  EXPECT_THAT(planned("192.0.2.1"), ElementsAre("192.0.2.1"));
}

TEST_F(EngineTest, ADisabledRaceLeavesTheAddressAlone) {
  json rule = kBySystem;
  rule["race"] = {{"enabled", false}};
  start(json::array({rule}));
  remember("www.example", {"192.0.2.1", "192.0.2.2"});
  EXPECT_THAT(planned("192.0.2.1"), IsEmpty());
  EXPECT_THAT(why_, StrEq("races are disabled by the policy"));
}

TEST_F(EngineTest, TheRulesFamiliesFilterWhatLibcAnswered) {
  json rule = kBySystem;
  rule["families"] = json::array({"ipv4"});
  start(json::array({rule}));
  remember("www.example", {"2001:db8::1", "192.0.2.1", "192.0.2.2"});
  EXPECT_THAT(planned("192.0.2.1"), ElementsAre("192.0.2.1", "192.0.2.2"));
}

TEST_F(EngineTest, NamesWithoutARuleAreNotRemembered) {
  json rule = kBySystem;
  rule["hosts"] = json::array({"*.example"});
  start(json::array({rule}));
  remember("www.other", {"192.0.2.1", "192.0.2.2"});
  EXPECT_THAT(planned("192.0.2.1"), IsEmpty());
}

// A look-up for IPv6 alone never lends its connect() an IPv4 address.
TEST_F(EngineTest, AnAnswerForOneFamilyHasNoOther) {
  test::Entry both = with_a("192.0.2.1");
  both.aaaa("2001:db8::1");
  serve("home", {{"www.example", both}});
  json rule = kBySystem;
  rule["resolvers"] = json::array({"home"});
  start(json::array({rule}));
  ASSERT_THAT(look_up("www.example", AF_INET6).addresses,
              ElementsAre("2001:db8::1"));
  EXPECT_THAT(planned("2001:db8::1"), IsEmpty());
}

// A caller that can say more than connect(2): see happy_connect(3).
TEST_F(EngineTest, AWishNamesPortsAndTimeOuts) {
  start(json::array({kBySystem}));
  remember("self.example", {"::1", "127.0.0.1"});
  const uint16_t ports[] = {80, 8080};
  const happy_wish wish{ports, 2, 2000, 3000};
  const auto made = plan("::1", 80, 3, &wish);
  ASSERT_NE(made, nullptr);
  EXPECT_THAT(made->ports, ElementsAre(80, 8080));
  EXPECT_EQ(made->candidates, 3);
  EXPECT_EQ(made->attempt_ms, 2000);
  EXPECT_EQ(made->connect_ms, 3000);
}

// Its starter may be about to stop it when the race ends by itself.
TEST_F(EngineTest, ARaceThatIsOverCanBeStopped) {
  start(json::array({kBySystem}));
  happy_outcome outcome{HAPPY_WON, 7, 0};
  engine_->race_stop(net::Races::reserve(), &outcome);
  EXPECT_EQ(outcome.kind, HAPPY_STOPPED);
  EXPECT_EQ(outcome.descriptor, -1);
}

// It bounds the one address by the rule's time-outs, whatever comes late.
TEST_F(EngineTest, ADisabledRaceIsJoinedByNoFamily) {
  json rule = kBySystem;
  rule["race"] = {{"enabled", false}};
  rule["timeouts"] = {{"attempt_ms", 2000}, {"connect_ms", 3000}};
  start(json::array({rule}));
  remember("www.example", {"192.0.2.1"});
  const auto made = plan("192.0.2.1");
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->usable, (state::Families{.ipv4 = false, .ipv6 = false}));
}

// The plan is made on the caller's thread, and the answer comes before the race
// begins on the loop: it is neither waited for nor lost.
TEST_F(EngineTest, AFamilyMayComeBetweenAPlanAndItsRace) {
  constexpr uint16_t kAaaa = 28;
  test::Entry both = with_a("192.0.2.1");
  both.aaaa("2001:db8::1");
  both.only = kAaaa;
  both.delay = 300ms;
  serve("home", {{"www.example", both}});
  json rule = kBySystem;
  rule["resolvers"] = json::array({"home"});
  start(json::array({rule}));
  ASSERT_THAT(look_up("www.example").addresses, ElementsAre("192.0.2.1"));
  auto made = plan("192.0.2.1");
  ASSERT_NE(made, nullptr);
  ASSERT_TRUE(made->begin.ipv6_pending);
  for (int i = 0; i < 10000 && plan("192.0.2.1")->begin.ipv6_pending; ++i)
    poll(nullptr, 0, 1);
  EXPECT_THAT(opened_by_race(std::move(made)), ElementsAre("[2001:db8::1]:80"));
}

}  // namespace
}  // namespace happy
