// A strict name never goes out in clear text, whatever fails; and the control
// that a leak would be seen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/e2e/clients.h"
#include "tests/lab/namespace_lab.h"

namespace happy::e2e {
namespace {

using lab::NamespaceLab;
using std::chrono::milliseconds;

constexpr const char* kGood = "198.51.100.1";
constexpr const char* kDead = "198.51.100.2";

class LeakTest : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_NAMESPACES();
    const lab::Path path{.rtt = milliseconds(10)};
    lab_ = std::make_unique<NamespaceLab>(lab::NamespaceWish{
        .hosts = {{kGood, path}, {kDead, {.black_hole = true}}},
        .names = {{"good.lab.test", {kGood}},
                  {"dead4.lab.test", {kDead, kGood}}},
        .records = {"1.100.51.198.in-addr.arpa. 300 IN PTR good.lab.test."}});
  }

  // With the resolver's entry in the policy changed so that it fails.
  void expect_silence(const nlohmann::json& change) {
    nlohmann::json policy = lab_->policy();
    policy["resolvers"]["lab"].merge_patch(change);
    policy["rules"][0]["timeouts"]["resolve_ms"] = 1000;
    lab_->use_policy(policy.dump());
    for (const char* name : {"curl", "wget", "python_asyncio", "nc"}) {
      const auto outcome = lab_->run(client(name).command("good.lab.test", 80));
      EXPECT_FALSE(outcome.good()) << outcome.describe();
      EXPECT_EQ(lab_->packets().count_port(53), 0U) << name;
      EXPECT_EQ(lab_->packets().count_port(80), 0U) << name;
    }
  }

  std::unique_ptr<NamespaceLab> lab_;
};

TEST_F(LeakTest, NoneWithAWrongPin) {
  expect_silence({{"pins", {lab::make_certificate().pin}}});
}

TEST_F(LeakTest, NoneWithAClosedPort) { expect_silence({{"port", 8853}}); }

TEST_F(LeakTest, NoneWithASilentResolver) {
  expect_silence({{"addresses", {kDead}}});
}

TEST_F(LeakTest, NoneWithAPolicyThatDoesNotParse) {
  lab_->use_policy("{");
  const auto outcome = lab_->run(client("curl").command("good.lab.test", 80));
  EXPECT_EQ(outcome.exit_status, 6) << outcome.describe();
  EXPECT_EQ(lab_->packets().count_port(53), 0U);
}

TEST_F(LeakTest, TheControlWithTheLibraryDisabledIsSeen) {
  const auto outcome = lab_->run(client("curl").command("good.lab.test", 80),
                                 {{"HAPPY_DISABLE", "1"}});
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  EXPECT_GE(lab_->packets().count_port(53), 2U);
}

// No policy at all: libc's resolver, and hanging connects are cured all the
// same.
TEST_F(LeakTest, TheEmbeddedDefaultAsksTheSystemAndRaces) {
  auto command = client("curl").command("dead4.lab.test", 80);
  command.insert(command.begin(), {"env", "-u", "HAPPY_POLICY"});
  const auto outcome = lab_->run(command);
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  EXPECT_GE(lab_->packets().count_port(53), 2U);
  EXPECT_LT(outcome.elapsed, milliseconds(lab::sanitized() ? 5000 : 2000));
}

// Each function of libc that asks about names or addresses, by a program that
// calls that one alone.
struct Asking {
  const char* function;
  bool answered;  // over the encrypted resolver; else refused
};

void PrintTo(const Asking& asking, std::ostream* out) {
  *out << asking.function;
}

class EveryFunction : public LeakTest,
                      public testing::WithParamInterface<Asking> {
 protected:
  lab::Outcome ask(const lab::Environment& environment) {
    return lab_->run(
        {HAPPY_BUILD_FOLDER "/e2e_ask", GetParam().function, "good.lab.test"},
        environment, std::chrono::seconds(5));
  }
};

TEST_P(EveryFunction, AsksNobodyInClearText) {
  const auto outcome = ask({});
  EXPECT_EQ(outcome.exit_status, GetParam().answered ? 0 : 1)
      << outcome.describe();
  EXPECT_EQ(lab_->packets().count_port(53), 0U);
}

// By itself it does: the test above can fail.
TEST_P(EveryFunction, AsksInClearTextWithoutTheLibrary) {
  ask({{"HAPPY_DISABLE", "1"}});
  EXPECT_GE(lab_->packets().count_port(53), 1U);
}

constexpr Asking kAskings[] = {{"getaddrinfo", true},
                               {"gethostbyname", true},
                               {"gethostbyname2", true},
                               {"gethostbyname_r", true},
                               {"gethostbyname2_r", true},
                               {"getaddrinfo_a", false},
                               {"getnameinfo", true},
                               {"gethostbyaddr", true},
                               {"gethostbyaddr_r", true},
                               {"res_query", true},
                               {"__res_query", true},
                               {"res_query_ptr", true},
                               {"res_search", true},
                               {"__res_search", true},
                               {"res_querydomain", true},
                               {"__res_querydomain", true},
                               {"res_nquery", true},
                               {"__res_nquery", true},
                               {"res_nsearch", true},
                               {"__res_nsearch", true},
                               {"res_nquerydomain", true},
                               {"__res_nquerydomain", true},
                               {"res_send", true},
                               {"__res_send", true},
                               {"res_nsend", true},
                               {"__res_nsend", true},
                               {"rcmd", false},
                               {"rcmd_af", false},
                               {"rexec", false},
                               {"rexec_af", false},
                               {"ruserok", false},
                               {"ruserok_af", false}};
INSTANTIATE_TEST_SUITE_P(Names, EveryFunction, testing::ValuesIn(kAskings),
                         [](const auto& tested) {
                           return std::string(tested.param.function);
                         });

}  // namespace
}  // namespace happy::e2e
