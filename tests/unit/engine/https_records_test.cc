// HTTPS records as look-ups and plans see them: asked for beside the addresses,
// never waited for, of use to connects to port 443 alone.
#include <poll.h>

#include "tests/unit/engine/engine_fixture.h"

namespace happy {
namespace {

using nlohmann::json;
using test::Entry;
using test::Octets;
using test::ReplyFault;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StrEq;
using ::testing::UnorderedElementsAre;
using namespace std::chrono_literals;

constexpr uint16_t kA = 1, kHttps = 65;
constexpr auto kName = "www.example";

Octets operator+(Octets left, const Octets& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Octets hint(const std::vector<std::string>& addresses) {
  const bool ipv4 = IpAddress::parse(addresses[0])->family == Family::kIpv4;
  const uint8_t size = ipv4 ? 4 : 16, key = ipv4 ? 4 : 6;
  Octets out{0, key, 0, static_cast<uint8_t>(size * addresses.size())};
  for (const std::string& text : addresses) {
    const auto bytes = IpAddress::parse(text)->bytes;
    out.insert(out.end(), bytes.begin(), bytes.begin() + size);
  }
  return out;
}
Octets at_port(uint16_t port) {
  return {
      0, 3, 0, 2, static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port)};
}
Octets service(const std::string& target, const Octets& parameters = {},
               uint8_t priority = 1) {
  return Octets{0, priority} + test::encode_name(target == "." ? "" : target) +
         parameters;
}
Octets alias(const std::string& target) { return service(target, {}, 0); }

class HttpsRecords : public EngineTest {
 protected:
  using Names = std::map<std::string, Entry>;

  // www.example with an A and these records, and other names.
  test::DotServer& with(const std::vector<Octets>& records,
                        const json& settings = json::object(),
                        Names names = {}) {
    Entry www = with_a("192.0.2.1");
    for (const Octets& rdata : records) www.https(rdata);
    names.emplace(kName, www);
    return with_names(std::move(names), settings);
  }
  test::DotServer& with_names(Names names,
                              const json& settings = json::object()) {
    test::DotServer& server = serve("home", std::move(names));
    json rule = {
        {"hosts", {"*"}}, {"resolvers", {"home"}}, {"https_records", true}};
    rule.update(settings);
    start(json::array({rule}));
    return server;
  }

