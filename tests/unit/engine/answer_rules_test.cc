// What rules make of a resolver's answers: expired ones that serve in an
// outage, private addresses that are refused.
#include <thread>

#include "tests/unit/engine/engine_fixture.h"

namespace happy {
namespace {

using nlohmann::json;
using test::Entry;
using test::ReplyFault;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr auto kName = "www.example.";

json rule_with(const json& settings) {
  json rule = {{"hosts", {"*"}}, {"resolvers", {"home"}}};
  if (settings.is_object()) rule.update(settings);
  return json::array({rule});
}

test::Zone zone_with(const Entry& entry) {
  test::Zone zone;
  zone.names["www.example"] = entry;
  return zone;
}

class ExpiredAnswer : public EngineTest {
 protected:
  static Entry brief() {
    Entry entry = with_a("192.0.2.1");
    entry.ttl = 1;
    return entry;
  }
  // A server that answered once, and an answer whose second is over.
  test::DotServer& expired(const json& settings) {
    auto& server = serve("home", {{"www.example", brief()}});
    start(rule_with(settings));
    EXPECT_THAT(look_up(kName, AF_INET).addresses, ElementsAre("192.0.2.1"));
    std::this_thread::sleep_for(1100ms);
    return server;
  }
};

TEST_F(ExpiredAnswer, ServesAtOnceWhereTheResolverFails) {
  auto& server = expired({});
  server.set_zone(zone_with({.rcode = 2}));
  EXPECT_THAT(look_up(kName, AF_INET).addresses, ElementsAre("192.0.2.1"));
  EXPECT_EQ(2, server.statistics().queries);
  // ... and without another question for a while.
  EXPECT_THAT(look_up(kName, AF_INET).addresses, ElementsAre("192.0.2.1"));
  EXPECT_EQ(2, server.statistics().queries);
}

// RFC 8767 section 5: 1.8 seconds.
TEST_F(ExpiredAnswer, ServesAfterAWhileWhereTheResolverIsSilent) {
  auto& server = expired({});
  Entry silent = with_a("192.0.2.2");
  silent.fault = ReplyFault::kDrop;
  server.set_zone(zone_with(silent));
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(look_up(kName, AF_INET).addresses, ElementsAre("192.0.2.1"));
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_GE(took, 1750ms);
  EXPECT_LE(took, 4s);
}

TEST_F(ExpiredAnswer, GivesWayToAFreshOne) {
  auto& server = expired({});
  server.set_zone(zone_with(with_a("192.0.2.2")));
  EXPECT_THAT(look_up(kName, AF_INET).addresses, ElementsAre("192.0.2.2"));
}

TEST_F(ExpiredAnswer, IsNotUsedWhereTheRuleSaysNo) {
  auto& server = expired({{"stale", false}});
  server.set_zone(zone_with({.rcode = 2}));
  EXPECT_EQ(look_up(kName, AF_INET).eai, EAI_AGAIN);
}

TEST_F(EngineTest, PrivateAddressesAreRefusedWhereTheRuleSaysSo) {
  Entry mixed = with_a("192.0.2.1");
  mixed.a("192.168.1.1").aaaa("fe80::1");
  serve("home",
        {{"mixed.example", mixed}, {"inside.example", with_a("127.0.0.1")}});
  start(rule_with({{"private_addresses", "refuse"}}));
  for (int i = 0; i < 2; ++i) {  // from the resolver, from the cache
    EXPECT_THAT(look_up("mixed.example.").addresses, ElementsAre("192.0.2.1"));
    const LookedUp inside = look_up("inside.example.", AF_INET);
    EXPECT_EQ(inside.eai, EAI_NODATA);
    EXPECT_THAT(inside.addresses, IsEmpty());
  }
  EXPECT_THAT(look_up("localhost.", AF_INET).addresses,
              ElementsAre("127.0.0.1"));
}

TEST_F(EngineTest, PrivateAddressesAreAllowedElse) {
  serve("home", {{"inside.example", with_a("192.168.1.1")}});
  start(rule_with({}));
  EXPECT_THAT(look_up("inside.example.", AF_INET).addresses,
              ElementsAre("192.168.1.1"));
}

}  // namespace
}  // namespace happy
