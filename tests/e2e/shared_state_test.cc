// What a second process gains from the first one's look-ups and races, and what
// it leaves when it may not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/e2e/clients.h"
#include "tests/lab/namespace_lab.h"

namespace happy::e2e {
namespace {

using lab::NamespaceLab;
using nlohmann::json;
using testing::HasSubstr;
using testing::SizeIs;

constexpr int kH = 10, kDelay = 250;  // ms
constexpr const char* kGood = "198.51.100.1";
int noise() { return lab::sanitized() ? 400 : 80; }

class SharedStateTest : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_NAMESPACES();
    lab_ = std::make_unique<NamespaceLab>(lab::NamespaceWish{
        .hosts = {{kGood, {.rtt = std::chrono::milliseconds(kH)}},
                  {"2001:db8:5::1", {.black_hole = true}}},
        .names = {{"dead6.lab.test", {"2001:db8:5::1", kGood}},
                  {"alone.lab.test", {kGood}}}});
  }

  lab::Outcome run(const std::vector<std::string>& command,
                   const std::string& state) {
    const auto outcome =
        lab_->run(command, {{"HAPPY_STATE", state}, {"HAPPY_LOG", "warn"}},
                  std::chrono::seconds(20));
    EXPECT_TRUE(outcome.good()) << outcome.describe();
    return outcome;
  }
  Connect connect(const std::string& state) {
    auto out = connects_of(run(connects({"dead6.lab.test"}), state).out);
    EXPECT_THAT(out, SizeIs(1));
    out.resize(1);
    EXPECT_EQ(out[0].peer, kGood);
    return out[0];
  }
  // Connections to the resolver. The last packets of an earlier program's may
  // still come.
  size_t questions() const {
    size_t out = 0;
    for (const auto& syn : lab_->packets().syns())
      out += syn.destination.port == 853;
    return out;
  }
  std::string happyctl(const std::vector<std::string>& words) {
    std::vector<std::string> command{HAPPY_BUILD_FOLDER "/happyctl", "state"};
    command.insert(command.end(), words.begin(), words.end());
    return lab_->run_plain(command, {{"HAPPY_STATE", state_}}).out;
  }

  std::unique_ptr<NamespaceLab> lab_;
  const lab::TempFolder folder_;
  const std::string state_ = folder_.file("state");
};

TEST_F(SharedStateTest, TheSecondProcessAsksNobody) {
  const std::vector<std::string> ask{"python3", "-c", R"(
import socket, time
began = time.monotonic()
socket.getaddrinfo("alone.lab.test", 80)
print(1000 * (time.monotonic() - began))
)"};
  run(ask, state_);
  EXPECT_GT(questions(), 0U);
  const auto again = run(ask, state_);
  EXPECT_EQ(questions(), 0U) << lab_->packets().describe();
  // Milliseconds: a file was read, and no helper thread waited for.
  EXPECT_LE(std::stod(again.out), lab::sanitized() ? 100 : 20);
  for (const auto& event : lab::events_of(lab_->trace(), "answer"))
    EXPECT_EQ(event["source"], "cache");
}

// Scenario 38. History is set aside one time in 32.
TEST_F(SharedStateTest, S38TheSecondProcessKnowsWhoIsDead) {
  const int first = connect(state_).took;
  EXPECT_GE(first, kDelay);
  EXPECT_LE(first, kDelay + kH + noise());
  const int second = connect(state_).took, third = connect(state_).took;
  EXPECT_LE(std::min(second, third), kH + noise());
  EXPECT_EQ(questions(), 0U);
}

// The folder is held open, whatever becomes of the root; children share too.
TEST_F(SharedStateTest, LastsThroughAChrootAndAFork) {
  run({"python3", "-c", R"(
import os, socket, sys
socket.gethostbyname("alone.lab.test")
os.chroot(sys.argv[1])
if os.fork() == 0:
    socket.getaddrinfo("dead6.lab.test", 80)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
)",
       folder_.path()},
      state_);
  EXPECT_GT(questions(), 0U);
  connect(state_);
  EXPECT_EQ(questions(), 0U) << lab_->packets().describe();
}

// RFC 8767, with what another process was told: the resolver is silent, and
// what it said a while ago has run out.
TEST_F(SharedStateTest,
       AnExpiredAnswerOfAnotherProcessServesWhereNobodyAnswers) {
  lab_ = std::make_unique<NamespaceLab>(lab::NamespaceWish{
      .hosts = {{kGood, {.rtt = std::chrono::milliseconds(kH)}}},
      .names = {},
      .dot_script = json{
          {"zone",
           {{"names", {{"dead6.lab.test", {{"A", {kGood}}, {"ttl", 1}}}}}}}}});
  connect(state_);
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  lab_->change(NamespaceLab::kResolver, {.black_hole = true});
  connect(state_);
  const auto answers = lab::events_of(lab_->trace(), "answer");
  ASSERT_FALSE(answers.empty());
  EXPECT_EQ(answers.back()["source"], "stale");
  EXPECT_EQ(answers.back()["addresses"], json::array({kGood}));
}

