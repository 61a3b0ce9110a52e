// The profile `opportunistic` as a program sees it: what is found, and what
// leaves in clear text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/namespace_lab.h"

namespace happy::e2e {
namespace {

using lab::NamespaceLab;
using nlohmann::json;
using testing::HasSubstr;

constexpr const char *kDead = "198.51.100.3", *kGood = "198.51.100.1";

// Look-ups by all three ways, and a race over what they gave.
constexpr const char* kLookUp = R"(
import socket
print(sorted({a[4][0] for a in socket.getaddrinfo("dead4.lab.test", 80)}))
print(socket.gethostbyname_ex("dead4.lab.test")[2])
print(socket.create_connection(("dead4.lab.test", 80), 8).getpeername()[0])
)";
constexpr const char* kFound =
    "['198.51.100.1', '198.51.100.3']\n"
    "['198.51.100.3', '198.51.100.1']\n"
    "198.51.100.1\n";

class OpportunisticLookUp : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_NAMESPACES();
    lab_ = std::make_unique<NamespaceLab>(lab::NamespaceWish{
        .hosts = {{kGood, {.rtt = std::chrono::milliseconds(10)}},
                  {kDead, {.black_hole = true}}},
        .names = {{"dead4.lab.test", {kDead, kGood}}}});
    policy_ = lab_->policy();
  }
  json& rule() { return policy_["rules"][0]; }
  json& resolver() { return policy_["resolvers"]["lab"]; }
  lab::Outcome look_up() {
    lab_->use_policy(policy_.dump());
    return lab_->run({"/usr/bin/python3", "-c", kLookUp},
                     {{"HAPPY_LOG", "warn"}});
  }
  void break_pin() {
    resolver()["pins"] = {
        "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
  }
  void close_port() { resolver()["port"] = 854; }

  std::unique_ptr<NamespaceLab> lab_;
  json policy_;
};

TEST_F(OpportunisticLookUp, AnImpostorsAnswerIsTakenAndStaysEncrypted) {
  rule()["profile"] = "opportunistic";
  rule()["resolvers"] = {"lab", "system"};
  break_pin();
  const auto outcome = look_up();
  EXPECT_EQ(outcome.out, kFound) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("not authenticated"));
  EXPECT_EQ(lab_->packets().count_port(53), 0U) << lab_->packets().describe();
}

TEST_F(OpportunisticLookUp, WhereNobodyAnswersTheSystemIsAskedAndTheRaceIsRun) {
  rule()["profile"] = "opportunistic";
  rule()["resolvers"] = {"lab", "system"};
  close_port();
  const auto outcome = look_up();
  EXPECT_EQ(outcome.out, kFound) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("in clear text for an hour"));
  EXPECT_GT(lab_->packets().count_port(53), 0U);
  // Refused once; the other look-ups go to the system at once.
  EXPECT_EQ(lab_->packets().resets().size(), 1U) << lab_->packets().describe();
}

TEST_F(OpportunisticLookUp, WithoutSystemNothingLeavesInClearText) {
  rule()["profile"] = "opportunistic";
  close_port();
  EXPECT_THAT(look_up().err, HasSubstr("Temporary failure in name resolution"));
  EXPECT_EQ(lab_->packets().count_port(53), 0U) << lab_->packets().describe();
}

TEST_F(OpportunisticLookUp, StrictTakesNeitherStep) {
  break_pin();
  EXPECT_THAT(look_up().err, HasSubstr("Temporary failure in name resolution"));
  EXPECT_EQ(lab_->packets().count_port(53), 0U) << lab_->packets().describe();
}

}  // namespace
}  // namespace happy::e2e
