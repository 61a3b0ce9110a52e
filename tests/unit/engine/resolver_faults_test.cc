// What a look-up gives when the resolver misbehaves: the error that getaddrinfo
// returns, when, what the server saw of us, and what the log says. One row for
// each way.
#include "tests/support/resolver_faults.h"

#include <functional>
#include <ostream>

#include "tests/lab/temp_folder.h"
#include "tests/support/dot_script.h"
#include "tests/unit/engine/engine_fixture.h"

namespace happy {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using test::DotScript;
using test::Ending;
using test::Halt;
using test::ResolverFault;
using test::Stage;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr auto kName = "www.example.";
// Long enough for a handshake on a busy machine, where the limit is reached;
// else longer still.
constexpr milliseconds kResolveLimit{1500}, kLongLimit{20000};
// Beyond what is due: this machine may be busy with other things.
constexpr milliseconds kSlack{3000};

class ResolverFaults : public EngineTest,
                       public ::testing::WithParamInterface<ResolverFault> {};

TEST_P(ResolverFaults, GiveThis) {
  const ResolverFault& fault = GetParam();
  const auto loaded = test::load_script(fault.script.dump());
  const auto& server = serve_script("home", loaded.script);
  const lab::TempFolder folder;
  resolver("home").merge_patch(test::as_trusted(
      fault.trust, loaded.pin,
      folder.write("ca.pem", loaded.authority.certificate_pem())));
  const milliseconds limit = fault.at_limit ? kResolveLimit : kLongLimit;
  const milliseconds due = fault.at_limit ? kResolveLimit - 40ms : 0ms;
  start(json::array({{{"hosts", {"*"}},
                      {"resolvers", {"home"}},
                      {"timeouts", {{"resolve_ms", limit.count()}}}}}));

  const auto before = std::chrono::steady_clock::now();
  const LookedUp found = look_up(test::kFaultyName + std::string("."), AF_INET);
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_EQ(fault.eai, found.eai);
  if (fault.eai == 0) {
    EXPECT_THAT(found.addresses, ElementsAre(test::kFaultyAddress));
  }
  EXPECT_GE(took, due);
  EXPECT_LE(took, due + kSlack);
  const auto seen = server.statistics();
  EXPECT_EQ(fault.connections, seen.connections);
  EXPECT_EQ(fault.queries, seen.queries);
  const std::string logged = log().empty() ? "" : log().front();
  EXPECT_THAT(logged, HasSubstr(fault.log));
  EXPECT_LE(log().size(), *fault.log ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P(All, ResolverFaults,
                         ::testing::ValuesIn(test::resolver_faults()),
                         [](const auto& it) { return it.param.name; });

json rule(std::vector<std::string> resolvers) {
  return json::array({{{"hosts", {"*"}}, {"resolvers", resolvers}}});
}

class Stallers : public EngineTest,
                 public ::testing::WithParamInterface<Stage> {
 protected:
  static DotScript staller() {
    DotScript script;
    script.halt = Halt{GetParam(), Ending::kSilence};
    return script;
  }
  // Looks up and says how long the good answer took.
  std::chrono::steady_clock::duration answered() {
    const auto before = std::chrono::steady_clock::now();
    EXPECT_THAT(look_up(kName, AF_INET).addresses, ElementsAre("192.0.2.1"));
    return std::chrono::steady_clock::now() - before;
  }
};

TEST_P(Stallers, ASecondResolverCostsOneStagger) {
  serve_script("mute", staller());
  serve("good", {{"www.example", with_a("192.0.2.1")}});
  start(rule({"mute", "good"}));
  const auto took = answered();
  EXPECT_GE(took, 250ms);
  EXPECT_LE(took, 250ms + 1500ms);
}

TEST_P(Stallers, ASecondAddressCostsOneStagger) {
  const uint16_t port =
      serve("good", {{"www.example", with_a("192.0.2.1")}}).port();
  DotScript mute = staller();
  mute.address = "127.0.0.2";
  mute.port = port;
  serve_script("mute", mute);
  resolver("good")["addresses"] = {"127.0.0.2", "127.0.0.1"};
  start(rule({"good"}));
  const auto took = answered();
  EXPECT_GE(took, 250ms);
  EXPECT_LE(took, 250ms + 1500ms);
}

INSTANTIATE_TEST_SUITE_P(Stages, Stallers,
                         ::testing::Values(Stage::kAccept, Stage::kClientHello,
                                           Stage::kHandshake, Stage::kQuery));

// The session that a firewall forgot: recovered in less than a second.
TEST_F(EngineTest, AReusedConnectionGoneSilentIsReplacedUnderTheQuery) {
  DotScript script;
  script.mute_first = 1;
  script.zone.names["www.example"] = with_a("192.0.2.1");
  script.zone.names["two.example"] = with_a("192.0.2.2");
  const auto& server = serve_script("home", script);
  start(rule({"home"}));
  look_up(kName, AF_INET);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(look_up("two.example.", AF_INET).addresses,
              ElementsAre("192.0.2.2"));
  EXPECT_LE(std::chrono::steady_clock::now() - before, 1s + 500ms);
  EXPECT_EQ(2, server.statistics().connections);
  EXPECT_EQ(3, server.statistics().queries);
}

// What failed is asked after the others for a while, also if it is the first
// choice.
TEST_F(EngineTest, AFailedResolverIsPassedOverForAWhile) {
  const auto& broken = serve("broken", {});
  const auto& good = serve("good", {{"a.example", with_a("192.0.2.1")},
                                    {"b.example", with_a("192.0.2.2")}});
  resolver("broken")["pins"] = {test::Identity::make({}).key_pin()};
  start(rule({"broken", "good"}));
  EXPECT_THAT(look_up("a.example.", AF_INET).addresses,
              ElementsAre("192.0.2.1"));
  EXPECT_THAT(look_up("b.example.", AF_INET).addresses,
              ElementsAre("192.0.2.2"));
  EXPECT_EQ(1, broken.statistics().connections);
  EXPECT_EQ(2, good.statistics().queries);
}

// The first choice's failure is what the log tells.
TEST_F(EngineTest, OfSeveralFailuresTheFirstChoicesIsTold) {
  serve("first", {});
  serve("second", {});
  for (const auto* name : {"first", "second"})
    resolver(name)["pins"] = {test::Identity::make({}).key_pin()};
  start(rule({"first", "second"}));
  for (int i = 0; i < 2; ++i) {
    log().clear();
    EXPECT_EQ(look_up(kName, AF_INET).eai, EAI_AGAIN);
    ASSERT_EQ(log().size(), 1u);
    EXPECT_THAT(log().front(), HasSubstr("resolver \"first\""));
  }
}

}  // namespace
}  // namespace happy
