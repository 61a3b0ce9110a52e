// happy_connect(3) in the namespace lab, by the example of its documentation:
// names over DNS-over-TLS, dead addresses, failures that its user sees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/namespace_lab.h"

namespace happy::e2e {
namespace {

using lab::NamespaceLab;
using std::chrono::milliseconds;
using testing::IsEmpty;

constexpr const char *kGood = "198.51.100.1", *kDead = "198.51.100.3";
constexpr const char* kDead6 = "2001:db8:5::3";
constexpr milliseconds kRtt{10};

lab::NamespaceWish world() {
  return {.hosts = {{kGood, {.rtt = kRtt}},
                    {kDead, {.black_hole = true}},
                    {kDead6, {.black_hole = true}}},
          .names = {{"dead4.lab.test", {kDead, kGood}},
                    {"dead6.lab.test", {kDead6, kGood}}}};
}

class DirectConnectRaceTest : public testing::Test {
 protected:
  void SetUp() override { SKIP_WITHOUT_NAMESPACES(); }

  // The program that calls it, without libhappy.so.
  static lab::Outcome connect(NamespaceLab& lab, const std::string& host,
                              const std::string& patience = "10000") {
    lab::Environment environment = lab.environment();
    environment.erase("LD_PRELOAD");
    return lab.run_plain(
        {HAPPY_BUILD_FOLDER "/example_connect", host, "http", patience},
        environment, std::chrono::seconds(20));
  }
};

TEST_F(DirectConnectRaceTest, RacesTheAddressesThatTheResolverGave) {
  NamespaceLab lab(world());
  for (const char* name : {"dead4.lab.test", "dead6.lab.test"}) {
    const auto outcome = connect(lab, name);
    EXPECT_EQ(outcome.out, "connected to 198.51.100.1 port 80\n")
        << name << outcome.describe();
    // A look-up and one attempt delay; the machine may be busy.
    EXPECT_LT(outcome.elapsed, milliseconds(2000));
  }
  for (const auto& packet : lab.packets().dns())
    EXPECT_NE(packet.destination.port, 53) << "in clear text";
}

TEST_F(DirectConnectRaceTest, SaysThatThereIsNoSuchName) {
  NamespaceLab lab(world());
  const auto outcome = connect(lab, "nobody.lab.test");
  EXPECT_EQ(outcome.exit_status, 1);
  EXPECT_EQ(outcome.err, "nobody.lab.test: Name or service not known\n");
}

// Its user is not to learn by a silent leak that the policy was wrong.
TEST_F(DirectConnectRaceTest, FailsClosedWithABrokenPolicy) {
  NamespaceLab lab(world());
  lab.use_policy("{ \"version\": 2 }");
  const auto outcome = connect(lab, "dead4.lab.test");
  EXPECT_EQ(outcome.exit_status, 1);
  EXPECT_THAT(
      outcome.err,
      testing::HasSubstr(
          "dead4.lab.test: Non-recoverable failure in name resolution"));
  EXPECT_THAT(lab.packets().dns(), IsEmpty());
}

TEST_F(DirectConnectRaceTest, KeepsItsTimeWhileTheResolverIsSilent) {
  NamespaceLab lab(world());
  auto policy = lab.policy();
  policy["rules"][0]["timeouts"] = {{"resolve_ms", 60000}};
  lab.use_policy(policy.dump());
  lab.change(NamespaceLab::kResolver, {.black_hole = true});
  const auto outcome = connect(lab, "dead4.lab.test", "500");
  EXPECT_EQ(outcome.exit_status, 1);
  EXPECT_EQ(outcome.err.substr(0, 15), "dead4.lab.test:");
  EXPECT_THAT(outcome.err, testing::EndsWith("Connection timed out\n"));
  EXPECT_GE(outcome.elapsed, milliseconds(500));
  EXPECT_LT(outcome.elapsed, milliseconds(5000));
}

// Two of a kind in one process: neither may stand in the other's way.
TEST_F(DirectConnectRaceTest, WorksUnderThePreloadedLibrary) {
  NamespaceLab lab(world());
  const auto outcome = lab.run(
      {HAPPY_BUILD_FOLDER "/example_connect", "dead4.lab.test", "http"});
  EXPECT_EQ(outcome.out, "connected to 198.51.100.1 port 80\n")
      << outcome.describe();
}

TEST_F(DirectConnectRaceTest, ReachesNamesOfIpv4ThroughNat64) {
  auto wish = world();
  wish.client = lab::ClientNetwork::kIpv6Only;
  wish.nat64 = true;
  wish.names.push_back({"ipv4only.arpa", {"64:ff9b::192.0.0.170"}});
  wish.names.push_back({"a.lab.test", {kGood}});
  NamespaceLab lab(wish);
  auto policy = lab.policy();
  policy["rules"][0]["nat64"] = "discover";
  lab.use_policy(policy.dump());
  const auto outcome = connect(lab, "a.lab.test");
  EXPECT_EQ(outcome.out, "connected to 64:ff9b::c633:6401 port 80\n")
      << outcome.describe();
}

}  // namespace
}  // namespace happy::e2e
