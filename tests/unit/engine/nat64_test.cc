// Networks without IPv4 as look-ups and plans see them: translated addresses,
// and IPv6 for callers of IPv4.
#include <poll.h>

#include "tests/unit/engine/engine_fixture.h"

namespace happy {
namespace {

using nlohmann::json;
using test::Entry;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StrEq;
using ::testing::UnorderedElementsAre;

constexpr unsigned kIpv4Socket = 1 | 4;

class Nat64Test : public EngineTest {
 protected:
  // A strict rule for all names by a server with an A, an AAAA and both.
  Engine& start_with(const json& settings, bool ipv4 = false) {
    Entry six, both = with_a("192.0.2.1");
    six.aaaa("2001:db8::1");
    both.aaaa("2001:db8::1");
    serve("home", {{"a.example", with_a("192.0.2.1")},
                   {"aaaa.example", six},
                   {"both.example", both}});
    json rule = {{"hosts", {"*"}}, {"resolvers", {"home"}}};
    rule.update(settings);
    return on_network(start(json::array({rule})), ipv4);
  }
  Engine& start_by_system(const json& settings) {
    json rule = {{"hosts", {"*"}}, {"resolvers", {"system"}}};
    rule.update(settings);
    return on_network(start(json::array({rule})), false);
  }
  static Engine& on_network(Engine& engine, bool ipv4, uint64_t id = 1) {
    engine.set_network([=] {
      return net::Network{state::NetworkId{id}, ipv4};
    });
    return engine;
  }
  void probed(const std::vector<std::string>& answer) {
    std::vector<happy_address> list;
    for (const std::string& text : answer) {
      happy_address one{};
      one.family = AF_INET6;
      const IpAddress address = IpAddress::parse(text).value();
      std::copy(address.bytes.begin(), address.bytes.end(), one.bytes);
      list.push_back(one);
    }
    engine_->nat64_probed(list.data(), list.size());
  }
};

const json kPrefix = {{"nat64", "64:ff9b::/96"}};
const json kDiscover = {{"nat64", "discover"}};
const json kCrossing = {{"race", {{"cross_family", true}}}};

TEST_F(Nat64Test, ANameWithoutAaaaGainsTheTranslatedAddress) {
  start_with(kPrefix);
  EXPECT_THAT(look_up("a.example").addresses,
              UnorderedElementsAre("64:ff9b::c000:201", "192.0.2.1"));
}

TEST_F(Nat64Test, TheHintsSayWhatIsTold) {
  start_with(kPrefix);
  EXPECT_THAT(look_up("a.example", AF_INET6).addresses,
              ElementsAre("64:ff9b::c000:201"));
  EXPECT_THAT(look_up("a.example", AF_INET).addresses,
              ElementsAre("192.0.2.1"));
}

TEST_F(Nat64Test, ANameWithAaaaGainsNone) {
  start_with(kPrefix);
  EXPECT_THAT(look_up("both.example").addresses,
              UnorderedElementsAre("2001:db8::1", "192.0.2.1"));
  EXPECT_THAT(look_up("both.example", AF_INET6).addresses,
              ElementsAre("2001:db8::1"));
}

TEST_F(Nat64Test, WhereThereIsIpv4NothingIsTranslatedAndNoAIsAskedInVain) {
  start_with(kPrefix, true);
  EXPECT_EQ(look_up("a.example.", AF_INET6).eai, EAI_NODATA);
  EXPECT_THAT(look_up("a.example").addresses, ElementsAre("192.0.2.1"));
}

// `families` filters what the packets are, and these are IPv6.
TEST_F(Nat64Test, ARuleForIpv6AloneUsesTheTranslator) {
  json settings = kPrefix;
  settings["families"] = {"ipv6"};
  start_with(settings);
  EXPECT_THAT(look_up("a.example").addresses, ElementsAre("64:ff9b::c000:201"));
}

TEST_F(Nat64Test, LibcsAnswersAreRacedTranslatedToo) {
  json settings = kPrefix;
  settings.update(kCrossing);
  start_by_system(settings);
  remember("www.example", {"192.0.2.1"}, AF_INET);
  EXPECT_THAT(planned("192.0.2.1", kIpv4Socket),
              ElementsAre("192.0.2.1", "64:ff9b::c000:201"));
}

TEST_F(Nat64Test, ThePrefixIsAskedForOnceANetwork) {
  Engine& engine = start_with(kDiscover);
  EXPECT_THAT(engine.nat64_probe("a.example"), StrEq("ipv4only.arpa"));
  EXPECT_THAT(look_up("a.example").addresses, ElementsAre("192.0.2.1"));
  probed({"2001:db8:64::c000:aa", "2001:db8:64::c000:ab"});
  EXPECT_EQ(engine.nat64_probe("a.example"), nullptr);
  EXPECT_THAT(look_up("a.example").addresses,
              UnorderedElementsAre("192.0.2.1", "2001:db8:64::c000:201"));
  on_network(engine, false, 2);
  EXPECT_THAT(engine.nat64_probe("a.example"), StrEq("ipv4only.arpa"));
  EXPECT_THAT(look_up("a.example").addresses, ElementsAre("192.0.2.1"));
}

TEST_F(Nat64Test, ANetworkWithoutTranslatorIsNotAskedEachTime) {
  Engine& engine = start_with(kDiscover);
  probed({});
  EXPECT_EQ(engine.nat64_probe("a.example"), nullptr);
  EXPECT_THAT(look_up("a.example").addresses, ElementsAre("192.0.2.1"));
}

TEST_F(Nat64Test, NothingIsAskedWithoutNeed) {
  EXPECT_EQ(start_with(kPrefix).nat64_probe("a.example"), nullptr);
  EXPECT_EQ(start_with(kDiscover, true).nat64_probe("a.example"), nullptr);
}

TEST_F(Nat64Test, AnIpv4LookUpAsksForIpv6TooWhereFamiliesCross) {
  start_with(kCrossing, true);
  EXPECT_THAT(look_up("both.example", AF_INET).addresses,
              ElementsAre("192.0.2.1"));
  // Both answers come on one connection; the AAAA is not waited for.
  for (int i = 0; i < 1000 && planned("192.0.2.1", kIpv4Socket).empty(); ++i)
    poll(nullptr, 0, 1);
  EXPECT_THAT(planned("192.0.2.1", kIpv4Socket),
              ElementsAre("192.0.2.1", "2001:db8::1"));
}

TEST_F(Nat64Test, AnIpv4LookUpOfANameWithoutAFails) {
  start_with(kCrossing, true);
  EXPECT_EQ(look_up("aaaa.example.", AF_INET).eai, EAI_NODATA);
}

TEST_F(Nat64Test, WithoutTheKeyFamiliesNeverCross) {
  start_with(json::object());
  look_up("both.example");
  EXPECT_THAT(planned("192.0.2.1", kIpv4Socket), IsEmpty());
  EXPECT_THAT(why_, StrEq("one address and no time-out"));
}

TEST_F(Nat64Test, ASocketThatCannotBeReplacedDoesNotCross) {
  start_with(kCrossing);
  look_up("both.example");
  EXPECT_THAT(planned("192.0.2.1", 1), IsEmpty());
}

}  // namespace
}  // namespace happy