  // Once all answers are in: the endpoints of a connect(), itself left out.
  std::vector<std::string> raced(const std::string& address = "192.0.2.1",
                                 uint16_t port = 443, unsigned families = 3) {
    std::unique_ptr<Plan> made = plan(address, port, families);
    for (int i = 0; i < 10000 && made && made->begin.others_until; ++i) {
      poll(nullptr, 0, 1);
      made = plan(address, port, families);
    }
    std::vector<std::string> out;
    if (made == nullptr) return out;
    EXPECT_FALSE(made->begin.others_until);
    const auto& all = made->begin.candidates;
    for (size_t i = 1; i < all.size(); ++i) out.push_back(all[i].to_string());
    EXPECT_GE(made->candidates, out.size());
    return out;
  }
  std::vector<std::string> looked_up_and_raced() {
    EXPECT_THAT(look_up(kName).addresses, Contains("192.0.2.1"));
    return raced();
  }
  static std::vector<uint16_t> types_asked(const test::DotServer& server) {
    std::vector<uint16_t> out;
    for (const auto& question : server.statistics().asked)
      out.push_back(question.type);
    return out;
  }
};

TEST_F(HttpsRecords, AreAskedForBesideTheAddressesAfterThem) {
  auto& server = with({});
  look_up(kName);
  raced();
  EXPECT_THAT(types_asked(server), ElementsAre(28, kA, kHttps));
}

TEST_F(HttpsRecords, AreNotAskedForWithoutTheKey) {
  auto& server =
      with({service(".", hint({"192.0.2.9"}))}, {{"https_records", false}});
  EXPECT_THAT(looked_up_and_raced(), IsEmpty());
  EXPECT_THAT(types_asked(server), Not(Contains(kHttps)));
}

// What an opportunistic rule believed is in the cache; a strict one with the
// same resolver must not find it there.
TEST_F(HttpsRecords, TakeNoAddressFromWhoWasNotAuthenticated) {
  serve("home", {{"alt.example", with_a("192.0.2.99")}});
  resolver("home")["pins"] = {
      "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
  serve("second", {{kName, with_a("192.0.2.1").https(alias("alt.example"))},
                   {"alt.example", with_a("192.0.2.66")}});
  const json opportunistic = {{"hosts", {"alt.example"}},
                              {"resolvers", {"home"}},
                              {"profile", "opportunistic"}};
  const json strict = {{"hosts", {"*"}},
                       {"resolvers", {"second", "home"}},
                       {"https_records", true}};
  start(json::array({opportunistic, strict}));
  ASSERT_THAT(look_up("alt.example", AF_INET).addresses,
              ElementsAre("192.0.2.99"));
  EXPECT_THAT(looked_up_and_raced(), ElementsAre("192.0.2.66:443"));
}

TEST_F(HttpsRecords, HintsAreRacedBehindTheAddresses) {
  Entry www = with_a("192.0.2.1");
  www.a("192.0.2.2")
      .https(service(".",
                     hint({"192.0.2.9", "192.0.2.2"}) + hint({"2001:db8::9"})));
  with_names({{kName, www}});
  EXPECT_THAT(
      looked_up_and_raced(),
      ElementsAre("192.0.2.2:443", "192.0.2.9:443", "[2001:db8::9]:443"));
}

TEST_F(HttpsRecords, AreNotToldToTheProgram) {
  with({service(".", hint({"192.0.2.9"}))});
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(look_up(kName).addresses, ElementsAre("192.0.2.1"));
    raced();
  }
}

// For another port the records would have another name (RFC 9460 section 9.1).
TEST_F(HttpsRecords, AreForPort443Alone) {
  with({service(".", at_port(8443) + hint({"192.0.2.9"}))});
  EXPECT_THAT(looked_up_and_raced(), Not(IsEmpty()));
  for (const uint16_t port : {80, 8443, 853}) {
    EXPECT_THAT(raced("192.0.2.1", port), IsEmpty());
    EXPECT_THAT(why_, StrEq("one address and no time-out"));
  }
}

TEST_F(HttpsRecords, AreNotForConnectsToWhatTheyName) {
  with({service(".", hint({"192.0.2.9"}))});
  looked_up_and_raced();
  EXPECT_EQ(plan("192.0.2.9", 443), nullptr);
}

// RFC 9460 section 7.2.
TEST_F(HttpsRecords, APortIsForTheNamesOwnAddressesAndForHints) {
  with({service(".", at_port(8443) + hint({"192.0.2.9"}))});
  EXPECT_THAT(looked_up_and_raced(),
              ElementsAre("192.0.2.1:8443", "192.0.2.9:8443"));
}

TEST_F(HttpsRecords, ThePriorityIsTheOrder) {
  with({service(".", at_port(9443), 2), service(".", at_port(8443), 1)});
  EXPECT_THAT(looked_up_and_raced(),
              ElementsAre("192.0.2.1:8443", "192.0.2.1:9443"));
}

TEST_F(HttpsRecords, AnotherTargetsAddressesJoin) {
  Entry cdn = with_a("192.0.2.9");
  cdn.aaaa("2001:db8::9");
  with({service("cdn.example", at_port(8443) + hint({"192.0.2.8"}))},
       json::object(), {{"cdn.example", cdn}});
  EXPECT_THAT(looked_up_and_raced(),
              UnorderedElementsAre("192.0.2.9:8443", "[2001:db8::9]:8443"));
}

TEST_F(HttpsRecords, AnAliasIsFollowed) {
  Entry cdn = with_a("192.0.2.9");
  cdn.https(service(".", at_port(8443)));
  with({alias("cdn.example")}, json::object(), {{"cdn.example", cdn}});
  EXPECT_THAT(looked_up_and_raced(),
              ElementsAre("192.0.2.9:8443", "192.0.2.9:443"));
}

TEST_F(HttpsRecords, AnAliasInALoopLeadsNowhere) {
  Entry cdn = with_a("192.0.2.9");
  cdn.https(alias(kName));
  with({alias("cdn.example")}, json::object(), {{"cdn.example", cdn}});
  EXPECT_THAT(looked_up_and_raced(), IsEmpty());
}

TEST_F(HttpsRecords, OneMalformedSpoilsAll) {
  with({service(".", hint({"192.0.2.9"})), service(".", {0, 3, 0, 1, 1})});
  EXPECT_THAT(looked_up_and_raced(), IsEmpty());
}

TEST_F(HttpsRecords, TheHintsOfTheLookUpFilterThem) {
  auto& server =
      with({service(".", hint({"192.0.2.9"}) + hint({"2001:db8::9"})),
            service("cdn.example")});
  EXPECT_THAT(look_up(kName, AF_INET).addresses, ElementsAre("192.0.2.1"));
  EXPECT_THAT(raced(), ElementsAre("192.0.2.9:443"));
  EXPECT_THAT(types_asked(server), ElementsAre(kA, kHttps, kA));
}

TEST_F(HttpsRecords, TheRulesFamiliesFilterThem) {
  with({service(".", hint({"192.0.2.9"}) + hint({"2001:db8::9"}))},
       {{"families", {"ipv4"}}});
  EXPECT_THAT(looked_up_and_raced(), ElementsAre("192.0.2.9:443"));
}

TEST_F(HttpsRecords, FamiliesThatTheSocketCannotUseAreLeftOut) {
  with({service(".", hint({"192.0.2.9"}) + hint({"2001:db8::9"}))});
  looked_up_and_raced();
  EXPECT_THAT(raced("192.0.2.1", 443, 1), ElementsAre("192.0.2.9:443"));
  // An AF_INET socket of a rule without cross_family.
  EXPECT_THAT(raced("192.0.2.1", 443, 1 | 4), ElementsAre("192.0.2.9:443"));
}

TEST_F(HttpsRecords, PrivateAddressesAreRefusedHereToo) {
  with({service(".", hint({"192.168.1.1", "192.0.2.9"})),
        service("inside.example", hint({"10.0.0.1"}))},
       {{"private_addresses", "refuse"}},
       {{"inside.example", with_a("127.0.0.1")}});
  EXPECT_THAT(looked_up_and_raced(), ElementsAre("192.0.2.9:443"));
}

TEST_F(HttpsRecords, TheRulesOwnPortsGoBefore) {
  with({service(".", at_port(8443))},
       {{"port_alternatives", {{"443", {443, 9443}}}}});
  EXPECT_THAT(looked_up_and_raced(), ElementsAre("192.0.2.1:9443"));
}

TEST_F(HttpsRecords, ADisabledRaceHasNone) {
  with({service(".", at_port(8443))},
       {{"race", {{"enabled", false}}},
        {"timeouts", {{"attempt_ms", 2000}, {"connect_ms", 3000}}}});
  EXPECT_THAT(looked_up_and_raced(), IsEmpty());
  EXPECT_FALSE(plan("192.0.2.1", 443)->takes_services);
}

TEST_F(HttpsRecords, TheCacheKnowsThem) {
  auto& server = with({service("cdn.example")}, json::object(),
                      {{"cdn.example", with_a("192.0.2.9")}});
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(looked_up_and_raced(), ElementsAre("192.0.2.9:443"));
  }
  EXPECT_EQ(server.statistics().queries, 5);
}

TEST_F(HttpsRecords, ThatThereAreNoneIsKnownToTheCacheToo) {
  auto& server = with({});
  looked_up_and_raced();
  looked_up_and_raced();
  EXPECT_EQ(server.statistics().queries, 3);
}

TEST_F(HttpsRecords, AskedForAloneWhereTheAddressesAreKnown) {
  Entry www = with_a("192.0.2.1");
  www.https(service(".", hint({"192.0.2.9"})));
  www.rcode = 2;
  www.only = kHttps;
  auto& server = with_names({{kName, www}});
  EXPECT_THAT(looked_up_and_raced(), IsEmpty());
  www.rcode = 0;
  test::Zone zone;
  zone.names = {{kName, www}};
  server.set_zone(zone);
  poll(nullptr, 0, 1100);  // RFC 9520: failures are kept for a second
  EXPECT_THAT(looked_up_and_raced(), ElementsAre("192.0.2.9:443"));
  EXPECT_THAT(types_asked(server), ElementsAre(28, kA, kHttps, kHttps));
}

TEST_F(HttpsRecords, OfANameWithoutAddressesAreNotAskedForAgain) {
  Entry empty;
  empty.https(service(".", hint({"192.0.2.9"})));
  empty.ttl = 0;  // the records, not that there are no addresses
  auto& server = with_names({{"empty.example", empty}});
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(look_up("empty.example.").eai, EAI_NODATA);
  poll(nullptr, 0, 100);  // for a question that nobody waits for
  EXPECT_EQ(server.statistics().queries, 3);
}

// Special names, and those of the hosts file, have no records.
TEST_F(HttpsRecords, LocalhostHasNone) {
  auto& server = with({});
  look_up("localhost");
  EXPECT_EQ(server.statistics().queries, 0);
}

TEST_F(HttpsRecords, NobodyIsAskedInClearAboutTheirAddresses) {
  with({service(".", hint({"192.0.2.9"}))});
  looked_up_and_raced();
  EXPECT_TRUE(engine_->is_strict_address(*IpAddress::parse("192.0.2.9")));
  EXPECT_FALSE(engine_->is_strict_address(*IpAddress::parse("192.0.2.8")));
}

class LateHttpsRecords : public HttpsRecords {
 protected:
  test::DotServer& with_odd(const std::function<void(Entry*)>& make_odd,
                            const json& settings = json::object()) {
    Entry www = with_a("192.0.2.1");
    www.https(service(".", hint({"192.0.2.9"})));
    www.only = kHttps;
    make_odd(&www);
    return with_names({{kName, www}}, settings);
  }
};

TEST_F(LateHttpsRecords, AreNotWaitedForByTheLookUp) {
  with_odd([](Entry* www) { www->delay = 1s; });
  const Time before = net::monotonic_now();
  EXPECT_THAT(look_up(kName).addresses, ElementsAre("192.0.2.1"));
  EXPECT_LT(net::monotonic_now() - before, 900ms);
  // There is a race that they can join, though it has no candidate yet.
  const auto made = plan("192.0.2.1", 443);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->candidates, 0u);
  EXPECT_THAT(raced(), ElementsAre("192.0.2.9:443"));
}