TEST_F(SharedStateTest, NothingIsSharedWhereItIsOff) {
  connect("off");
  connect("off");
  EXPECT_GT(questions(), 0U);
  json policy = lab_->policy();
  policy["state"] = {{"enabled", false}};
  lab_->use_policy(policy.dump());
  connect(state_);
  EXPECT_FALSE(std::filesystem::exists(state_));
}

// The first address of the resolver is dead: the second process begins with the
// other.
TEST_F(SharedStateTest, TheSecondProcessKnowsWhereTheResolverAnswers) {
  json policy = lab_->policy();
  json& addresses = policy["resolvers"]["lab"]["addresses"];
  addresses.insert(addresses.begin(), NamespaceLab::kResolver6);
  lab_->use_policy(policy.dump());
  lab_->change(NamespaceLab::kResolver6, {.black_hole = true});
  const auto dead_tried = [&](const std::string& name) {
    run({"python3", "-c",
         "import socket; socket.gethostbyname('" + name + "')"},
        state_);
    const auto syns = lab_->packets().syns();
    return std::any_of(syns.begin(), syns.end(), [](const lab::Packet& syn) {
      return syn.destination.address.to_string() == NamespaceLab::kResolver6;
    });
  };
  EXPECT_TRUE(dead_tried("dead6.lab.test"));
  EXPECT_FALSE(dead_tried("alone.lab.test"));
  EXPECT_THAT(happyctl({}),
              HasSubstr(std::string("  ") + NamespaceLab::kResolver +
                        ", answered last\n"));
}

// Answers belong to who gave them, and to how it was known.
TEST_F(SharedStateTest, AnotherPolicysResolverIsAskedItself) {
  connect(state_);
  json policy = lab_->policy();
  policy["resolvers"]["lab"]["auth_name"] = "resolver.lab.test";
  policy["resolvers"]["lab"].erase("pins");
  policy["rules"][0]["timeouts"]["resolve_ms"] = 1000;
  lab_->use_policy(policy.dump());
  const auto outcome =
      lab_->run(connects({"dead6.lab.test"}), {{"HAPPY_STATE", state_}});
  EXPECT_FALSE(outcome.good()) << "no authority is known here";
  EXPECT_GT(questions(), 0U);
}

TEST_F(SharedStateTest, BrokenFilesAreSetAsideWithOneLine) {
  connect(state_);
  for (const auto& file : std::filesystem::directory_iterator(state_))
    std::ofstream(file.path(), std::ios::trunc) << "{\"format\": 1";
  const auto outcome = run(connects({"dead6.lab.test"}), state_);
  EXPECT_GT(questions(), 0U);
  EXPECT_THAT(outcome.err, HasSubstr("is broken and set aside"));
  EXPECT_EQ(outcome.err.find("set aside"), outcome.err.rfind("set aside"));
  // Written anew.
  run(connects({"dead6.lab.test"}), state_);
  EXPECT_EQ(questions(), 0U);
}

TEST_F(SharedStateTest, AFolderThatOthersMayEnterIsNotUsed) {
  ASSERT_EQ(mkdir(state_.c_str(), 0700), 0);
  ASSERT_EQ(chmod(state_.c_str(), 0770), 0);
  const auto outcome = run(connects({"dead6.lab.test"}), state_);
  EXPECT_THAT(outcome.err, HasSubstr("it needs mode 0700"));
  EXPECT_TRUE(std::filesystem::is_empty(state_));
}

TEST_F(SharedStateTest, HappyctlShowsAndForgetsIt) {
  EXPECT_EQ(happyctl({}), "nothing is known\n");
  connect(state_);
  const std::string shown = happyctl({"show"});
  EXPECT_THAT(shown, HasSubstr("dead6.lab.test A: 198.51.100.1, "));
  EXPECT_THAT(shown, HasSubstr("dead6.lab.test AAAA: 2001:db8:5::1, "));
  EXPECT_THAT(shown, HasSubstr("  2001:db8:5::1: no round trip known, port 80 "
                               "failed 0 s ago\n"));
  const auto all = json::parse(happyctl({"show", "--json"}));
  EXPECT_THAT(all, SizeIs(4));
  EXPECT_THAT(shown, HasSubstr("a TLS ticket, given 0 s ago\n"));
  EXPECT_EQ(all.dump().find("\"ticket\":\""), std::string::npos);
  EXPECT_THAT(happyctl({"flush"}), HasSubstr("4 files removed from"));
  EXPECT_EQ(happyctl({}), "nothing is known\n");
}

}  // namespace
}  // namespace happy::e2e
