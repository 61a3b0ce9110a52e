// Look-ups of strict names through the engine: who is asked, what is answered
// and what is never asked at all.
#include <thread>

#include "tests/unit/engine/engine_fixture.h"

namespace happy {
namespace {

using nlohmann::json;
using test::Entry;
using test::ReplyFault;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using namespace std::chrono_literals;

json strict(std::vector<std::string> hosts, std::vector<std::string> by) {
  return {{"hosts", hosts}, {"resolvers", by}};
}

TEST_F(EngineTest, BothFamiliesComeFromTheResolver) {
  Entry both = with_a("192.0.2.1");
  both.aaaa("2001:db8::1");
  serve("home", {{"www.example", both}});
  start(json::array({strict({"*"}, {"home"})}));
  const LookedUp found = look_up("www.example");
  EXPECT_EQ(found.status, HAPPY_LOOKUP_ANSWER);
  EXPECT_THAT(found.addresses,
              UnorderedElementsAre("192.0.2.1", "2001:db8::1"));
  EXPECT_EQ(found.canonical, "www.example");
}

TEST_F(EngineTest, OnlyTheFamilyOfTheHintsIsAsked) {
  auto& server = serve("home", {{"www.example", with_a("192.0.2.1")}});
  start(json::array({strict({"*"}, {"home"})}));
  EXPECT_THAT(look_up("www.example", AF_INET).addresses,
              ElementsAre("192.0.2.1"));
  EXPECT_EQ(server.statistics().queries, 1);
}

TEST_F(EngineTest, ASecondLookUpComesFromTheCache) {
  auto& server = serve("home", {{"www.example", with_a("192.0.2.1")}});
  start(json::array({strict({"*"}, {"home"})}));
  look_up("www.example", AF_INET);
  EXPECT_THAT(look_up("WWW.Example.", AF_INET).addresses,
              ElementsAre("192.0.2.1"));
  EXPECT_EQ(server.statistics().queries, 1);
}

TEST_F(EngineTest, FailuresHaveGetaddrinfosNames) {
  Entry refused, broken, empty;
  refused.rcode = 5;
  broken.rcode = 2;
  empty.txt("no addresses");
  serve("home", {{"refused.example", refused},
                 {"broken.example", broken},
                 {"empty.example", empty}});
  start(json::array({strict({"*"}, {"home"})}));
  EXPECT_EQ(look_up("refused.example.").eai, EAI_FAIL);
  EXPECT_EQ(look_up("broken.example.").eai, EAI_AGAIN);
  EXPECT_EQ(look_up("empty.example.").eai, EAI_NODATA);
  EXPECT_EQ(look_up("missing.example.").eai, EAI_NONAME);
}

TEST_F(EngineTest, SpecialNamesAreNeverSent) {
  auto& server = serve("home", {});
  start(json::array({strict({"*"}, {"home"})}));
  EXPECT_EQ(look_up("hidden.onion.").eai, EAI_NONAME);
  EXPECT_EQ(look_up("printer.local.").eai, EAI_NONAME);
  EXPECT_EQ(look_up("x.invalid.").eai, EAI_NONAME);
  EXPECT_THAT(look_up("x.localhost.", AF_INET).addresses,
              ElementsAre("127.0.0.1"));
  EXPECT_EQ(server.statistics().connections, 0);
}

// The first of two resolvers is silent: the second is hedged in.
TEST_F(EngineTest, ASilentResolverIsHedged) {
  Entry silent = with_a("192.0.2.66");
  silent.fault = ReplyFault::kDrop;
  serve("mute", {{"www.example", silent}});
  serve("good", {{"www.example", with_a("192.0.2.1")}});
  start(json::array({strict({"*"}, {"mute", "good"})}));
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(look_up("www.example", AF_INET).addresses,
              ElementsAre("192.0.2.1"));
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
}

// RFC 9520: for a second; then it is asked again.
TEST_F(EngineTest, ASilenceIsNotWaitedOutTwiceInARow) {
  Entry silent = with_a("192.0.2.66");
  silent.fault = ReplyFault::kDrop;
  auto& server = serve("mute", {{"www.example", silent}});
  json rule = strict({"*"}, {"mute"});
  rule["timeouts"] = {{"resolve_ms", 1000}};
  start(json::array({rule}));
  EXPECT_EQ(look_up("www.example.", AF_INET).eai, EAI_AGAIN);
  const int asked = server.statistics().queries;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(look_up("www.example.", AF_INET).eai, EAI_AGAIN);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 700ms);
  EXPECT_EQ(server.statistics().queries, asked);
  std::this_thread::sleep_for(1100ms);
  EXPECT_EQ(look_up("www.example.", AF_INET).eai, EAI_AGAIN);
  EXPECT_GT(server.statistics().queries, asked);
}

TEST_F(EngineTest, AServerFailureGoesOnToTheNextResolver) {
  Entry broken;
  broken.rcode = 2;
  serve("broken", {{"www.example", broken}});
  serve("good", {{"www.example", with_a("192.0.2.1")}});
  start(json::array({strict({"*"}, {"broken", "good"})}));
  EXPECT_THAT(look_up("www.example", AF_INET).addresses,
              ElementsAre("192.0.2.1"));
}

// A strict name must not leave as a part of an expansion that is not strict.
TEST_F(EngineTest, OnlyStrictExpansionsAreTried) {
  auto& server = serve("home", {{"secret.example", with_a("192.0.2.1")}});
  Engine& engine = start(json::array({strict({"secret.example"}, {"home"})}));
  EXPECT_TRUE(engine.is_strict("secret.example"));
  EXPECT_FALSE(engine.is_strict("other.example"));
  EXPECT_THAT(look_up("secret.example", AF_INET).addresses,
              ElementsAre("192.0.2.1"));
  for (const auto& question : server.statistics().asked) {
    EXPECT_EQ(question.name, "secret.example");
  }
}

TEST_F(EngineTest, AShortNameIsStrictByItsExpansion) {
  serve("home", {{"intra.corp.example", with_a("192.0.2.7")}});
  Engine& engine = start(json::array({strict({"*.corp.example"}, {"home"})}));
  EXPECT_TRUE(engine.is_strict("intra"));
  EXPECT_FALSE(engine.is_strict("intra."));
  const LookedUp found = look_up("intra", AF_INET);
  EXPECT_THAT(found.addresses, ElementsAre("192.0.2.7"));
  EXPECT_EQ(found.canonical, "intra.corp.example");
}

TEST_F(EngineTest, AnInternationalisedNameMatchesItsALabels) {
  auto& server =
      serve("home", {{"xn--bcher-kva.example", with_a("192.0.2.8")}});
  Engine& engine =
      start(json::array({strict({"xn--bcher-kva.example"}, {"home"})}));
  ASSERT_TRUE(
      engine.is_strict("b\xc3\xbc"
                       "cher.example"));
  const LookedUp found = look_up(
      "b\xc3\xbc"
      "cher.example",
      AF_INET);
  // Without libidn2 nobody is asked.
  EXPECT_TRUE(found.eai == EAI_NONAME || found.addresses.size() == 1);
  for (const auto& question : server.statistics().asked) {
    EXPECT_EQ(question.name, "xn--bcher-kva.example");
  }
}

TEST_F(EngineTest, ABrokenPolicyFailsClosedWithOneLine) {
  Engine& engine = start_with_text("{ \"version\": 2 }");
  EXPECT_TRUE(engine.is_strict("any.example"));
  EXPECT_EQ(look_up("any.example").eai, EAI_FAIL);
  EXPECT_EQ(look_up("other.example").eai, EAI_FAIL);
  ASSERT_EQ(log().size(), 1u);
  EXPECT_THAT(log().front(), HasSubstr("policy.json:1:"));
}

TEST_F(EngineTest, AFailureNamesItsCauseOnce) {
  serve("home", {});
  json resolver = {
      {"addresses", {"127.0.0.1"}}, {"port", 1}, {"auth_name", "dot.example"}};
  start_with_text(json{{"version", 1},
                       {"resolvers", {{"away", resolver}}},
                       {"rules", json::array({strict({"*"}, {"away"})})}}
                      .dump());
  EXPECT_EQ(look_up("www.example.").eai, EAI_AGAIN);
  ASSERT_EQ(log().size(), 1u);
  EXPECT_THAT(log().front(), HasSubstr("\"www.example.\""));
  EXPECT_THAT(log().front(), HasSubstr("refused"));
}

// Queries in the form of res_send(3).
TEST_F(EngineTest, AMessageIsStrictByItsQuestion) {
  serve("home", {});
  Engine& engine = start(json::array({strict({"*.secret.example"}, {"home"})}));
  const auto query = [](const char* name) {
    return dns::encode_query(7, *dns::Name::parse(name), dns::Type::kMx);
  };
  EXPECT_TRUE(engine.is_strict_query(query("mail.secret.example")));
  EXPECT_FALSE(engine.is_strict_query(query("mail.open.example")));
  const std::vector<uint8_t> garbage = {1, 2, 3};
  EXPECT_TRUE(engine.is_strict_query(garbage));
}

}  // namespace
}  // namespace happy