// The plan is made on the caller's thread, and the answer comes before the race
// begins on the loop.
TEST_F(LateHttpsRecords, MayComeBetweenAPlanAndItsRace) {
  with_odd([](Entry* www) { www->delay = 300ms; });
  look_up(kName);
  auto made = plan("192.0.2.1", 443);
  ASSERT_NE(made, nullptr);
  ASSERT_TRUE(made->begin.others_until);
  ASSERT_THAT(raced(), ElementsAre("192.0.2.9:443"));
  EXPECT_THAT(opened_by_race(std::move(made)), ElementsAre("192.0.2.9:443"));
}

// A race of which all has failed waits no longer than resolution_delay_ms.
TEST_F(LateHttpsRecords, AreWaitedForByARaceForTheResolutionDelay) {
  with_odd([](Entry* www) { www->fault = ReplyFault::kDrop; },
           {{"race", {{"resolution_delay_ms", 700}}},
            {"timeouts", {{"resolve_ms", 2000}}}});
  const Time before = net::monotonic_now();
  look_up(kName);
  const Time after = net::monotonic_now();
  const auto made = plan("192.0.2.1", 443);
  ASSERT_NE(made, nullptr);
  ASSERT_TRUE(made->begin.others_until);
  EXPECT_LE(*made->begin.others_until, after + 700ms);
  EXPECT_GE(*made->begin.others_until, before + 700ms);
  EXPECT_EQ(plan("192.0.2.1", 80), nullptr);
  EXPECT_THAT(raced(), IsEmpty());  // given up with the look-up's time
}

