// The profile `opportunistic` (RFC 8310): what is taken instead of an
// authenticated resolver, what the log says of it, and what is never taken.
#include "tests/unit/engine/engine_fixture.h"

namespace happy {
namespace {

using nlohmann::json;
using test::Entry;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kNobodysPin =
    "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

json rule(const std::vector<std::string>& resolvers,
          const char* profile = "opportunistic") {
  return {{"hosts", {"*"}},
          {"resolvers", resolvers},
          {"profile", profile},
          {"timeouts", {{"resolve_ms", 4000}}}};
}

class OpportunisticTest : public EngineTest {
 protected:
  // One whose key is not the policy's.
  test::DotServer& serve_impostor() {
    auto& server = serve("home", {{"www.example", with_a("192.0.2.1")},
                                  {"b.example", with_a("192.0.2.2")}});
    resolver("home")["pins"] = {kNobodysPin};
    return server;
  }
  // Nobody listens there any more.
  void serve_nobody() {
    serve("home", {});
    resolver("home")["port"] = 1;
  }
  static Engine& on_network(Engine& engine, uint64_t id) {
    engine.set_network([=] {
      return net::Network{state::NetworkId{id}, true};
    });
    return engine;
  }
};

TEST_F(OpportunisticTest, AnAuthenticResolverIsUsedAsByStrict) {
  serve("home", {{"www.example", with_a("192.0.2.1")}});
  start(json::array({rule({"home"})}));
  EXPECT_THAT(look_up("www.example", AF_INET).addresses,
              ElementsAre("192.0.2.1"));
  EXPECT_THAT(warnings(), IsEmpty());
}

TEST_F(OpportunisticTest, AnImpostorIsAskedAllTheSameAndToldOfOnce) {
  auto& server = serve_impostor();
  start(json::array({rule({"home"})}));
  EXPECT_THAT(look_up("www.example", AF_INET).addresses,
              ElementsAre("192.0.2.1"));
  EXPECT_THAT(look_up("b.example", AF_INET).addresses,
              ElementsAre("192.0.2.2"));
  EXPECT_THAT(warnings(),
              ElementsAre(AllOf(HasSubstr("no pin matches"),
                                HasSubstr("for an hour, encrypted but not "
                                          "authenticated"))));
  // The refused one, and the one that both questions went over.
  EXPECT_EQ(server.statistics().connections, 2);
  EXPECT_EQ(server.statistics().queries, 2);
}

TEST_F(OpportunisticTest, ARuleBesideItStaysStrict) {
  serve_impostor();
  json strict = rule({"home"}, "strict");
  strict["hosts"] = {"b.example"};
  start(json::array({strict, rule({"home"})}));
  EXPECT_THAT(look_up("www.example", AF_INET).addresses,
              ElementsAre("192.0.2.1"));
  EXPECT_EQ(look_up("b.example.", AF_INET).eai, EAI_AGAIN);
}

TEST_F(OpportunisticTest, WithoutSystemNothingIsAskedInClearText) {
  serve_nobody();
  Engine& engine = start(json::array({rule({"home"})}));
  EXPECT_TRUE(engine.forbids_clear_text("www.example"));
  EXPECT_EQ(look_up("www.example.", AF_INET).eai, EAI_AGAIN);
}

TEST_F(OpportunisticTest, TheSystemIsAskedWhenNobodyAnswers) {
  serve_nobody();
  Engine& engine = start(json::array({rule({"home", "system"})}));
  on_network(engine, 1);
  EXPECT_TRUE(engine.is_strict("www.example"));  // the core decides
  EXPECT_FALSE(engine.forbids_clear_text("www.example"));
  EXPECT_EQ(look_up("www.example.", AF_INET).status, HAPPY_LOOKUP_SYSTEM);
  // At once from now on, without another word.
  EXPECT_EQ(look_up("b.example.", AF_INET).status, HAPPY_LOOKUP_SYSTEM);
  EXPECT_THAT(warnings(), ElementsAre(AllOf(HasSubstr("in clear text for an "
                                                      "hour"),
                                            HasSubstr("refused"))));
}

TEST_F(OpportunisticTest, OnAnotherNetworkTheResolverIsTriedAgain) {
  serve_nobody();
  Engine& engine = start(json::array({rule({"home", "system"})}));
  on_network(engine, 1);
  EXPECT_EQ(look_up("www.example.", AF_INET).status, HAPPY_LOOKUP_SYSTEM);
  on_network(engine, 2);
  EXPECT_EQ(look_up("www.example.", AF_INET).status, HAPPY_LOOKUP_SYSTEM);
  EXPECT_EQ(warnings().size(), 2u);
}

TEST_F(OpportunisticTest, AnAnswerThatDispleasesIsAnAnswer) {
  Entry broken, refused;
  broken.rcode = 2;
  refused.rcode = 5;
  serve("home", {{"broken.example", broken}, {"refused.example", refused}});
  start(json::array({rule({"home", "system"})}));
  EXPECT_EQ(look_up("missing.example.", AF_INET).eai, EAI_NONAME);
  EXPECT_EQ(look_up("broken.example.", AF_INET).eai, EAI_AGAIN);
  EXPECT_EQ(look_up("refused.example.", AF_INET).eai, EAI_FAIL);
}

TEST_F(OpportunisticTest, OfTwoResolversTheAuthenticOneSuffices) {
  serve_nobody();
  serve("other", {{"www.example", with_a("192.0.2.9")}});
  start(json::array({rule({"home", "other", "system"})}));
  EXPECT_THAT(look_up("www.example", AF_INET).addresses,
              ElementsAre("192.0.2.9"));
}

// What was looked up in a way that may be clear tells nothing by its address.
TEST_F(OpportunisticTest, ItsAddressesMayBeAskedAbout) {
  serve_impostor();
  Engine& engine = start(json::array({rule({"home", "system"})}));
  look_up("www.example", AF_INET);
  EXPECT_FALSE(engine.is_strict_address(IpAddress::v4(192, 0, 2, 1)));
}

}  // namespace
}  // namespace happy
