// What a look-up gives when the resolver misbehaves: the error that getaddrinfo
// returns, when, what the server saw of us, and what the log says. One row for
// each way.
#include <functional>
#include <ostream>

#include "tests/unit/engine/engine_fixture.h"

namespace happy {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using test::DotScript;
using test::Ending;
using test::Entry;
using test::Halt;
using test::ReplyFault;
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
constexpr milliseconds kAtOnce{0}, kAtTheLimit{kResolveLimit - 40ms};

struct Fault {
  const char* name;
  std::function<void(DotScript&, Entry&)> make;
  int eai;  // 0: 192.0.2.1 and nothing else
  milliseconds not_before = kAtOnce;
  int connections = 1, queries = 1;
  const char* log = "";
};

std::ostream& operator<<(std::ostream& out, const Fault& fault) {
  return out << fault.name;
}

std::function<void(DotScript&, Entry&)> reply(ReplyFault fault) {
  return [fault](DotScript&, Entry& entry) { entry.fault = fault; };
}

std::function<void(DotScript&, Entry&)> rcode(int code) {
  return [code](DotScript&, Entry& entry) { entry = {.rcode = code}; };
}

std::function<void(DotScript&, Entry&)> stop(Stage stage, Ending how) {
  return [=](DotScript& script, Entry&) { script.halt = Halt{stage, how}; };
}

// The name is the first of a chain of that many aliases.
std::function<void(DotScript&, Entry&)> chain(int links, bool loop = false) {
  return [=](DotScript& script, Entry& entry) {
    const auto link = [](int i) {
      return "n" + std::to_string(i) + ".example";
    };
    const Entry end = std::exchange(entry, {.cname = link(1)});
    for (int i = 1; i < links; ++i)
      script.zone.names[link(i)] = {.cname = link(i + 1)};
    script.zone.names[link(links)] = end;
    if (loop) script.zone.names[link(links)] = {.cname = link(1)};
  };
}

const char* const kNotDns = "the reply is not a DNS message";
const char* const kUnanswered = "no answer to the query within";
const char* const kNoHandshake = "did not go through with the TLS handshake";

const Fault kReplies[] = {
    {"None", reply(ReplyFault::kNone), 0},
    {"PrefixSplit", [](DotScript& s, Entry&) { s.split_prefix = true; }, 0},
    {"Coalesced", [](DotScript& s, Entry&) { s.coalesce = true; }, 0},
    {"Nagle", [](DotScript& s, Entry&) { s.no_delay = false; }, 0},
    {"Dropped", reply(ReplyFault::kDrop), EAI_AGAIN, kAtTheLimit, 1, 1,
     kUnanswered},
    {"WrongId", reply(ReplyFault::kWrongId), EAI_AGAIN, kAtTheLimit, 1, 1,
     kUnanswered},
    {"WrongQuestion", reply(ReplyFault::kWrongQuestion), EAI_AGAIN, kAtTheLimit,
     1, 1, kUnanswered},
    {"Twice", reply(ReplyFault::kTwice), 0},
    {"Unsolicited", reply(ReplyFault::kUnsolicited), 0},
    {"Truncated", reply(ReplyFault::kTruncated), EAI_AGAIN, kAtOnce, 1, 1,
     "a truncated reply"},
    {"ShortRdata", reply(ReplyFault::kShortRdata), EAI_AGAIN, kAtOnce, 1, 1,
     kNotDns},
    {"Garbage", reply(ReplyFault::kGarbage), EAI_AGAIN, kAtOnce, 1, 1, kNotDns},
    {"Empty", reply(ReplyFault::kEmpty), EAI_AGAIN, kAtOnce, 1, 1, kNotDns},
    {"OneOctet", reply(ReplyFault::kOneOctet), EAI_AGAIN, kAtOnce, 1, 1,
     kNotDns},
    {"PointerLoop", reply(ReplyFault::kPointerLoop), EAI_AGAIN, kAtOnce, 1, 1,
     kNotDns},
    {"Largest", reply(ReplyFault::kLargest), 0},
    {"OffChain", reply(ReplyFault::kOffChain), 0},
    {"ChainOf16", chain(16), 0},
    {"ChainOf17", chain(17), EAI_AGAIN, kAtOnce, 1, 1,
     "a CNAME chain that is too long"},
    {"ChainLoop", chain(2, true), EAI_AGAIN, kAtOnce, 1, 1, "a CNAME loop"},
};

const Fault kRcodes[] = {
    {"Formerr", rcode(1), EAI_FAIL, kAtOnce, 1, 1, "FORMERR"},
    {"Servfail", rcode(2), EAI_AGAIN, kAtOnce, 1, 1, "SERVFAIL"},
    {"Nxdomain", rcode(3), EAI_NONAME},
    {"Notimp", rcode(4), EAI_FAIL, kAtOnce, 1, 1, "NOTIMP"},
    {"Refused", rcode(5), EAI_FAIL, kAtOnce, 1, 1, "REFUSED"},
    {"Yxdomain", rcode(6), EAI_AGAIN, kAtOnce, 1, 1, "RCODE6"},
    {"Notauth", rcode(9), EAI_AGAIN, kAtOnce, 1, 1, "RCODE9"},
    {"Reserved", rcode(15), EAI_AGAIN, kAtOnce, 1, 1, "RCODE15"},
    {"NoData", [](DotScript&, Entry& it) { it = {}; }, EAI_NODATA},
    {"ExtendedError",
     [](DotScript&, Entry& it) {
       it = {.rcode = 2, .ede = 22, .ede_text = "upstream is down"};
     },
     EAI_AGAIN, kAtOnce, 1, 1,
     "SERVFAIL, extended error 22 (No Reachable Authority): upstream is down"},
};

const Fault kStreams[] = {
    {"FinBefore", reply(ReplyFault::kCloseBefore), EAI_AGAIN, kAtOnce, 2, 2,
     "closed the connection"},
    {"FinInside", reply(ReplyFault::kCloseInside), EAI_AGAIN, kAtOnce, 2, 2,
     "closed the connection"},
    {"FinAfter", reply(ReplyFault::kCloseAfter), 0},
    {"FinWithoutCloseNotify",
     [](DotScript& s, Entry& it) {
       s.close_notify = false;
       it.fault = ReplyFault::kCloseAfter;
     },
     0},
    {"HalfClose", reply(ReplyFault::kHalfClose), 0},
    {"RstBefore", reply(ReplyFault::kReset), EAI_AGAIN, kAtOnce, 2, 2,
     "onnection"},
    {"RstInside", reply(ReplyFault::kResetInside), EAI_AGAIN, kAtOnce, 2, 2,
     "onnection"},
    {"RstAtAccept", [](DotScript& s, Entry&) { s.reset_first = 99; }, EAI_AGAIN,
     kAtOnce, 1, 0, "onnection"},
    {"RstAtAcceptOnce",
     [](DotScript& s, Entry&) { s.close_on_query_first = 1; }, 0, kAtOnce, 2,
     2},
    {"FinAtAccept", stop(Stage::kAccept, Ending::kClose), EAI_AGAIN, kAtOnce, 1,
     0, "onnection"},
    {"FinAtHello", stop(Stage::kClientHello, Ending::kClose), EAI_AGAIN,
     kAtOnce, 1, 0, "onnection"},
    {"RstAtHello", stop(Stage::kClientHello, Ending::kReset), EAI_AGAIN,
     kAtOnce, 1, 0, "onnection"},
    {"SilenceAtAccept", stop(Stage::kAccept, Ending::kSilence), EAI_AGAIN,
     kAtTheLimit, 1, 0, kNoHandshake},
    {"SilenceAtHello", stop(Stage::kClientHello, Ending::kSilence), EAI_AGAIN,
     kAtTheLimit, 1, 0, kNoHandshake},
    {"SilenceAtFinished", stop(Stage::kHandshake, Ending::kSilence), EAI_AGAIN,
     kAtTheLimit, 1, 0, kUnanswered},
    {"SilenceAtQuery", stop(Stage::kQuery, Ending::kSilence), EAI_AGAIN,
     kAtTheLimit, 1, 1, kUnanswered},
    {"RstAtQuery", stop(Stage::kQuery, Ending::kReset), EAI_AGAIN, kAtOnce, 2,
     2, "onnection"},
    {"FinAtQuery", stop(Stage::kQuery, Ending::kClose), EAI_AGAIN, kAtOnce, 2,
     2, "closed the connection"},
    {"LateTickets",
     [](DotScript& s, Entry&) { s.tickets = test::Tickets::kLate; }, 0},
    {"KeyUpdate", [](DotScript& s, Entry&) { s.key_update = true; }, 0},
    {"NoTls", [](DotScript& s, Entry&) { s.plain = true; }, EAI_AGAIN, kAtOnce,
     1, 0, "speak"},
};

class ResolverFaults : public EngineTest,
                       public ::testing::WithParamInterface<Fault> {};

TEST_P(ResolverFaults, GiveThis) {
  const Fault& fault = GetParam();
  DotScript script;
  Entry entry = with_a("192.0.2.1");
  fault.make(script, entry);
  script.zone.names["www.example"] = entry;
  const auto& server = serve_script("home", script);
  const milliseconds limit =
      fault.not_before == kAtOnce ? kLongLimit : kResolveLimit;
  start(json::array({{{"hosts", {"*"}},
                      {"resolvers", {"home"}},
                      {"timeouts", {{"resolve_ms", limit.count()}}}}}));

  const auto before = std::chrono::steady_clock::now();
  const LookedUp found = look_up(kName, AF_INET);
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_EQ(fault.eai, found.eai);
  if (fault.eai == 0) {
    EXPECT_THAT(found.addresses, ElementsAre("192.0.2.1"));
  }
  EXPECT_GE(took, fault.not_before);
  EXPECT_LE(took, fault.not_before + kSlack);
  const auto seen = server.statistics();
  EXPECT_EQ(fault.connections, seen.connections);
  EXPECT_EQ(fault.queries, seen.queries);
  const std::string logged = log().empty() ? "" : log().front();
  EXPECT_THAT(logged, HasSubstr(fault.log));
  EXPECT_LE(log().size(), *fault.log ? 1u : 0u);
}

std::string name_of(const ::testing::TestParamInfo<Fault>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Replies, ResolverFaults, ::testing::ValuesIn(kReplies),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Rcodes, ResolverFaults, ::testing::ValuesIn(kRcodes),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Streams, ResolverFaults, ::testing::ValuesIn(kStreams),
                         name_of);

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