TEST_F(LateHttpsRecords, AFailureLeavesTheAddresses) {
  for (const int rcode : {2, 3, 4, 5}) {
    with_odd([&](Entry* www) { www->rcode = rcode; });
    EXPECT_THAT(looked_up_and_raced(), IsEmpty());
    EXPECT_THAT(looked_up_and_raced(), IsEmpty()) << rcode;
  }
}

// ... nor does silence speak against the resolver.
TEST_F(LateHttpsRecords, SilenceIsNotTheResolversFault) {
  serve("second", {{"other.example", with_a("192.0.2.7")}});
  auto& first = with_odd(
      [](Entry* www) { www->fault = ReplyFault::kDrop; },
      {{"resolvers", {"home", "second"}}, {"timeouts", {{"resolve_ms", 400}}}});
  looked_up_and_raced();  // with the second one's answer
  poll(nullptr, 0, 500);  // the first one's time is over
  look_up("new.example.");
  EXPECT_TRUE(first.wait_until([](const test::DotStatistics& seen) {
    return seen.asked.back().name == "new.example";
  }));
}

TEST_F(LateHttpsRecords, OfANameOfTheSearchListThatIsNotThereAreForgotten) {
  // www.corp.example does not exist; www does.
  Entry www = with_a("192.0.2.1");
  www.https(service(".", hint({"192.0.2.9"})));
  auto& server = with_names({{"www", www}});
  EXPECT_THAT(look_up("www").addresses, ElementsAre("192.0.2.1"));
  EXPECT_THAT(raced(), ElementsAre("192.0.2.9:443"));
  EXPECT_EQ(server.statistics().queries, 6);
}

}  // namespace
}  // namespace happy
